"""`make calendar-proof`: the tests on days and in time zones that are not today's. Needs libfaketime.

python -m tests.calendar_proof [--only 2028-02-29] [what pytest takes]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).parent
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
NO_TESTS = 5  # pytest's exit status


@dataclass(frozen=True)
class Moment:
    """When a run starts, what its machine takes for its time zone, and why then and there.

    On the eve of something each folder starts anew at that moment, half a minute before it.
    """

    instant: str
    zone: str
    why: str
    is_eve: bool = False

    def __str__(self) -> str:
        return f"{self.instant} {self.zone} ({self.why})"

    def seconds_from_now(self) -> int:
        return round((datetime.fromisoformat(self.instant) - datetime.now(UTC)).total_seconds())


MOMENTS = (
    Moment("2027-02-28T12:00:00Z", "Pacific/Auckland", "a year without 29 February; already March there"),
    Moment("2028-02-29T04:00:00Z", "America/Los_Angeles", "29 February; still the 28th there"),
    Moment("2027-12-31T23:59:30Z", "UTC", "the year ends in UTC", is_eve=True),
    Moment("2027-12-31T22:59:30Z", "America/Los_Angeles", "it ends in Amsterdam", is_eve=True),
    Moment("2027-03-28T00:59:30Z", "Europe/Amsterdam", "clocks are put forward", is_eve=True),
    Moment("2027-10-31T00:59:30Z", "Pacific/Auckland", "clocks are put back", is_eve=True),
    Moment("2027-10-30T22:00:00Z", "Europe/Amsterdam", "the first hour of a day of 25"),
    Moment("2031-11-30T12:00:00Z", "America/Los_Angeles", "years from when the tests were written"),
    Moment("2032-01-02T12:00:00Z", "Pacific/Auckland", "a month and a year have just begun"),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.calendar_proof")
    parser.add_argument("--only", default="", help="the moments in whose line this is")
    options, wanted = parser.parse_known_args(arguments)
    for path in (one.partition("::")[0] for one in wanted if one.startswith("tests")):
        if not Path(path).exists():
            parser.error(f"there is no {path}")
    library = next(Path("/").glob(LIBRARY[1:]), None)
    if library is None:
        print("calendar proof skipped: libfaketime is not installed (Debian: faketime)")
        return 0
    moments = [moment for moment in MOMENTS if options.only in str(moment)]
    failed = [moment for moment in moments if not passes(moment, library, wanted)]
    print("\n".join(f"{'FAILED' if moment in failed else 'passed'}  {moment}" for moment in moments))
    return 1 if failed or not moments else 0


def passes(moment: Moment, library: Path, wanted: Sequence[str]) -> bool:
    parts = [wanted] if wanted or not moment.is_eve else [[str(part)] for part in parts_of_the_suite()]
    return all([run(moment, library, part) for part in parts])  # noqa: C419 the others too, after a red one


def parts_of_the_suite() -> Iterator[Path]:
    yield from sorted(TESTS.glob("test_*.py"))
    yield from sorted({TESTS / path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")})


def run(moment: Moment, library: Path, wanted: Sequence[str]) -> bool:
    print(f"== {moment} {' '.join(wanted)}", flush=True)
    pytest = [sys.executable, "-m", "pytest", "-n", "3", "--dist", "loadfile", "-m", "not nightly"]
    folder = tempfile.mkdtemp(prefix="proof-")
    Path(folder).chmod(0o711)  # as whom root runs PostgreSQL must pass
    try:
        status = subprocess.run([*pytest, *wanted], env=environment(moment, library, folder), check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status.returncode in (0, NO_TESTS)


def environment(moment: Moment, library: Path, folder: str) -> dict[str, str]:
    """All processes keep one distance from the true time: so a database and its clients agree on theirs.

    A folder of its own for what is temporary: to this run, everybody else's is years old and may be removed.
    """
    return os.environ | {
        "TZ": moment.zone,
        "TMPDIR": folder,
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{moment.seconds_from_now():+d}",
        "FAKETIME_DISABLE_SHM": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(TESTS / "faketime"),
    }


if __name__ == "__main__":
    began = time.monotonic()
    status = main(sys.argv[1:])
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(status)
