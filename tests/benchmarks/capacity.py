"""What it takes, on paper: python -m tests.benchmarks.capacity

Of what performance.json measured and what is assumed here. `--keep` writes the table into the guide.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.benchmarks.rows import GUIDE, RESULTS

BEGIN, END = "<!-- capacity -->", "<!-- capacity: end -->"
SURVEYS_A_YEAR, YEARS = 4, 5
TEAM = 12
"""People in a team, each of which is a group; and one in so many looks at results."""
PEAK = 1 / 5
"""Of a survey's answers, and of those who look at results, in the busiest hour; all organisations at once."""
READS_EACH = 10
BUSY = 0.5
"""Of a core at most, in that hour."""
RELEASING = 8 * 3600
"""Seconds in which the releases of a day are to be there."""
LEAST_CORES = 2
ROOM = 2
"""Disk for each byte of rows: as much again for what is written ahead, swept up and free."""
MEMORY_OF_A_MACHINE = 16_000
MEMORY_OF_A_CORE = 4
"""Gigabytes that come with it."""
CORE_HOUR, GIGABYTE_MONTH, HOURS_A_MONTH = 0.05, 0.12, 730
"""US dollars: a core with 4 GB of memory by the hour, and solid-state disk, as large clouds list them."""
OF_READS, GROUPS_READ = r"(?:satisfaction-engagement|drivers|facets), (\d+) groups \(([\d,.]+) kB\)", 211
RELEASE = r"release of ([\d,]+) in ([\d,]+) groups, 4 segments: (.+)"


ANOTHER_WAY = "then [another way to compute it](metrics.md#5-if-one-survey-outgrows-memory)"


class NotMeasured(LookupError):
    """Says which benchmark is to be run first."""


