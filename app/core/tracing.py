"""Which request something belongs to, across processes: W3C Trace Context.

It goes along with jobs and webhooks, also where nobody collects spans. Where the extra `tracing` is installed
and a collector is named, each request and job is a span of OpenTelemetry. We make them ourselves: what
instruments a framework from outside notes addresses, and texts of exceptions, which quote what people wrote.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from typing import Any

TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
EXTRA = "opentelemetry-sdk"

current: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""What is told to others of the trace that this belongs to."""
SpanWords = dict[str, str | int | float]


class Tracing:
    """The one tracer of a process, if there is any."""

    tracer: Any = None
    provider: Any = None


class TracingMissing(RuntimeError):
    """The message is one line and says what to do."""


def start_tracing(url: str | None) -> None:
    """Sends spans to a collector, until `stop_tracing`."""
    if url is None:
        return
    try:
        version(EXTRA)
    except PackageNotFoundError:
        raise TracingMissing(
            "BETROKKEN_OTLP_URL wants the extra tracing: pip install 'betrokken[tracing]', or unset it"
        ) from None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    trace_with(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")))


def trace_with(processor: Any) -> None:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    Tracing.provider = TracerProvider(resource=Resource({"service.name": "betrokken"}))
    Tracing.provider.add_span_processor(processor)
    Tracing.tracer = Tracing.provider.get_tracer("betrokken")


def stop_tracing() -> None:
    if Tracing.provider is not None:
        Tracing.provider.shutdown()
        Tracing.provider = Tracing.tracer = None


def taken(offered: str | None) -> str | None:
    """Of somebody else, if it is one."""
    return offered if offered and TRACEPARENT.fullmatch(offered) else None


def trace_id() -> str | None:
    traceparent = current.get()
    return traceparent.split("-")[1] if traceparent else None


@contextmanager
def within(name: str, parent: str | None, kind: str = "INTERNAL") -> Iterator[SpanWords]:
    """The trace goes on in here. What is told of it until the end are its attributes; `name` is its name."""
    told: SpanWords = {"name": name}
    if Tracing.tracer is None:
        token = current.set(parent)
        try:
            yield told
        finally:
            current.reset(token)
    else:
        with _span(Tracing.tracer, told, parent, kind):
            yield told


@contextmanager
def _span(tracer: Any, told: SpanWords, parent: str | None, kind: str) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 an extra
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({"traceparent": parent} if parent else {})
    with tracer.start_as_current_span(
        told["name"],
        context=context,
        kind=SpanKind[kind],
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        token = current.set(carrier.get("traceparent"))
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            current.reset(token)
            span.update_name(told.pop("name"))
            span.set_attributes(told)
