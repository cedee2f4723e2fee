"""The only composition root: settings in, application out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import scim2_models  # noqa: F401 each model walks over all modules that are loaded before it
from fastapi import FastAPI

from app.auth.admission import Admission
from app.auth.api import router as sign_in_router
from app.auth.limits import (
    IMPORT,
    ForgettingMiddleware,
    KnownKeys,
    RateLimitMiddleware,
    Strangers,
    StrangersMiddleware,
)
from app.auth.oidc import issuer_of
from app.calendar import jobs as calendar_jobs
from app.calendar.api import router as calendar_router
from app.calendar.cards.api import router as cards_router
from app.calendar.feeds.api import router as feeds_router
from app.calendar.reminders.api import linked as reminders_links
from app.calendar.reminders.api import router as reminders_router
from app.charts.api import router as charts_router
from app.core import operations, outbox, telemetry
from app.core.answers import HeadMiddleware, PackingMiddleware
from app.core.bodies import BodyMiddleware
from app.core.database import Database
from app.core.errors import ErrorMiddleware, install_error_handlers
from app.core.fairness import FairMiddleware, FairQueue
from app.core.jobs import JobFunction, ScheduleFunction, Worker, forget_jobs
from app.core.ready import ReadyAnswers
from app.core.requests import OriginMiddleware, RequestIdMiddleware, routes_of
from app.core.rotation import Sealed
from app.core.secrets import load_secrets
from app.core.settings import Settings
from app.core.watching import watched
from app.imports import jobs as import_jobs
from app.imports import queries as import_queries
from app.imports import service as imports
from app.imports.api import router as imports_router
from app.imports.run import sealed_file
from app.kpis.api import router as kpis_router
from app.mail.transport import warn_of_links
from app.metrics.celebrations.api import router as celebration_metrics_router
from app.metrics.recognition.api import router as recognition_metrics_router
from app.metrics.releases import builder as releasing
from app.metrics.releases import jobs as metrics_jobs
from app.metrics.views.api import router as metrics_router
from app.newsletter import jobs as newsletter_jobs
from app.newsletter.api import linked as newsletter_links
from app.newsletter.api import router as newsletter_router
from app.organizations import jobs as organization_jobs
from app.organizations.api import router as organizations_router
from app.organizations.setup.api import router as setup_router
from app.pages.api import router as pages_router
from app.people.addresses import service as addresses
from app.people.addresses.jobs import tell_old_addresses
from app.people.persons.api import router as persons_router
from app.people.teams.api import router as teams_router
from app.privacy.audit_log.api import router as audit_router
from app.privacy.erasure.api import router as erasure_router
from app.privacy.erasure.jobs import forget_statistics
from app.privacy.export import links
from app.privacy.export.api import linked as export_links
from app.privacy.export.api import router as export_router
from app.privacy.retention import jobs as privacy_jobs
from app.recognition.api import router as recognition_router
from app.recognition.chat import queries as chat_queries
from app.recognition.chat import service as chat
from app.recognition.chat.api import router as chat_router
from app.scim.api import mount_scim
from app.scim.discovery.api import router as scim_discovery_router
from app.scim.errors import ScimErrors
from app.scim.groups.api import router as scim_groups_router
from app.scim.users.api import router as scim_users_router
from app.surveys import jobs as survey_jobs
from app.surveys import service as surveys
from app.surveys.api import router as surveys_router
from app.surveys.invitations import mailing, tokens
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations import service as invitations
from app.surveys.invitations.api import router as invitations_router
from app.surveys.invitations.reminders import queries as reminder_queries
from app.surveys.invitations.reminders.jobs import remind_invited
from app.surveys.questionnaires.api import router as questionnaires_router
from app.surveys.respond.api import router as respond_router
from app.surveys.responses.api import router as responses_router
from app.webhooks import jobs as webhook_jobs
from app.webhooks import queries as webhook_queries
from app.webhooks import service as webhooks
from app.webhooks.api import router as webhooks_router

EXPOSED_HEADERS = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotent-Replayed",
    "Deprecation",
    "Sunset",
    "X-Request-Id",
]


JOBS: dict[str, JobFunction] = {
    surveys.OPEN_JOB: survey_jobs.open_on_time,
    surveys.CLOSE_JOB: survey_jobs.close_on_time,
    surveys.RELEASE_JOB: metrics_jobs.release_survey,
    invitations.SEND_JOB: mailing.send_invitations,
    surveys.REMIND_JOB: remind_invited,
    imports.RUN_JOB: import_jobs.run_import,
    releasing.TURNOVER_JOB: metrics_jobs.freeze_turnover,
    links.MAIL_JOB: links.mail_link,
    addresses.JOB: tell_old_addresses,
    surveys.STATISTICS_JOB: forget_statistics,
    outbox.DELIVER_JOB: webhook_jobs.deliver_webhook,
}
ROUTERS = (
    operations.watched,
    operations.router,
    organizations_router,
    setup_router,
    sign_in_router,
    teams_router,
    persons_router,
    questionnaires_router,
    surveys_router,
    responses_router,
    invitations_router,
    respond_router,
    metrics_router,
    charts_router,
    chat_router,
    recognition_router,
    recognition_metrics_router,
    celebration_metrics_router,
    calendar_router,
    kpis_router,
    feeds_router,
    cards_router,
    reminders_router,
    reminders_links,
    newsletter_router,
    newsletter_links,
    imports_router,
    export_router,
    export_links,
    erasure_router,
    audit_router,
    webhooks_router,
)
SCIM_ROUTERS = (scim_users_router, scim_groups_router, scim_discovery_router)
ROUTES = routes_of(*ROUTERS)
PAGES = routes_of(pages_router)
SCIM_ROUTES = routes_of(*SCIM_ROUTERS)
SEALED = (
    Sealed(webhooks.SEAL, webhook_queries.SECRETS_TO_RESEAL, webhook_queries.RESEAL_SECRET),
    Sealed(webhooks.SEAL, webhook_queries.EARLIER_SECRETS_TO_RESEAL, webhook_queries.RESEAL_EARLIER_SECRET),
    Sealed(chat.SEAL, chat_queries.SECRETS_TO_RESEAL, chat_queries.RESEAL_SECRET),
    Sealed(
        sealed_file.SEAL,
        import_queries.CHUNKS_TO_RESEAL,
        import_queries.RESEAL_CHUNK,
        ("import_id", "ordinal"),
    ),
    Sealed(
        tokens.SEAL,
        invitation_queries.PEOPLE_TO_RESEAL,
        invitation_queries.RESEAL_PERSON,
        ("survey_id", "recipient_key"),
    ),
    Sealed(
        tokens.SEAL,
        reminder_queries.PEOPLE_TO_RESEAL,
        reminder_queries.RESEAL_PERSON,
        ("survey_id", "reminder_id", "recipient_key"),
    ),
)
"""Every column of seals."""
SCHEDULES: dict[str, tuple[str, ScheduleFunction]] = {
    "tend_surveys": ("*/10 * * * *", survey_jobs.tend_surveys),
    "plan_celebrations": ("*/10 * * * *", calendar_jobs.plan_celebrations),
    "send_celebrations": ("* * * * *", calendar_jobs.send_celebrations),
    "plan_newsletters": ("*/10 * * * *", newsletter_jobs.plan_newsletters),
    "send_newsletters": ("* * * * *", newsletter_jobs.send_newsletters),
    "forget": ("17 * * * *", organization_jobs.forget),
    "forget_jobs": ("47 * * * *", forget_jobs),
    "forget_imports": ("27 * * * *", import_jobs.forget_imports),
    "retain": ("37 * * * *", privacy_jobs.retain),
    "wake_webhooks": ("* * * * *", webhook_jobs.wake_webhooks),
    "forget_deliveries": ("23 * * * *", webhook_jobs.forget_deliveries),
}


def create_worker(database: Database) -> Worker:
    warn_of_links(database.settings)
    return Worker(database, jobs=JOBS, schedules=SCHEDULES, unbounded={outbox.DELIVER_JOB})


def create_worker_app(database: Database, worker: Worker) -> FastAPI:
    """What is asked of a process that only works."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with watched(database):
            yield

    app = FastAPI(
        title="Betrokken",
        lifespan=lifespan,
        routes=[*routes_of(operations.watched)],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database, app.state.worker = database, worker
    app.state.jobs, app.state.release_job = tuple(JOBS), surveys.RELEASE_JOB
    install_error_handlers(app)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestIdMiddleware)
    return app


