"""What the demo shows in a terminal."""

import shlex
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.core.settings import DASHBOARD
from app.demo.service import Demo
from app.metrics.definitions import document
from app.metrics.schemas import Group, GroupOk, QuadrantShares, SatisfactionEngagement, Score

METRIC = "/v1/metrics/satisfaction-engagement?by=organization&by=team"
ADDRESSES = {"API": "/v1/me", "API page": "/docs", "Prometheus": "/metrics", "Health": "/health/ready"}
NARROWEST = 80
OLDER = (
    "This demo was filled by an earlier version and is left as it was: for all that there is now, give"
    " another --data-dir, or delete the folder first."
)
SHORTLY = {"below_minimum": "Too few people", "complementary": "Protects a small group"}


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def summary(numbers: SatisfactionEngagement) -> Table:
    """Scores are 0-100 with their 95% intervals; what may not be shown says why."""
    closed = f"{numbers.survey.closed_at:%d %B %Y}"
    title = f"{numbers.survey.name}, closed on {closed}"
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("Team", no_wrap=True)
    for name in ("n", "Satisfaction", "Engagement"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Largest share", no_wrap=True)
    for group in numbers.groups:
        table.add_row(*_cells(group))
    return table


def _cells(group: Group) -> Iterator[str]:
    ref = group.group
    yield "  " * (ref.depth + (ref.kind == "team")) + ref.name
    if isinstance(group, GroupOk):
        yield str(group.n)
        yield _score(group.satisfaction)
        yield _score(group.engagement)
        yield _most(group.quadrants.shares) if group.quadrants else ""
    else:
        yield from ("", "", "", _why_hidden(group.reason))


def _score(score: Score) -> str:
    if score.ci_low is None or score.ci_high is None:
        return f"{score.score:.0f}"
    return f"{score.score:.0f} ({score.ci_low:.0f}-{score.ci_high:.0f})"


def _most(shares: QuadrantShares) -> str:
    name, share = max(shares, key=lambda quadrant: quadrant[1].share)
    return f"{document()['labels']['quadrants'][name]['en']} {share.share:.0%}"


def _why_hidden(reason: str) -> str:
    """In a column's width where that is known, else as the API words it."""
    return SHORTLY.get(reason) or str(document()["labels"]["reasons"][reason]["en"])


def show(made: Demo, url: str, has_pages: bool) -> None:
    """The line for curl is printed as it is: a terminal may fold it, but nothing breaks it."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, NARROWEST)
    console.print(summary(made.numbers))
    if made.is_older:
        print("", OLDER, "", sep="\n")
    if has_pages:
        print(f"{'Dashboard':16} {url}{DASHBOARD}#{made.key}", f"{'':16} signed in by the key", sep="\n")
    for name, path in ADDRESSES.items():
        print(f"{name:16} {url}{path}")
    if made.link:
        print(f"{'Answer':16} {made.link}", f"{'':16} as somebody who is asked", sep="\n")
    print(f"{'Mails':16} {made.mails or 'go out by your mail server'}")
    print(
        f"{'API key':16} {made.key}",
        f"{'':16} every scope; kept in {made.key_file} for the next start",
        sep="\n",
    )
    print("", "Try:", curl_line(url, made.key), "", "Ctrl-C ends it.", sep="\n", flush=True)


def curl_line(url: str, key: str) -> str:
    return shlex.join(["curl", "-sS", "-H", f"Authorization: Bearer {key}", url + METRIC])
