"""Alerts, objectives and the dashboard, of what /metrics really has."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.core import telemetry, watching
from app.core.settings import Settings
from app.main import JOBS
from app.surveys.service import RELEASE_JOB
from tests.acceptance.process import free_port
from tests.conftest import Tenant
from tests.packaging.chart import CHART
from tests.waiting import PATIENCE, eventually

FOLDER = CHART / "observability"
RULES = ("alerts", "slo")
GUIDES = [*(CHART.parents[1] / "openapi" / "guides").glob("*.md"), FOLDER / "SLO.md"]
NO_SERIES = {str(field.default) for field in Settings.model_fields.values()}
OPERATORS = {
    *("sum", "min", "max", "count", "by", "and", "or", "on", "rate", "increase", "absent", "topk"),
    *("histogram_quantile", "min_over_time"),
}
LABELS = {"namespace", "instance", "le", "task", "kind", "outcome", "operation", "reason", "state", "version"}
LABELS |= {"python", "status_class"}


def rules(kind: str) -> list[dict[str, Any]]:
    groups = [yaml.safe_load((FOLDER / f"{file}.yaml").read_text())["groups"] for file in RULES]
    return [rule for file in groups for group in file for rule in group["rules"] if kind in rule]


def expressions() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def names_in(expression: str) -> set[str]:
    """Of series: what is no label, no word of the language and stands outside of quotes and braces."""
    bare = re.sub(r"\[[^]]*\]", "", re.sub(r"\{[^}]*\}", "", re.sub(r'"[^"]*"', "", expression)))
    return set(re.findall(r"[a-z][a-z0-9_:]*[a-z0-9]", re.sub(r"\b(by|on) \([^)]*\)", "", bare))) - OPERATORS


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if not (program := shutil.which("promtool")):
        pytest.skip("promtool (Debian: prometheus) is not on the PATH")
    return subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)


def test_every_alert_says_what_to_look_at_and_is_tried_firing_and_silent() -> None:
    tests = [
        one["alert_rule_test"][0]
        for file in RULES
        for one in yaml.safe_load((FOLDER / f"{file}.test.yaml").read_text())["tests"]
    ]
    tried = sorted((one["alertname"], bool(one["exp_alerts"])) for one in tests)
    alerts = [rule["alert"] for rule in rules("alert")]
    assert len(set(alerts)) == len(alerts) > 15
    assert tried == sorted((alert, fires) for alert in alerts for fires in (True, False))
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert len(rule["annotations"]["runbook"]) > 80, rule["alert"]
        assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("file", ["alerts", pytest.param("slo", marks=pytest.mark.nightly)])
def test_alerts_fire_and_are_silent_as_they_should(file: str) -> None:
    found = promtool("test", "rules", f"{file}.test.yaml")
    assert found.returncode == 0, found.stdout + found.stderr


def test_rules_and_dashboard_name_only_what_there_is() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    there = {name.removesuffix("_total") for name in exposed(telemetry.exposition().decode())} | recorded
    used = [(one, names_in(one)) for one in [*expressions(), *(rule["expr"] for rule in rules("expr"))]]
    for expression, names in used:
        assert names, expression
        assert not {name.removesuffix("_total") for name in names} - there, expression
    known = {name for _, names in used for name in names}
    assert len([name for name in known if name.startswith("betrokken_")]) > 20
    assert names_in('sum by (task) (rate(betrokken_typo_total{task=~"a_b"}[5m])) > 0') == {
        "betrokken_typo_total"
    }


def exposed(text: str) -> set[str]:
    families = list(text_string_to_metric_families(text))
    suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
    return {family.name + end for family in families for end in suffixes.get(family.type, ("",))}


async def test_what_the_guides_name_is_in_metrics(acme: Tenant) -> None:
    """In full: who searches for it, or copies it into a query, finds it."""
    there = exposed((await acme.client.get("/metrics")).text)
    there |= {bare(name) for name in there if name.endswith("_bucket")} | NO_SERIES
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        assert not re.findall(r"`\.\.\._\w+_(?:seconds|total)", text), guide
        assert set(re.findall(r"\b(betrokken_\w+)", text)) - there == set(), guide


def test_every_series_of_ours_is_on_the_dashboard() -> None:
    there = exposed(telemetry.exposition().decode())
    shown = {bare(name) for expression in expressions() for name in names_in(expression)}
    assert {bare(name) for name in there if name.startswith("betrokken_")} - shown == set()


def bare(name: str) -> str:
    return re.sub(r"_(bucket|count|sum|total|created)$", "", name)


class Exposed(BaseHTTPRequestHandler):
    """/metrics, of this process."""

    def do_GET(self) -> None:
        body = telemetry.exposition()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def scraped(folder: Path) -> Iterator[httpx.Client]:
    """A Prometheus that asks this process every second."""
    if not (program := shutil.which("prometheus")):
        pytest.skip("prometheus (Debian: prometheus) is not on the PATH")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exposed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = {"targets": [f"127.0.0.1:{server.server_port}"], "labels": {"namespace": "people"}}
    scrape = {"job_name": "betrokken", "scrape_interval": "1s", "static_configs": [target]}
    files = [str(FOLDER / f"{one}.yaml") for one in RULES]
    settings = folder / "prometheus.yml"
    settings.write_text(yaml.safe_dump({"scrape_configs": [scrape], "rule_files": files}))
    port = free_port()
    options = {
        "config.file": settings,
        "storage.tsdb.path": folder,
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    with (
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as client,
    ):
        try:
            yield client
        finally:
            process.terminate()
            server.shutdown()
            server.server_close()


@pytest.mark.nightly
async def test_every_expression_of_the_dashboard_finds_something_in_a_live_exposition(
    acme: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of counters with labels there is nothing before they have counted: here each has."""
    monkeypatch.setattr(watching, "LONGEST_SECONDS", PATIENCE)
    Counted.all_once()
    await watching.measure(acme.database, JOBS, RELEASE_JOB)
    async with watching.watched(acme.database):
        with scraped(tmp_path) as prometheus:
            eventually(lambda: bool(results(prometheus, "count_over_time(betrokken_build_info[1m]) > 2")))
            Counted.all_once()
            assert len(expressions()) > 30
            for expression in expressions():
                wanted = expression.replace("$__rate_interval", "1m").replace("$namespace", ".*")
                assert results(prometheus, wanted), expression
            for rule in rules("expr"):
                results(prometheus, rule["expr"])