@dataclass(frozen=True)
class Case:
    organizations: int
    people: int

    @property
    def everybody(self) -> int:
        return self.organizations * self.people

    @property
    def groups(self) -> int:
        """Of one organisation."""
        return 1 + -(-self.people // TEAM)

    def __str__(self) -> str:
        if self.organizations == 1:
            return f"one organisation of {self.people:,}"
        return f"{self.organizations:,} organisations of {self.people:,}"


CASES = (Case(100, 500), Case(10_000, 500), Case(1, 2_000_000))


@dataclass(frozen=True)
class Costs:
    """Seconds of processor, bytes on disk, and megabytes of memory."""

    answer: float
    answers_a_second: float
    """Of one process, one by one: in the busiest hour a survey has not even one answer in hand at a time."""
    gathered_a_second: float
    """Where they come to one survey at once, and are stored together."""
    read: float
    of_respondent: float
    of_group: float
    """A release takes as long as the greater of the two says."""
    bytes_of_response: float
    bytes_of_group: float
    process: float
    memory_of_respondent: float

    def release(self, case: Case) -> float:
        return max(case.people * self.of_respondent, case.groups * self.of_group)


Row = Mapping[str, float | str | None]


def costs_of(rows: Sequence[Row]) -> Costs:
    gathered = row_like(rows, "submissions", "one response a request, c=32")
    alone = row_like(rows, "ungathered", "one response at a time, c=1: .*")
    # In times of the limit of the same run: the two had different company on the machine.
    answer = number(alone, "cpu") / number(alone, "cpu_limit") * number(gathered, "cpu_limit")
    slower = answer / number(gathered, "cpu")
    read = row_like(rows, "reads", r"overview, .*")
    plan, numbers, memory = (largest(rows, what) for what in ("what may be shown", "all numbers", "memory"))
    seconds = plan.cost + numbers.cost
    kilobytes = [(float(size.replace(",", "")), int(groups)) for groups, size in sizes(rows)]
    return Costs(
        answer=answer / 1000,
        answers_a_second=number(gathered, "ours") / slower,
        gathered_a_second=number(gathered, "ours"),
        read=number(read, "cpu") / 1000,
        of_respondent=seconds / plan.respondents,
        of_group=seconds / plan.groups,
        bytes_of_response=number(row_like(rows, "storage", r".*, confidential"), "ours"),
        bytes_of_group=sum(1000 * size / groups for size, groups in kilobytes),
        process=number(row_like(rows, "start", "from start to ready", unit="MB"), "ours"),
        memory_of_respondent=memory.cost / memory.respondents,
    )


def number(row: Row, name: str) -> float:
    found = row[name]
    assert isinstance(found, float | int), (row["work"], name)
    return float(found)


def row_like(rows: Sequence[Row], kind: str, work: str, unit: str | None = None) -> Row:
    for row in rows:
        if re.fullmatch(work, str(row["work"])) and unit in (None, row["unit"]):
            return row
    raise NotMeasured(f"performance.json has no such row: python -m tests.benchmarks {kind} --keep")


class Release(NamedTuple):
    respondents: int
    groups: int
    cost: float


def largest(rows: Sequence[Row], what: str) -> Release:
    def found() -> Iterator[Release]:
        for row in rows:
            match = re.fullmatch(RELEASE, str(row["work"]))
            if match and match[3] == what:
                respondents, groups = (int(one.replace(",", "")) for one in match.groups()[:2])
                yield Release(respondents, groups, number(row, "ours"))

    every = sorted(found())
    if not every:
        raise NotMeasured("performance.json has no release: python -m tests.benchmarks releases --keep")
    return every[-1]


def sizes(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if match := re.fullmatch(OF_READS, str(row["work"])):
            yield match[1], match[2]


@dataclass(frozen=True)
class Needs:
    cores: int
    gigabytes_of_memory: float
    gigabytes_of_disk: float
    dollars_a_month: float
    first: str
    then: str


class Shortage(NamedTuple):
    share: float
    """Of what there is."""
    what: str
    then: str


def needs_of(case: Case, costs: Costs) -> Needs:
    answers = answers_a_second(case)
    reads = case.everybody / TEAM * READS_EACH * PEAK / 3600
    workers = math.ceil(case.organizations * costs.release(case) / RELEASING)
    processes = workers + math.ceil(answers / BUSY / costs.answers_a_second)
    busiest = max(answers * costs.answer, reads * costs.read)
    memory = (case.people * costs.memory_of_respondent + processes * costs.process) / 1000
    cores = max(LEAST_CORES, math.ceil(busiest / BUSY) + workers, math.ceil(memory / MEMORY_OF_A_CORE))
    disk = ROOM * SURVEYS_A_YEAR * YEARS * bytes_of_a_survey(case, costs) / 1e9
    shortage = max(shortages(case, costs))
    return Needs(
        cores=cores,
        gigabytes_of_memory=memory,
        gigabytes_of_disk=disk,
        dollars_a_month=cores * CORE_HOUR * HOURS_A_MONTH + disk * GIGABYTE_MONTH,
        first=shortage.what,
        then=shortage.then,
    )


def answers_a_second(case: Case) -> float:
    """In the busiest hour."""
    return case.everybody * PEAK / 3600


def bytes_of_a_survey(case: Case, costs: Costs) -> float:
    groups = case.organizations * case.groups
    return case.everybody * costs.bytes_of_response + groups * costs.bytes_of_group


def shortages(case: Case, costs: Costs) -> Iterator[Shortage]:
    answers, most = answers_a_second(case), costs.answers_a_second
    one = costs.release(case)
    every, memory = one * case.organizations, case.people * costs.memory_of_respondent
    yield Shortage(
        answers / most,
        f"answers in the busiest hour: {answers:,.1f} a second, of {most:,.0f} that one process takes singly"
        f" ({costs.gathered_a_second:,.0f} where they come to one survey at once)",
        "more processes of `serve` on more cores: they share nothing but the database",
    )
    if case.organizations > 1:
        what = f"the releases of one day: {spelt(every)} of one core"
        yield Shortage(every / RELEASING, what, "more workers: releases are computed side by side")
    yield Shortage(
        one / RELEASING, f"one release: {spelt(one)} in one process", f"a faster core; {ANOTHER_WAY}"
    )
    yield Shortage(
        memory / MEMORY_OF_A_MACHINE,
        f"memory of one release: {memory / 1000:,.1f} GB",
        f"a worker with more memory; {ANOTHER_WAY}",
    )


def spelt(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.0f} minutes" if seconds < 2 * 3600 else f"{seconds / 3600:,.1f} hours"


COLUMNS: Mapping[str, Callable[[Case, Needs], str]] = {
    "for": lambda case, _: str(case),
    "cores": lambda _, needs: f"{needs.cores:,}",
    "memory of our processes, GB": lambda _, needs: f"{needs.gigabytes_of_memory:,.1f}",
    "disk after five years, GB": lambda _, needs: f"{needs.gigabytes_of_disk:,.0f}",
    "US dollars a month": lambda _, needs: f"{needs.dollars_a_month:,.0f}",
    "what is short first": lambda _, needs: needs.first,
    "what then": lambda _, needs: needs.then,
}


def table(rows: Sequence[Row]) -> str:
    costs = costs_of(rows)
    found = [(case, needs_of(case, costs)) for case in CASES]
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(column(*one) for column in COLUMNS.values()) for one in found]
    return "\n".join([BEGIN, *(f"| {line} |" for line in lines), END])


def measured() -> Sequence[Row]:
    rows: Sequence[Row] = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    return rows


def into_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    made = table(measured())
    GUIDE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: made, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    try:
        print(table(measured()))
        if "--keep" in sys.argv[1:]:
            into_guide()
    except NotMeasured as missing:
        sys.exit(str(missing))
