"""Injects one fault after another under load, and looks after each whether all is as it was acknowledged."""

import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.embedded.servers import servers_below
from tests.faults.injections import KINDS, Scene, Unavailable
from tests.faults.load import KINDS as WORK
from tests.faults.load import Load, organization, sent
from tests.faults.planted import MARK
from tests.faults.site import is_ready, site
from tests.waiting import eventually

SMALL_DISK_MB = 768
STEPPED = "clock stepped"
BASE, EACH = 300, 80
"""Who may respond: at first, and for each fault."""
MEANWHILE = 16
"""Operations that are acknowledged before the next fault: it meets a service at work."""


Told = Callable[[str], object]


@dataclass
class Row:
    injected: int = 0
    slowest: float = 0.0
    """Seconds until it was ready and took a write."""
    note: str = ""

    @property
    def is_missing(self) -> bool:
        """Of what this machine can do."""
        return not self.injected and not self.note


@dataclass
class Outcome:
    rows: dict[str, Row] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    """By kind of work."""

    @property
    def missing(self) -> list[str]:
        return [kind for kind, row in self.rows.items() if row.is_missing]

    @property
    def is_good(self) -> bool:
        return not self.faults and not self.missing

    def table(self) -> str:
        lines = [f"{'fault':34} {'times':>5} {'healed within':>14}"]
        for kind, row in self.rows.items():
            healed = f"{row.slowest:.1f} s" if row.injected else "-"
            note = "NOT INJECTED" if row.is_missing else row.note
            lines.append(f"{kind:34} {row.injected:5} {healed:>14}  {note}".rstrip())
        times = sum(row.injected for row in self.rows.values())
        met = ", ".join(f"{status}: {times}" for status, times in sorted(self.statuses.items()))
        each = ", ".join(f"{kind}: {times}" for kind, times in self.acknowledged.items())
        lines.append(f"{times} injections; operations acknowledged: {each}; clients saw {met}")
        return "\n".join(lines + [f"WRONG: {fault}" for fault in self.faults[:50]])


def run(
    kinds: Sequence[str],
    injections: int,
    healed_within: float,
    program: str = "app",
    work: Sequence[str] = WORK,
    told: Told = lambda _: None,
) -> Outcome:
    """A service whose clock can be stepped is one by itself: it costs, and does not always survive a kill."""
    turns = [kinds[number % len(kinds)] for number in range(injections)]
    whole = Outcome({kind: Row() for kind in kinds})
    for is_stepped in (False, True):
        part = [kind for kind in turns if (kind == STEPPED) is is_stepped]
        if not part:
            continue
        outcome = _run(part, healed_within, program, work, told)
        whole.rows |= outcome.rows
        whole.faults += outcome.faults
        whole.statuses += outcome.statuses
        whole.acknowledged += outcome.acknowledged
    return whole


def _run(
    turns: Sequence[str], healed_within: float, program: str, work: Sequence[str], told: Told
) -> Outcome:
    outcome = Outcome({kind: Row() for kind in turns})
    with data_folder(wanted="disk of the data folder full" in turns) as (folder, disk):
        with site(folder, program, clock=STEPPED in turns) as (place, loop):
            load = Load(place, organization(place, BASE + EACH * len(turns)), work)
            (folder / MARK).touch()
            headers = {"Authorization": f"Bearer {load.given.key}"}
            try:
                with httpx.Client(base_url=place.url, headers=headers, timeout=10) as client:
                    scene = Scene(place, loop, load, random.Random(20261130), disk, client, healed_within)
                    for number, kind in enumerate(turns, 1):
                        told(f"{number} of {len(turns)}: {kind}")
                        inject(scene, kind, healed_within, outcome)
                        if outcome.faults:
                            break
            finally:
                load.close()
            outcome.faults += [one for one in load.ledger.faults(place) if one not in outcome.faults]
            outcome.statuses = load.ledger.statuses
            outcome.acknowledged = load.acknowledged
            outcome.faults += [
                f"nothing of {kind} was acknowledged" for kind in work if not outcome.acknowledged[kind]
            ]
    return outcome


def inject(scene: Scene, kind: str, healed_within: float, outcome: Outcome) -> None:
    row, before = outcome.rows[kind], scene.load.acknowledged.total()
    eventually(lambda: scene.load.acknowledged.total() >= before + MEANWHILE)
    try:
        KINDS[kind](scene)
    except Unavailable as error:
        row.note = f"skipped: {error}"
        return
    since = time.monotonic()
    while not is_healed(scene):
        if time.monotonic() - since > healed_within:
            outcome.faults.append(f"after {kind}: not healed within {healed_within:.0f} s")
            return
        time.sleep(0.25)
    row.injected += 1
    row.slowest = max(row.slowest, time.monotonic() - since)
    outcome.faults += [f"after {kind}: {fault}" for fault in scene.load.ledger.faults(scene.site)]


def is_healed(scene: Scene) -> bool:
    """It says that it is ready, and takes a write."""
    if not is_ready(scene.client):
        return False
    answer = sent(scene.client, "PUT", "/v1/people/probe", {"name": f"{time.monotonic_ns()}"})
    return answer is not None and answer.is_success


@contextmanager
def data_folder(wanted: bool) -> Iterator[tuple[Path, Path | None]]:
    """On a small disk of its own, where one is wanted and can be mounted."""
    with tempfile.TemporaryDirectory(prefix="betrokken-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m,mode=755", "none", name]
        if not wanted or subprocess.run(mount, check=False, capture_output=True).returncode:
            yield folder, None
            return
        try:
            yield folder, folder
        finally:
            assert not servers_below(folder)
            subprocess.run(["umount", "--lazy", name], check=True)