def results(prometheus: httpx.Client, expression: str) -> list[Any]:
    try:
        answer = prometheus.get("/query", params={"query": expression})
    except httpx.TransportError:
        return []
    assert answer.status_code in (200, 503), answer.text
    found: list[Any] = answer.json()["data"]["result"] if answer.status_code == 200 else []
    return found


class Counted:
    """One of each series, as if it had happened."""

    LABELLED: ClassVar[dict[Any, tuple[str, ...]]] = {
        telemetry.REQUESTS: ("get_me", "5xx"),
        telemetry.RESPONSES_REFUSED: ("off_scale",),
        telemetry.REPLAYS: ("request",),
        telemetry.IMPORT_ROWS: ("people", "created"),
        telemetry.JOBS: ("run_import", "done"),
        telemetry.MAILS: ("sent",),
        telemetry.SURVEY_MAILS: ("invitation", "sent"),
        telemetry.CALENDAR_MAILS: ("cards", "sent"),
        telemetry.WEBHOOKS: ("delivered",),
        telemetry.SUPPRESSED_GROUPS: ("below_minimum",),
    }

    @classmethod
    def all_once(cls) -> None:
        for counter, labels in cls.LABELLED.items():
            counter.labels(*labels).inc()
        telemetry.LATENCY.labels("get_me").observe(0.1)
        telemetry.CALENDAR_MAIL_DELAY.labels("cards").observe(60)
        telemetry.CALENDAR_MAILS_DUE.labels("cards").set(0)
        for histogram in (telemetry.RELEASE_DURATION, telemetry.WEBHOOK_DELAY, telemetry.LOOP_LAG):
            histogram.observe(0.1)
