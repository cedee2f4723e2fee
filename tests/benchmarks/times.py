"""How late surveys open and close that do so side by side at a full minute, the worker killed in between."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.test_times import MANY, Side, lateness, side_by_side
from tests.benchmarks.bench import show


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="betrokken-bench-") as folder, side_by_side(Path(folder)) as side:
        opens_at = full_minute()
        side.draft_many(lambda: opens_at)
        side.wait_until(lambda: side.count("open") == MANY)
        opened = first_and_last(side, "opened_at", "opens_at")
        side.kill_worker()
        side.start_worker()
        closes_at = full_minute()
        side.close_many(lambda: closes_at)
        side.wait_until(lambda: side.count("released") == MANY)
        closed = first_and_last(side, "closed_at", "closes_at")
        released = first_and_last(side, "released_at", "closes_at")
    title = f"{MANY} surveys at a full minute, seconds after it"
    show(title, ("", "first", "last"), ("open", *opened), ("closed", *closed), ("released", *released))


def full_minute() -> str:
    """The first that leaves time to ask for all of them."""
    return (datetime.now(UTC) + timedelta(seconds=90)).replace(second=0, microsecond=0).isoformat()


def first_and_last(side: Side, name: str, due: str) -> tuple[str, str]:
    late = lateness(side.surveys(), name, due)
    return f"{min(late):.2f}", f"{max(late):.2f}"


if __name__ == "__main__":
    main()
