"""The numbers of several processes that serve together, of which some have died."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from app.core import processes

COUNTING = """
import sys
from app.core import telemetry, watching
telemetry.RECOGNITIONS.inc(2)
telemetry.LATENCY.labels("get_me").observe(0.2)
telemetry.POOL_IN_USE.set(3)
telemetry.BUILD_INFO.labels("1", "3").set(1)
watching.Collections().note()
print("counted", flush=True)
sys.stdin.read()
"""


@contextmanager
def one_process(folder: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", COUNTING],
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"counted\n"
        yield
        process.stdin.close()


def samples(folder: Path) -> dict[str, float]:
    families = text_string_to_metric_families(processes.exposition(folder).decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_what_the_dead_counted_stays_and_what_they_measured_goes(tmp_path: Path) -> None:
    with one_process(tmp_path):
        pass
    with one_process(tmp_path):
        seen = samples(tmp_path)
        assert seen["betrokken_recognition_events_total"] == 4
        assert seen["betrokken_http_request_duration_seconds_count"] == 2
        assert seen["betrokken_database_pool_connections_in_use"] == 3, "of the living"
    for _ in range(2):
        seen = samples(tmp_path)
        assert seen["betrokken_recognition_events_total"] == 4
        assert seen["betrokken_http_request_duration_seconds_sum"] == 0.4
        assert "betrokken_database_pool_connections_in_use" not in seen
    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_0.db", "histogram_0.db"}


def test_process_and_python_figures_are_of_all(tmp_path: Path) -> None:
    alone = samples(tmp_path)
    with one_process(tmp_path):
        both = samples(tmp_path)
    figures = {
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "python_info",
        "python_gc_collections_total",
        "python_gc_objects_collected_total",
    }
    assert figures <= both.keys()
    assert both["process_resident_memory_bytes"] > 2**20 + alone["process_resident_memory_bytes"]
    assert both["process_start_time_seconds"] == alone["process_start_time_seconds"], "the earliest"
