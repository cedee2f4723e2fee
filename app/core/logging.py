"""JSON lines: an event name with fields, the request and the organisation it happened in."""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from app.core import tracing

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
organization_id: ContextVar[str | None] = ContextVar("organization_id", default=None)
operation: ContextVar[str | None] = ContextVar("operation", default=None)

OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            "request_id": request_id.get(),
            "trace_id": tracing.trace_id(),
            "operation": operation.get(),
            "organization_id": organization_id.get(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in OWN_FIELDS}
        if record.exc_info:
            line |= describe(record.exc_info[1])
        return json.dumps({key: value for key, value in line.items() if value is not None}, default=str)


def describe(error: BaseException | None) -> dict[str, object]:
    """An exception without its message: messages of databases and validators quote what people wrote."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "sqlstate": getattr(error, "sqlstate", None), "stack": places}


def configure_logging(level: str) -> None:
    """Everything to standard error, libraries included; their chatter from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("betrokken").setLevel(level)
