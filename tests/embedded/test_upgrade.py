"""A data folder that an earlier PostgreSQL made, which the bundled package brings along as well."""

from pathlib import Path

import pytest

from app.embedded import server, upgrade
from app.embedded.accounts import server_account
from app.embedded.cluster import MAJOR, Cluster
from app.embedded.errors import EmbeddedUnavailable
from app.embedded.programs import Programs, binaries_of_packages, installed_binaries
from app.embedded.server import embedded_postgres
from app.embedded.upgrade import upgraded
from tests.acceptance.process import own_environment, run
from tests.embedded.servers import fetch, is_stopped, servers_below
from tests.test_command_line import ran


def earlier_binaries() -> Path:
    found = [place for place in binaries_of_packages() if place.parent.name != f"pginstall{MAJOR}"]
    if not found:
        pytest.skip("the bundled package brings one version of PostgreSQL only")
    return found[0]


def refused(folder: Path, binaries: Path | None = None) -> str:
    with pytest.raises(EmbeddedUnavailable) as error, upgraded(folder, binaries):
        pass
    return str(error.value)


def test_what_cannot_be_upgraded_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no PostgreSQL in" in refused(tmp_path)
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("9")
    assert "apt install postgresql-9" in refused(tmp_path)
    assert f"is of PostgreSQL {MAJOR} and the folder of 9" in refused(tmp_path, installed_binaries())
    assert "is of PostgreSQL ? and" in refused(tmp_path, tmp_path)
    monkeypatch.setattr(upgrade, "_major_of", lambda _: "9")
    (tmp_path / "postgres-9").mkdir()
    assert "of an earlier upgrade" in refused(tmp_path, tmp_path)
    with pytest.raises(EmbeddedUnavailable, match="`betrokken upgrade-embedded`"):
        embedded_postgres(tmp_path).__enter__()
    (tmp_path / "postgres" / "PG_VERSION").write_text(MAJOR)
    with upgraded(tmp_path) as clusters:
        assert clusters is None


@pytest.mark.nightly
def test_the_rows_move_and_the_old_cluster_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, binaries = tmp_path / "data", earlier_binaries()
    environment = own_environment() | {"BETROKKEN_DATA_DIR": str(data)}
    with monkeypatch.context() as then:
        then.setattr(server, "installed_binaries", lambda: binaries)
        then.setattr("app.embedded.cluster.MAJOR", earlier := earlier_major(tmp_path, binaries))
        with embedded_postgres(data, durable=False) as url:
            as_of_then = environment | {"DATABASE_URL": url, "BETROKKEN_PSEUDONYM_SECRET": "a" * 40}
            run(as_of_then, "migrate")
            run(as_of_then, "organizations", "create", "Acme")
            assert "is in use" in ran("upgrade-embedded", **environment).stderr
        (data / "pseudonym-secret").write_text("a" * 40)
    assert "upgrade-embedded" in ran("organizations", "list", **environment).stderr
    done = ran("upgrade-embedded", **environment)
    assert done.returncode == 0, done.stderr
    assert f"is kept in {data}/postgres-{earlier}" in done.stdout
    assert (data / "postgres" / "PG_VERSION").read_text().strip() == MAJOR
    assert run(environment, "organizations", "list").stdout.strip().endswith("Acme")
    assert "already" in ran("upgrade-embedded", **environment).stdout
    assert sorted(path.name for path in data.iterdir() if path.is_dir()) == [
        "postgres",
        f"postgres-{earlier}",
    ]
    assert is_stopped(data)


def earlier_major(folder: Path, binaries: Path) -> str:
    made = Cluster(folder / "tried")
    programs = Programs(binaries, server_account(made.folder))
    programs.reach(made.folder)
    programs.initialise(made.folder, durable=False)
    return made.major()


@pytest.mark.nightly
def test_one_that_was_killed_while_the_clusters_changed_places_goes_on(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, durable=False) as url:
        fetch(url, "CREATE TABLE kept AS SELECT 'ja' AS word")
    (tmp_path / "postgres").rename(tmp_path / "postgres.next")
    with embedded_postgres(tmp_path, durable=False) as url:
        assert fetch(url, "SELECT word FROM kept") == "ja"
    assert not servers_below(tmp_path)
