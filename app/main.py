"""The only composition root: settings in, application out."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.admission import Admission
from app.auth.api import router as sign_in_router
from app.auth.limits import (
    IMPORT,
    RESPOND,
    ForgettingMiddleware,
    KnownKeys,
    RateLimitMiddleware,
    Strangers,
    StrangersMiddleware,
)
from app.auth.oidc import issuer_of
from app.auth.shortcuts import ShortcutMiddleware
from app.calendar.api import router as calendar_router
from app.calendar.cards.api import router as cards_router
from app.calendar.feeds.api import router as feeds_router
from app.calendar.reminders.api import linked as reminders_links
from app.calendar.reminders.api import router as reminders_router
from app.charts.api import router as charts_router
from app.core import operations, outbox, telemetry
from app.core.answers import HeadMiddleware, PackingMiddleware
from app.core.bodies import BodyMiddleware
from app.core.crossing import Crossing
from app.core.database import Database
from app.core.errors import ErrorMiddleware, install_error_handlers
from app.core.fairness import FairMiddleware, FairQueue
from app.core.gathering import Gathering, Place, Work
from app.core.jobs import JobFunction, ScheduleFunction, Worker, forget_jobs, on_demand
from app.core.leaving import told_before_leaving
from app.core.ready import ReadyAnswers
from app.core.requests import OriginMiddleware, RequestIdMiddleware, routes_of
from app.core.rotation import Sealed
from app.core.secrets import load_secrets
from app.core.settings import Settings
from app.core.watching import watched
from app.imports import queries as import_queries
from app.imports import service as imports
from app.imports.api import router as imports_router
from app.imports.run import sealed_file
from app.kpis.api import router as kpis_router
from app.mail.transport import warn_of_links
from app.metrics.celebrations.api import router as celebration_metrics_router
from app.metrics.recognition.api import router as recognition_metrics_router
from app.metrics.views.api import router as metrics_router
from app.newsletter.api import linked as newsletter_links
from app.newsletter.api import router as newsletter_router
from app.organizations.api import router as organizations_router
from app.organizations.erasure.api import router as organization_erasure_router
from app.organizations.setup.api import router as setup_router
from app.pages.api import router as pages_router
from app.people.addresses import service as addresses
from app.people.persons.api import router as persons_router
from app.people.teams.api import router as teams_router
from app.privacy.audit_log.api import router as audit_router
from app.privacy.erasure.api import router as erasure_router
from app.privacy.export import links
from app.privacy.export.api import linked as export_links
from app.privacy.export.api import router as export_router
from app.recognition.api import router as recognition_router
from app.recognition.chat import queries as chat_queries
from app.recognition.chat import service as chat
from app.recognition.chat.api import router as chat_router
from app.surveys import service as surveys
from app.surveys.api import router as surveys_router
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations import service as invitations
from app.surveys.invitations import tokens
from app.surveys.invitations.api import router as invitations_router
from app.surveys.invitations.reminders import queries as reminder_queries
from app.surveys.questionnaires.api import router as questionnaires_router
from app.surveys.respond import service as respond
from app.surveys.respond.api import router as respond_router
from app.surveys.responses import service as responses
from app.surveys.responses.api import router as responses_router
from app.webhooks import queries as webhook_queries
from app.webhooks import service as webhooks
from app.webhooks.api import router as webhooks_router

log = logging.getLogger("betrokken")
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
    surveys.OPEN_JOB: on_demand("app.surveys.jobs", "open_on_time"),
    surveys.CLOSE_JOB: on_demand("app.surveys.jobs", "close_on_time"),
    surveys.RELEASE_JOB: on_demand("app.metrics.releases.jobs", "release_survey"),
    invitations.SEND_JOB: on_demand("app.surveys.invitations.mailing", "send_invitations"),
    surveys.REMIND_JOB: on_demand("app.surveys.invitations.reminders.jobs", "remind_invited"),
    imports.RUN_JOB: on_demand("app.imports.jobs", "run_import"),
    surveys.TURNOVER_JOB: on_demand("app.metrics.releases.jobs", "freeze_turnover"),
    links.MAIL_JOB: on_demand("app.privacy.export.links", "mail_link"),
    addresses.JOB: on_demand("app.people.addresses.jobs", "tell_old_addresses"),
    surveys.STATISTICS_JOB: on_demand("app.privacy.erasure.jobs", "forget_statistics"),
    outbox.DELIVER_JOB: on_demand("app.webhooks.jobs", "deliver_webhook"),
}
ROUTERS = (
    operations.watched,
    operations.router,
    organizations_router,
    organization_erasure_router,
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
ROUTES = routes_of(*ROUTERS)
PAGES = routes_of(pages_router)
SCIM = "/scim/v2"
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
    "tend_surveys": ("*/10 * * * *", on_demand("app.surveys.jobs", "tend_surveys")),
    "plan_celebrations": ("*/10 * * * *", on_demand("app.calendar.jobs", "plan_celebrations")),
    "send_celebrations": ("* * * * *", on_demand("app.calendar.jobs", "send_celebrations")),
    "plan_newsletters": ("*/10 * * * *", on_demand("app.newsletter.jobs", "plan_newsletters")),
    "send_newsletters": ("* * * * *", on_demand("app.newsletter.jobs", "send_newsletters")),
    "forget": ("17 * * * *", on_demand("app.organizations.jobs", "forget")),
    "forget_jobs": ("47 * * * *", forget_jobs),
    "forget_imports": ("27 * * * *", on_demand("app.imports.jobs", "forget_imports")),
    "retain": ("37 * * * *", on_demand("app.privacy.retention.jobs", "retain")),
    "wake_webhooks": ("* * * * *", on_demand("app.webhooks.jobs", "wake_webhooks")),
    "forget_deliveries": ("23 * * * *", on_demand("app.webhooks.jobs", "forget_deliveries")),
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
    app.state.database, app.state.worker, app.state.is_leaving = database, worker, False
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
        with told_before_leaving(app, settings.shutdown_grace):
            async with watched(database):
                log.info("ready", extra={"pid": os.getpid()})
                yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await database.close()
        log.info("stopped", extra={"pid": os.getpid()})

    app = FastAPI(
        title="Betrokken",
        lifespan=lifespan,
        routes=[Crossing(ROUTES), *(PAGES if settings.pages else ())],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings, app.state.is_leaving = settings, False
    app.state.ready_answers = ReadyAnswers(settings.ready_answers_mb * 2**19)
    app.state.jobs, app.state.release_job = tuple(JOBS), surveys.RELEASE_JOB
    load_secrets(settings)
    app.state.issuer = issuer_of(settings)
    operations.mount_assets(app)
    install_error_handlers(app)
    add_middleware(app, settings)
    return app


class ScimOnDemand:
    """What is under /scim/v2 is loaded when somebody asks for it first: half as long again as the rest."""

    def __init__(self, app: ASGIApp, service: FastAPI) -> None:
        self.app, self.service = app, service
        self.scim: ASGIApp | None = None
        self.loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{SCIM}/"):
            await self.app(scope, receive, send)
            return
        async with self.loading:
            if self.scim is None:
                self.scim = await asyncio.to_thread(self._load)
        await self.scim(scope, receive, send)

    def _load(self) -> ASGIApp:
        from app.scim.api import mount_scim  # noqa: PLC0415
        from app.scim.errors import ScimErrors  # noqa: PLC0415
        from app.scim.rooms import SCIM_ROUTERS, SCIM_ROUTES  # noqa: PLC0415

        mount_scim(self.service, SCIM_ROUTERS, SCIM_ROUTES)
        return ScimErrors(self.app)


def inviter_of(app: FastAPI, token: str) -> UUID | None:
    found = tokens.read_token(app.state.database.keyring, token)
    return None if found is None else found.organization_id


def gathering(app: FastAPI, queue: FairQueue, work: Callable[..., Any]) -> Gathering[Any, Any]:
    def of_survey(place: Place) -> Work[Any, Any]:
        return lambda session, sent: work(session, place[1], sent, app.state.database.keyring)

    return Gathering(queue, of_survey)


def is_submission(scope: Scope) -> bool:
    """One response, of those that are stored together."""
    path: str = scope["path"]
    return scope["method"] == "POST" and (path == RESPOND or path.endswith("/responses"))


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Innermost first: what is added last sees a request first."""
    queue = FairQueue(max(2, settings.database_pool_size * 3 // 2), settings.organization_concurrency)
    keys = app.state.known_keys = KnownKeys(lambda token: inviter_of(app, token))
    app.state.gathered_responses = gathering(app, queue, responses.submit_each)
    app.state.gathered_answers = gathering(app, queue, respond.answer_each)
    app.add_middleware(FairMiddleware, requests=queue, lane_of=keys.lane_of, gathers=is_submission)
    strangers = app.state.strangers = Strangers(
        keys, settings.unknown_key_limit, settings.unknown_code_limit, settings.unknown_codes_in_all
    )
    app.add_middleware(StrangersMiddleware, strangers=strangers, is_behind_bodies=True)
    admission = Admission(app, settings, queue, keys)
    app.add_middleware(BodyMiddleware, admit=admission.limits_of, whose=keys.whose, streamed={IMPORT})
    app.add_middleware(ForgettingMiddleware, keys=keys)
    app.add_middleware(ShortcutMiddleware, state=app.state, room=settings.ready_answers_mb * 2**19)
    if settings.rate_limit:
        app.add_middleware(RateLimitMiddleware, limit=settings.rate_limit)
    app.add_middleware(StrangersMiddleware, strangers=strangers, is_behind_bodies=False)
    app.add_middleware(ScimOnDemand, service=app)
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
    app.add_middleware(telemetry.TelemetryMiddleware, access_log=settings.access_log)
    app.add_middleware(RequestIdMiddleware)
