"""The command line where its surroundings are poor: each refusal is one line that says what to do."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer import Context
from typer.main import get_command

from app.cli.commands import cli
from app.cli.options import OWN_KEY
from app.cli.refusals import line_of
from app.core.secrets import SecretMissing
from app.core.settings import Settings, variables
from app.main import JOBS, SCHEDULES, SCIM
from app.scim.errors import PREFIX
from app.serving import DoorShut, open_door
from tests.acceptance.process import free_port, is_ready, served_database, serving
from tests.conftest import SECRET
from tests.embedded.servers import is_stopped
from tests.test_demo import READY, terminal
from tests.waiting import PATIENCE, eventually

REPOSITORY = Path(__file__).parents[1]
AWAY = {"DATABASE_URL": "postgresql://anna:hidden@127.0.0.1:1/x", "BETROKKEN_PSEUDONYM_SECRET": SECRET}
AN_ID = "53d5ad31-68ab-4fe4-a3c1-f2f9a2ffe331"


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("BETROKKEN_")}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=REPOSITORY,
        env=ours | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.nightly
def test_its_version() -> None:
    assert re.fullmatch(r"betrokken \d+\.\d+\.\d+\n", ran("--version").stdout)


def imported_by(*arguments: str, **environment: str) -> set[str]:
    done = ran(*arguments, **environment, PYTHONPROFILEIMPORTTIME="1")
    return {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


@pytest.mark.nightly
def test_who_asks_for_little_does_not_wait_for_the_service() -> None:
    for_version = imported_by("--version")
    assert "app.cli.commands" in for_version
    assert for_version & {"fastapi", "sqlalchemy", "app.main"} == set()
    for_keys = imported_by("keys", "list", "--organization", AN_ID, **AWAY)
    assert "app.core.database" in for_keys
    assert for_keys & {"app.main", "app.demo.service", "uvicorn"} == set()


WHERE_USED = {"scipy", "scim2_models", "icalendar", "websockets", "openpyxl", "vl_convert", "app.demo"}
WHERE_USED |= {"alembic", "mako", "resvg_py", "rich.console", "watchfiles"}


def test_the_service_does_not_load_what_only_some_of_its_work_needs() -> None:
    """In a worker, or when it is first asked for."""
    load = (
        "import sys; from app.core.loading import for_good\nwith for_good(): import app.main, app.serving\n"
    )
    code = f"{load}print(*{WHERE_USED} & {{name for name, there in sys.modules.items() if there}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
    assert find_missing(WHERE_USED) == []


def find_missing(modules: set[str]) -> list[str]:
    return [name for name in modules if find_spec(name) is None]


def test_what_is_loaded_later_is_there() -> None:
    assert SCIM == PREFIX
    for name, job in (JOBS | {name: job for name, (_, job) in SCHEDULES.items()}).items():
        assert iscoroutinefunction(job.target() if hasattr(job, "target") else job), name


def test_each_variable_that_an_option_is_read_from_is_known() -> None:
    """Else who sets it would be told that nothing reads it."""
    root = get_command(cli)
    context = Context(root)
    for name in root.list_commands(context):  # type: ignore[attr-defined]
        command = root.get_command(context, name)  # type: ignore[attr-defined]
        assert command.name == name
        below = getattr(command, "commands", {}).values()
        found = {option.envvar for own in (command, *below) for option in own.params} - {None}
        assert found <= {*variables(), OWN_KEY}, name


@pytest.mark.nightly
@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["serve", "--port", "0"],
        ["worker"],
        ["demo", "--port", "0"],
        ["organizations", "create", "Acme"],
        ["organizations", "list"],
        ["keys", "create", "--organization", AN_ID, "--all-scopes"],
        ["keys", "list", "--organization", AN_ID],
        ["keys", "revoke", AN_ID, "--organization", AN_ID],
        ["backup", "/nowhere/backup"],
        ["restore", __file__],
    ],
)
def test_a_database_that_is_away_is_one_line(command: list[str]) -> None:
    done = ran(*command, **AWAY, BETROKKEN_DATABASE_WAIT="0")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("betrokken: the database cannot be reached")
    assert "hidden" not in line


@pytest.mark.nightly
def test_organizations_and_keys_are_listed_and_keys_revoked(tmp_path: Path) -> None:
    with served_database(tmp_path) as environment:

        def said(*arguments: str) -> str:
            done = ran(*arguments, **environment)
            assert done.returncode == 0, done.stderr
            return done.stdout

        ids = {
            name: json.loads(said("organizations", "create", name, "--json"))["id"]
            for name in ("Zeta", "Acme")
        }
        listed = said("organizations", "list").splitlines()
        assert listed == [f"{ids['Acme']}\tAcme", f"{ids['Zeta']}\tZeta"]
        of_acme = ("--organization", ids["Acme"])
        said("keys", "create", *of_acme, "--scope", "people:read", "--name", "HR sync")
        [key] = json.loads(said("keys", "list", *of_acme, "--json"))["items"]
        assert (key["name"], key["scopes"]) == ("HR sync", "people:read")
        assert said("keys", "list", "--organization", ids["Zeta"]) == ""
        elsewhere = ran("keys", "revoke", key["id"], "--organization", ids["Zeta"], **environment)
        assert (elsewhere.returncode, "see `betrokken keys list`" in elsewhere.stderr) == (1, True)
        assert said("keys", "revoke", key["id"], *of_acme) == f"Key {key['id']} is revoked.\n"
        assert said("keys", "list", *of_acme) == ""
        nobody = ran("keys", "list", "--organization", AN_ID, **environment)
        assert (nobody.returncode, "organizations create" in nobody.stderr) == (1, True)


@pytest.mark.nightly
def test_a_backup_is_restored_into_another_data_folder_and_no_secret_is_made_there(tmp_path: Path) -> None:
    def of(folder: str) -> dict[str, str]:
        return {"BETROKKEN_DATA_DIR": str(tmp_path / folder)}

    file = str(tmp_path / "backup")
    assert ran("organizations", "create", "Acme", **of("here")).returncode == 0
    made = ran("backup", file, **of("here"))
    assert (made.returncode, "here/pseudonym-secret" in made.stdout) == (0, True), made.stderr
    again = ran("backup", file, **of("here"))
    assert again.stderr == f"betrokken: {file} is there already: give another name\n"
    restored = ran("restore", file, **of("there"))
    assert (restored.returncode, "put back the secret in" in restored.stdout) == (0, True), restored.stderr
    without = ran("organizations", "list", **of("there"))
    assert (without.returncode, "there/pseudonym-secret is missing" in without.stderr) == (1, True)
    assert not (tmp_path / "there" / "pseudonym-secret").exists()
    shutil.copy(tmp_path / "here" / "pseudonym-secret", tmp_path / "there")
    assert "Acme" in ran("organizations", "list", **of("there")).stdout
    repeated = ran("restore", file, **of("there"))
    assert "The database is not empty (" in repeated.stderr.splitlines()[-1]
    assert is_stopped(tmp_path)


@pytest.mark.nightly
def test_a_misspelt_setting_is_said_beside_it() -> None:
    done = ran("migrate", **AWAY, BETROKKEN_SMPT_URL="smtp://mail.example.com")
    said, refusal = done.stderr.splitlines()
    assert '"variable": "BETROKKEN_SMPT_URL", "did_you_mean": "BETROKKEN_SMTP_URL"' in said
    assert refusal.startswith("betrokken: ")


def test_a_taken_port_says_which_to_take() -> None:
    with open_door("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        with pytest.raises(DoorShut, match=r"already in use\): give another --port, such as --port \d+$"):
            open_door("127.0.0.1", port)


def test_an_address_of_another_machine_says_to_take_one_of_this() -> None:
    for host in ("192.0.2.1", "host.invalid"):
        with pytest.raises(DoorShut, match=r"give a --host of this machine, such as --host 127\.0\.0\.1"):
            open_door(host, free_port())


def test_a_machine_without_ipv6_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(DoorShut, match=r"address family not supported by protocol\): give a --host"):
        open_door("::", 8000)


@pytest.mark.nightly
@pytest.mark.acceptance
def test_a_demo_in_poor_surroundings(tmp_path: Path) -> None:
    """A terminal of ASCII, a folder that has more letters, no home and nowhere for temporary files."""
    poor = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "HOME": "/nowhere",
        "TMPDIR": "/nowhere",
        "XDG_RUNTIME_DIR": "/nowhere",
    }
    with terminal(tmp_path / "Büro 1 ü", **poor) as opened:
        opened.wait_for(READY)
        assert opened.curl()["groups"]
        assert opened.interrupt() == 0
    assert is_stopped(tmp_path)


@pytest.mark.nightly
@pytest.mark.acceptance
def test_of_several_processes_one_that_dies_is_told_and_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served_database(tmp_path) as environment, serving(environment, log, "--workers", "2") as url:
        killed = serving_processes(log)[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: f'"event": "process_died", "pid": {killed}' in log.read_text())
        eventually(lambda: is_ready(url))
    assert log.read_text().count("process_died") == 1


LINK = re.compile(r"^  (http\S+)/setup#(bts_\S+)$", re.MULTILINE)


def links_in(log: Path) -> list[tuple[str, str]]:
    return LINK.findall(log.read_text())


@pytest.mark.nightly  # three starts
@pytest.mark.acceptance
def test_an_empty_service_prints_a_link_to_set_it_up_and_logs_none(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    wanted = {"json": {"name": "Acme"}, "timeout": PATIENCE}
    with served_database(tmp_path) as environment:
        with serving(environment, first, "--workers", "2") as url:
            [(place, token)] = links_in(first)
            assert place == url
            for _ in range(8):  # whichever process answers
                refused = httpx.post(
                    f"{url}/v1/setup", headers={"Authorization": f"Bearer {token}x"}, **wanted
                )
                assert refused.status_code == 401
        public = {"BETROKKEN_PUBLIC_URL": "https://hr.example.com/betrokken/"}
        with serving(environment | public, second) as url:
            [(place, other)] = links_in(second)
            assert (place, other != token) == ("https://hr.example.com/betrokken", True)
            made = httpx.post(f"{url}/v1/setup", headers={"Authorization": f"Bearer {token}"}, **wanted)
            assert made.status_code == 201, "that of before the restart"
            key = made.json()["api_key"]["key"]
        with serving(environment, third) as url:
            assert links_in(third) == []
            late = httpx.post(f"{url}/v1/setup", headers={"Authorization": f"Bearer {other}"}, **wanted)
            assert (late.status_code, late.json()["code"]) == (409, "already_set_up")
            assert httpx.get(f"{url}/v1/me", headers={"Authorization": f"Bearer {key}"}).is_success
    for log in (first, second, third):
        lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
        assert lines
        assert not [line for line in lines if token in line or other in line or key in line]


def serving_processes(log: Path) -> list[int]:
    """Processes that write this log and were started by another that does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (
                os.path.samefile(process / "fd" / "2", log)
                and b"spawn_main" in (process / "cmdline").read_bytes()
            ):
                found.append(int(process.name))
    return sorted(found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["version"], "No such command 'version'; see `betrokken --help`"),
        (["--wrong"], "No such option: --wrong"),
        (["serve", "extra"], "Got unexpected extra argument(s) (extra); see `betrokken serve --help`"),
        (["serve", "--prot", "1"], "No such option: --prot"),
        (["serve", "--port", "seven"], "Invalid value for '--port'"),
        (["keys", "bogus"], "No such command 'bogus'; see `betrokken keys --help`"),
        (["organizations", "create"], "Missing argument 'name'"),
    ],
)
def test_what_cannot_be_called_is_one_line(arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as refused:
        get_command(cli).main(arguments, prog_name="betrokken")
    assert str(refused.value).startswith(f"betrokken: {said}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BETROKKEN_LOG_LEVEL", "loud", "cannot be used: Write DEBUG, INFO, WARNING or ERROR"),
        ("BETROKKEN_PUBLIC_URL", "example.com", "cannot be used: Write a whole address"),
        ("BETROKKEN_DATABASE_POOL_SIZE", "many", "cannot be used: Write a whole number"),
        ("BETROKKEN_RATE_LIMIT", "some", "cannot be used: write a number and a time"),
        ("BETROKKEN_CORS_ORIGINS", "example.com", "is no JSON"),
        ("BETROKKEN_PAGES", "perhaps", "cannot be used: Write true or false"),
        ("BETROKKEN_WORKER_LISTEN", "here", "cannot be used: Write an address and a port"),
    ],
)
def test_a_wrong_setting_is_called_by_its_variable(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises((ValidationError, SettingsError)) as refused:
        Settings()
    assert str(line_of(refused.value)).startswith(f"{variable} {said}")


def test_without_a_secret_nobody_waits_for_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", AWAY["DATABASE_URL"])
    monkeypatch.delenv("BETROKKEN_PSEUDONYM_SECRET", raising=False)
    for command in (["serve", "--port", "0"], ["worker"], ["demo"], ["organizations", "create", "Acme"]):
        with pytest.raises(SecretMissing, match="Set BETROKKEN_PSEUDONYM_SECRET"):
            get_command(cli).main(command, prog_name="betrokken")
