"""How late surveys open and close that do so side by side at a full minute, the worker killed in between."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.test_times import MANY, Side, side_by_side
from tests.benchmarks.bench import show


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="betrokken-bench-") as folder, side_by_side(Path(folder)) as side:
        opens_at = full_minute()
        side.draft_many(opens_at)
        side.wait_until(lambda: side.count("open") == MANY)
        opened = lateness(side, "opened_at", opens_at)
        side.kill_worker()
        side.start_worker()
        closes_at = full_minute()
        side.close_many(closes_at)
        side.wait_until(lambda: side.count("released") == MANY)
        closed = lateness(side, "closed_at", closes_at)
        released = lateness(side, "released_at", closes_at)
    title = f"{MANY} surveys at a full minute, seconds after it"
    show(title, ("", "first", "last"), ("open", *opened), ("closed", *closed), ("released", *released))


def full_minute() -> datetime:
    """The first that leaves time to ask for all of them."""
    return (datetime.now(UTC) + timedelta(seconds=90)).replace(second=0, microsecond=0)


def lateness(side: Side, name: str, due: datetime) -> tuple[str, str]:
    late = [(datetime.fromisoformat(survey[name]) - due).total_seconds() for survey in side.surveys()]
    return f"{min(late):.2f}", f"{max(late):.2f}"


if __name__ == "__main__":
    main()