def create_app(settings: Settings, database_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = app.state.database = Database(database_url, settings)
        worker = app.state.worker = create_worker(database) if settings.worker_enabled else None
        tasks = [asyncio.create_task(database.memory.listen())]
        tasks += [asyncio.create_task(worker.run())] if worker else []
        async with watched(database):
            yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await database.close()

    app = FastAPI(
        title="Betrokken",
        lifespan=lifespan,
        routes=[*ROUTES, *(PAGES if settings.pages else ())],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.ready_answers = ReadyAnswers(settings.ready_answers_mb * 2**20)
    app.state.jobs, app.state.release_job = tuple(JOBS), surveys.RELEASE_JOB
    load_secrets(settings)
    app.state.issuer = issuer_of(settings)
    operations.mount_assets(app)
    mount_scim(app, SCIM_ROUTERS, SCIM_ROUTES)
    install_error_handlers(app)
    add_middleware(app, settings)
    return app


def inviter_of(app: FastAPI, token: str) -> UUID | None:
    found = tokens.read_token(app.state.database.keyring, token)
    return None if found is None else found.organization_id


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Innermost first: what is added last sees a request first."""
    queue = FairQueue(max(2, settings.database_pool_size * 3 // 2), settings.organization_concurrency)
    keys = app.state.known_keys = KnownKeys(lambda token: inviter_of(app, token))
    app.add_middleware(FairMiddleware, requests=queue, lane_of=keys.lane_of)
    strangers = app.state.strangers = Strangers(
        keys, settings.unknown_key_limit, settings.unknown_code_limit, settings.unknown_codes_in_all
    )
    app.add_middleware(StrangersMiddleware, strangers=strangers, is_behind_bodies=True)
    admission = Admission(app, settings, queue, keys)
    app.add_middleware(BodyMiddleware, admit=admission.limits_of, whose=keys.whose, streamed={IMPORT})
    app.add_middleware(ForgettingMiddleware, keys=keys)
    if settings.rate_limit:
        app.add_middleware(RateLimitMiddleware, limit=settings.rate_limit)
    app.add_middleware(StrangersMiddleware, strangers=strangers, is_behind_bodies=False)
    app.add_middleware(ScimErrors)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(
        OriginMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )
    app.add_middleware(PackingMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(telemetry.TelemetryMiddleware)
    app.add_middleware(RequestIdMiddleware)
