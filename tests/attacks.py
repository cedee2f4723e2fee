"""Every attack of the suite, counted: python -m tests.attacks, or make attacks.

An attack is a test in a file that SECURITY.md or the guides of privacy and disclosure name. It is held where
the service gives nothing away; a planted weakness is one that a test puts into the service or its rules, and
must catch.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PROMISES: Final = ("SECURITY.md", "openapi/guides/privacy.md", "openapi/guides/disclosure.md")
NAMED: Final = re.compile(r"tests/[\w/]+/test_\w+\.py|tests/test_\w+\.py")
PLANTED: Final = re.compile(r"_(catches|caught)_")


def named_in(*documents: str) -> list[str]:
    """The files of tests that these documents name, each once."""
    return sorted({name for one in documents for name in NAMED.findall((ROOT / one).read_text("utf-8"))})


class Count:
    """How each attack ended, by the file it is in."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self.caught: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            file, _, name = report.nodeid.partition("::")
            is_planted = PLANTED.search(name) is not None
            (self.planted if is_planted else self.tried)[file] += 1
            (self.caught if is_planted else self.held)[file] += report.passed

    def lines(self) -> list[str]:
        files = sorted(self.tried | self.planted)
        told = [f"{file}: {self.of(file)}" for file in files]
        return [*told, f"together: {self.of(*files)}"]

    def of(self, *files: str) -> str:
        tried, held, planted, caught = (
            sum(one[file] for file in files) for one in (self.tried, self.held, self.planted, self.caught)
        )
        return f"{tried} tried, {held} held; {planted} weaknesses planted, {caught} caught"


def main(*options: str) -> int:
    count = Count()
    chosen = options or ("-m", "not nightly")
    code = pytest.main(["-q", "-p", "no:randomly", *chosen, *named_in(*PROMISES)], plugins=[count])
    sys.stdout.write("\n".join(count.lines()) + "\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
