"""compose.yaml: everything that an installation has, by one command, and no secret that is ours."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from app.cli.commands import COMMANDS
from app.core.settings import Settings, variables
from tests.packaging.image import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "betrokken"}


def script(service: str) -> str:
    """As a shell is given it: compose writes $$ for $."""
    return str(SERVICES[service]["entrypoint"][2]).replace("$$", "$")


def test_it_has_all_parts() -> None:
    assert {"database", "mail", "migrate", "secrets", "service", "worker"} == SERVICES.keys()
    commands = {name: service["command"][0] for name, service in OURS.items()}
    assert commands == {"migrate": "migrate", "service": "serve", "worker": "worker"}
    assert set(commands.values()) <= COMMANDS.keys()
    named = {mount.partition(":")[0] for one in SERVICES.values() for mount in one.get("volumes", ())}
    assert named == COMPOSE["volumes"].keys()


def test_each_waits_for_what_it_needs() -> None:
    conditions = {
        (name, other): wanted["condition"]
        for name, service in SERVICES.items()
        for other, wanted in service.get("depends_on", {}).items()
    }
    done = "service_completed_successfully"
    assert conditions == {
        ("database", "secrets"): done,
        ("migrate", "database"): "service_healthy",
        ("service", "migrate"): done,
        ("worker", "migrate"): done,
    }
    assert "healthcheck" in SERVICES["database"]


def test_settings_are_ours_and_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    environments = [service["environment"] for service in OURS.values()]
    for environment in environments:
        assert environment.keys() <= set(variables())
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        assert settings.smtp_url is not None
        assert "mail" in settings.smtp_url.get_secret_value()
        assert settings.worker_enabled is False, "the worker is beside it"


def test_nothing_but_the_pages_and_mails_is_reached_from_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"service", "mail"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_secrets_are_made_once_and_stand_nowhere(tmp_path: Any) -> None:
    making = script("secrets").replace("/run/secrets/betrokken", str(tmp_path))
    kept = []
    for _ in range(2):
        subprocess.run(["sh", "-euc", making], check=True, capture_output=True)
        kept.append({file.name: file.read_text() for file in tmp_path.iterdir()})
    assert kept[0] == kept[1]
    assert kept[0].keys() == {"pseudonym", "database"}
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in kept[0].values())
    starting = script("service").replace("/run/secrets/betrokken", str(tmp_path))
    starting = starting.replace("exec betrokken", "env; echo")
    told = subprocess.run(
        ["sh", "-euc", starting, "betrokken", "serve"], check=True, capture_output=True, text=True
    ).stdout
    assert f"BETROKKEN_PSEUDONYM_SECRET={kept[0]['pseudonym']}" in told
    assert f"DATABASE_URL=postgresql://betrokken:{kept[0]['database']}@database/betrokken" in told
    assert told.splitlines()[-1] == "serve"
