"""Two that are loaded by turns, by wrk, and the processor time that each takes."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.submissions import Found, Processes

SECONDS, ROUNDS, CLIENTS = 3, 2, 16
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Side:
    """One of the two that are loaded by turns: an address, and the processes that answer there."""

    url: str
    processes: Processes
    headers: Mapping[str, str]


def by_turns(ours: Side, limit: Side, seconds: int = SECONDS, rounds: int = ROUNDS) -> tuple[Found, Found]:
    """A B A B, medians: what else the machine does falls on both."""
    pairs = [(loaded(ours, seconds), loaded(limit, seconds)) for _ in range(rounds)]
    return middle([one for one, _ in pairs]), middle([other for _, other in pairs])


def loaded(side: Side, seconds: int = SECONDS) -> Found:
    sent = [part for name, value in side.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", *sent, side.url]
    before = side.processes.cpu_seconds()
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = side.processes.cpu_seconds() - before
    assert "Non-2xx" not in told, told
    slowest = figures(r"99%\s+([\d.]+)(us|ms|s)", told)
    done = int(figures(r"(\d+) requests in", told)[0])
    rate = float(figures(r"Requests/sec:\s+([\d.]+)", told)[0])
    return Found(rate, float(slowest[0]) * UNITS[slowest[1]], 1000 * used / max(1, done))


def figures(pattern: str, told: str) -> tuple[str, ...]:
    found = re.search(pattern, told)
    assert found is not None, told
    return found.groups()


def middle(found: Sequence[Found]) -> Found:
    return Found(*(median(getattr(one, name) for one in found) for name in Found.__dataclass_fields__))


def memory_of(pid: int) -> float:
    """Megabytes that it holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(figures(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024
