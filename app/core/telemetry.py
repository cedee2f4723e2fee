"""Every Prometheus collector, and the middleware that feeds those of HTTP.

Labels are operationId, status class, job name, kind of mail and reason: never a path, a person or a team.
"""

import os
import time

from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
JOBS = Counter("betrokken_jobs_total", "Background jobs ended.", ["job", "outcome"])
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
POOL_IN_USE = Gauge(
    "betrokken_database_pool_connections_in_use",
    "Database connections that this process uses or waits for.",
    multiprocess_mode="livesum",
)


def exposition() -> bytes:
    """The classic text format, over all worker processes where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(PROCESS_REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class TelemetryMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = time.perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            operation = getattr(scope.get("route"), "operation_id", None) or "none"
            REQUESTS.labels(operation, f"{status // 100}xx").inc()
            LATENCY.labels(operation).observe(time.perf_counter() - started)
