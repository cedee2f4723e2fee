"""Telemetry of several processes that serve together, each of which writes what it counts into files."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

ADDED_UP = ("counter", "histogram")
GRAVE = "0"
"""The process id of what the dead have counted."""
EARLIEST, LEAST = "process_start_time_seconds", "process_max_fds"
CPU = "process_cpu_seconds"


def exposition(folder: Path) -> bytes:
    registry = CollectorRegistry()
    with locked(folder):
        bury_the_dead(folder)
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
        PlatformCollector(registry)
        registry.register(Together(sorted({*living(folder), os.getppid()})))
        return generate_latest(registry)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody adds up while what a dead process counted is moved."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pid_of(file: Path) -> str:
    return file.stem.rpartition("_")[2]


def is_alive(pid: str) -> bool:
    return pid == GRAVE or Path("/proc", pid).exists()


def living(folder: Path) -> set[int]:
    pids = {pid_of(file) for file in folder.glob("*.db")}
    return {int(pid) for pid in pids if pid != GRAVE and is_alive(pid)}


def bury_the_dead(folder: Path) -> None:
    """What they counted stays, in one file a kind; what they measured goes."""
    if not Path("/proc").exists():
        return
    for file in folder.glob("*.db"):
        if not is_alive(pid_of(file)):
            kind = file.stem.partition("_")[0]
            if kind in ADDED_UP:
                add_up(file, folder / f"{kind}_{GRAVE}.db")
            file.unlink()


def add_up(file: Path, grave: Path) -> None:
    kept = MmapedDict(str(grave))  # type: ignore[no-untyped-call]
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
        before, _ = kept.read_value(key)  # type: ignore[no-untyped-call]
        kept.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    kept.close()  # type: ignore[no-untyped-call]


class Together(Collector):
    """What Prometheus knows of one process, of all of them: sums, and the earliest start."""

    def __init__(self, pids: Iterable[int]) -> None:
        self.each = [ProcessCollector(pid=lambda pid=pid: pid, registry=None) for pid in pids]  # type: ignore[misc]

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        for collector in self.each:
            for metric in collector.collect():
                known = found.get(metric.name)
                found[metric.name] = metric if known is None else together(known, metric)
        if CPU in found:
            add(found[CPU], of_dead_children(os.getppid()))
        yield from found.values()


def together(one: Metric, other: Metric) -> Metric:
    value = other.samples[0].value
    if one.name in (EARLIEST, LEAST):
        value = min(value, one.samples[0].value) - one.samples[0].value
    return add(one, value)


def add(metric: Metric, value: float) -> Metric:
    [sample] = metric.samples
    metric.samples = [sample._replace(value=sample.value + value)]
    return metric


def of_dead_children(pid: int) -> float:
    """Seconds of processor that a process has heard of from its children that ended."""
    fields = Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
