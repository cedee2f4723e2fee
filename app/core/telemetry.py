"""Every Prometheus collector, and the middleware that feeds those of HTTP.

Labels are operationId, status class, job name (`task`: Prometheus gives `job` itself), kind of mail and
reason: never a path, a person or a team.
"""

import logging
import os
import random
import time
from pathlib import Path

from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logging as app_logging
from app.core import processes, tracing
from app.core.contract import operation_of

log = logging.getLogger("betrokken.access")

REQUESTS = Counter("betrokken_http_requests_total", "Requests answered.", ["operation", "status_class"])
LATENCY = Histogram(
    "betrokken_http_request_duration_seconds",
    "Time from the request's arrival to the last byte of its answer.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RESPONSES_ACCEPTED = Counter("betrokken_survey_responses_accepted_total", "Survey responses stored.")
RESPONSES_REFUSED = Counter(
    "betrokken_survey_responses_refused_total", "Survey responses refused.", ["reason"]
)
RECOGNITIONS = Counter("betrokken_recognition_events_total", "Recognition events stored.")
RELEASE_DURATION = Histogram(
    "betrokken_release_duration_seconds",
    "Time to compute and store a survey's release.",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300),
)
SUPPRESSED_GROUPS = Counter(
    "betrokken_release_suppressed_groups_total", "Groups withheld in releases.", ["reason"]
)
JOBS = Counter("betrokken_jobs_total", "Background jobs ended.", ["task", "outcome"])
MAILS = Counter(
    "betrokken_mails_total", "Mails offered to the mail server, or written as files.", ["outcome"]
)
SURVEY_MAILS = Counter(
    "betrokken_survey_mails_total",
    "Invitations and reminders settled; a reminder that nobody needs any more counts as sent.",
    ["kind", "outcome"],
)
WEBHOOKS = Counter("betrokken_webhook_attempts_total", "Events offered to webhooks.", ["outcome"])
CALENDAR_MAILS_DUE = Gauge(
    "betrokken_calendar_mails_due",
    "Cards, reminders and newsletters whose time had come when they were last looked at.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
CALENDAR_MAILS = Counter(
    "betrokken_calendar_mails_total",
    "Cards, reminders and newsletters that ended or wait again.",
    ["kind", "outcome"],
)
CALENDAR_MAIL_DELAY = Histogram(
    "betrokken_calendar_mail_delay_seconds",
    "How much later than planned a card, reminder or newsletter went out.",
    ["kind"],
    buckets=(60, 120, 300, 900, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
)
REPLAYS = Counter(
    "betrokken_replayed_duplicates_total",
    "What was sent again and not done again: requests with a known Idempotency-Key, responses, recognition.",
    ["kind"],
)
IMPORT_ROWS = Counter(
    "betrokken_import_rows_total", "Rows of imports that ended so, without dry runs.", ["kind", "outcome"]
)
WEBHOOK_DELAY = Histogram(
    "betrokken_webhook_delivery_delay_seconds",
    "Time from a change to the answer of the webhook that was told of it.",
    buckets=(0.5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600),
)
WEBHOOK_LAG = Gauge(
    "betrokken_webhook_lag_seconds",
    "How long the oldest event that is due had waited for its webhook, when it was last looked at.",
    multiprocess_mode="mostrecent",
)
JOBS_QUEUED = Gauge(
    "betrokken_jobs_queued",
    "Jobs in the queue by whether their time has come.",
    ["task", "state"],
    multiprocess_mode="mostrecent",
)
OLDEST_JOB = Gauge(
    "betrokken_jobs_oldest_age_seconds",
    "How long the oldest job whose time has come has waited for a worker.",
    ["task"],
    multiprocess_mode="mostrecent",
)
RELEASES_PENDING = Gauge(
    "betrokken_releases_pending",
    "Surveys whose release waits or is being computed.",
    multiprocess_mode="mostrecent",
)
DATABASE_ANSWERS = Gauge(
    "betrokken_database_answers",
    "Whether the database answered while these numbers were asked for; else those of the queue are older.",
    multiprocess_mode="mostrecent",
)
LOOP_LAG = Histogram(
    "betrokken_event_loop_lag_seconds",
    "How much later than planned the event loop came back to what waited a second.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
BUILD_INFO = Gauge(
    "betrokken_build_info", "1, with what runs.", ["version", "python"], multiprocess_mode="max"
)
POOL_LIMIT = Gauge(
    "betrokken_database_pool_connections_limit",
    "Most database connections that this process opens.",
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "betrokken_database_pool_connections_waiting",
    "Who waits for a database connection: for a free one or a new one.",
    multiprocess_mode="livesum",
)
POOL_IN_USE = Gauge(
    "betrokken_database_pool_connections_in_use",
    "Database connections that this process uses or waits for.",
    multiprocess_mode="livesum",
)


def exposition() -> bytes:
    """The classic text format, over all worker processes where there are several."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return generate_latest(PROCESS_REGISTRY) if folder is None else processes.exposition(Path(folder))


LEFT = 499
"""Of a request that ends without an answer: whoever asked has gone, and nothing failed."""
PROBLEM = 500


class TelemetryMiddleware:
    """Of every request: its numbers, its span, and a line for the share `access_log`; each error has one."""

    def __init__(self, app: ASGIApp, access_log: float = 0.0) -> None:
        self.app = app
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = time.perf_counter(), LEFT
        app_logging.operation.set(operation_of(scope["method"], scope["path"]))

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        parent = tracing.taken(Headers(scope=scope).get("traceparent"))
        with tracing.within("request", parent, "SERVER") as told:
            try:
                await self.app(scope, receive, observed)
            except Exception:
                status = PROBLEM if status == LEFT else status
                raise
            finally:
                self.note(named(scope), status, time.perf_counter() - started, told)

    def note(self, operation: str, status: int, seconds: float, told: tracing.SpanWords) -> None:
        REQUESTS.labels(operation, f"{status // 100}xx").inc()
        LATENCY.labels(operation).observe(seconds)
        told |= {"name": operation, "http.response.status_code": status}
        if organization := app_logging.organization_id.get():
            told["betrokken.organization_id"] = organization
        if status >= PROBLEM or random.random() < self.access_log:  # noqa: S311 a sample
            line = {"operation": operation, "status": status, "duration_ms": round(seconds * 1000, 1)}
            log.info("request", extra=line)


def named(scope: Scope) -> str:
    """The operation, also where it was answered before a route was looked for."""
    found: str | None = getattr(scope.get("route"), "operation_id", None)
    return found or operation_of(scope["method"], scope["path"]) or "none"
