"""Code and guide name the same settings."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.core.settings import Settings, misspelt
from app.demo.service import DemoSettings
from app.serving import reached_at

GUIDE = Path(__file__).parents[1] / "openapi" / "guides" / "settings.md"
VARIABLES = {
    field.validation_alias or f"BETROKKEN_{name.upper()}": field
    for name, field in Settings.model_fields.items()
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_setting_is_described(name: str) -> None:
    assert VARIABLES[name].description


def test_the_guide_has_a_row_for_every_setting_and_no_other() -> None:
    rows = set(re.findall(r"^\| `([A-Z_]+)`", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))
    assert not set(VARIABLES) - rows, "add these to the table in openapi/guides/settings.md"
    assert not rows - set(VARIABLES), "settings.md documents settings that app/core/settings.py does not have"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETROKKEN_DATA_DIR", "elsewhere")
    monkeypatch.setenv("BETROKKEN_CORS_ORIGINS", '["https://app.example.com"]')
    settings = Settings()
    assert (settings.data_dir, settings.cors_origins) == (Path("elsewhere"), ["https://app.example.com"])
    monkeypatch.setenv("BETROKKEN_LOG_LEVEL", "LOUD")
    with pytest.raises(ValueError, match="log_level"):
        Settings()


def test_a_secret_is_not_shown() -> None:
    settings = Settings(database_url="postgresql://u:hidden@h/d", pseudonym_secret="hidden" * 10)  # type: ignore[arg-type]
    assert "hidden" not in repr(settings)


def test_a_misspelt_variable_is_found_with_the_one_that_is_meant() -> None:
    given = ["BETROKKEN_SMPT_URL", "BETROKKEN_LOG_LEVEL", "DATABASE_URL", "BETROKKEN_API_KEY", "PATH"]
    assert list(misspelt(given, ["BETROKKEN_API_KEY"])) == [("BETROKKEN_SMPT_URL", "BETROKKEN_SMTP_URL")]
    assert list(misspelt(["BETROKKEN_XQZ"], [])) == [("BETROKKEN_XQZ", None)]


def test_what_kubernetes_sets_for_a_service_of_this_name_is_no_misspelling() -> None:
    names = [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_8000_TCP",
        "PORT_8000_TCP_ADDR",
    ]
    given = [f"BETROKKEN_{name}" for name in (*names, "WORKER_SERVICE_HOST", "WORKER_PORT_80_TCP_PROTO")]
    assert list(misspelt(given, [])) == []


def test_a_tilde_is_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert Settings(data_dir=Path("~/betrokken")).data_dir == Path("/home/anna/betrokken")
    with pytest.raises(ValueError, match="write the path out"):
        Settings(data_dir=Path("~nobody-of-that-name/x"))


def test_secrets_of_before_are_one_as_it_is_or_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that came with an end of line, as from a file, opens only with it."""
    one, other = "[a secret, with an end of line; 40 long]\n", "x" * 40
    for given, wanted in ((one, [one]), (json.dumps([one, other]), [one, other]), ("1" * 40, ["1" * 40])):
        monkeypatch.setenv("BETROKKEN_PSEUDONYM_SECRET_PREVIOUS", given)
        assert [secret.get_secret_value() for secret in Settings().pseudonym_secret_previous] == wanted
    for short in ("short", '["short"]', json.dumps([one, 7])):
        monkeypatch.setenv("BETROKKEN_PSEUDONYM_SECRET_PREVIOUS", short)
        with pytest.raises(ValueError, match="pseudonym_secret_previous"):
            Settings()


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ({}, "http://127.0.0.1:8000/respond"),
        ({"public_url": "https://hr.example.com/b/"}, "https://hr.example.com/b/respond"),
        ({"respond_url": "https://answer.example.com/survey"}, "https://answer.example.com/survey"),
        (
            {"respond_url": "https://answer.example.com/survey", "pages": False},
            "https://answer.example.com/survey",
        ),
        ({"pages": False}, None),
    ],
)
def test_invitations_lead_to_the_page_of_this_service_or_to_the_one_that_is_named(
    given: dict[str, Any], page: str | None
) -> None:
    assert Settings(**given).respond_page == page


def test_mails_lead_to_an_address_that_somebody_gave() -> None:
    assert Settings(public_url="https://hr.example.com").mailed_page == "https://hr.example.com/respond"
    assert Settings(respond_url="https://a.example.com").mailed_page == "https://a.example.com"
    assert Settings().mailed_page is None
    assert Settings(public_url="https://hr.example.com", pages=False).mailed_page is None
    assert DemoSettings().mailed_page == "http://127.0.0.1:8000/respond"
    served = reached_at(Settings(), "http://127.0.0.1:8001")
    assert served.mailed_page is None, "where it listens is not where others reach it"
    assert reached_at(DemoSettings(), "http://127.0.0.1:8001").mailed_page == "http://127.0.0.1:8001/respond"
