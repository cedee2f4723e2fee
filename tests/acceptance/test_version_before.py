"""The version before runs on today's schema: while a rollout lasts, and when it is taken back."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.acceptance.process import Service, serving
from tests.acceptance.steps import groups, open_survey, put_all, release

pytestmark = [pytest.mark.nightly, pytest.mark.acceptance]
ROOT = Path(__file__).parents[2]
PEOPLE = [f"E-{number}" for number in range(12)]


def git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def version_before() -> str:
    """The last tag, or what was there before the last migration."""
    tag = git("describe", "--tags", "--abbrev=0").decode().strip()
    migrated = git("log", "-1", "--format=%H", "--", "alembic/versions").decode().strip()
    commit = tag or (f"{migrated}~1" if migrated else "")
    if not commit or not git("rev-parse", "--verify", "-q", f"{commit}^{{commit}}"):
        pytest.skip("there is no git here, or not enough of its history, to take the version before from")
    return commit


def test_it_takes_people_and_answers_and_makes_numbers(served: dict[str, str], tmp_path: Path) -> None:
    code = tmp_path / "before"
    with tarfile.open(fileobj=io.BytesIO(git("archive", version_before()))) as archive:
        archive.extractall(code, filter="data")
    assert len(list((code / "alembic/versions").glob("*.py"))) < len(
        list((ROOT / "alembic/versions").glob("*.py"))
    )
    environment = served | {"BETROKKEN_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(code)}
    with serving(environment, tmp_path / "log", code=code) as url:
        with Service(url, served).organization("Before") as api:
            put_all(api, "/v1/people", [{"external_id": name, "name": name} for name in PEOPLE])
            survey = open_survey(api, questionnaire="betrokken-33", mode="attributed")
            for number, person in enumerate(PEOPLE):
                body = {"respondent": person, "answers": {"S01": number % 5 + 1, "E01": 4}}
                api.sent("POST", f"/v1/surveys/{survey}/responses", json=body)
            release(api, survey)
            assert "" in groups(api, "participation", survey, "organization")
    assert "unexpected_error" not in (tmp_path / "log").read_text()
    assert "job_failed" not in (tmp_path / "log").read_text()
