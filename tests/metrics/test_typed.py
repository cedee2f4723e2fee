"""A member too many, or one forgotten, on the way of a number to its reader is found by mypy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PLANTED = {
    "a block says more": (
        "blocks/enps.py",
        "        detractors=shown_share(of.detractors / n, precision),\n",
        "        detractors=shown_share(of.detractors / n, precision),\n        group=None,\n",
    ),
    "a block forgets": ("blocks/enps.py", "        ci_low=shown_gap(ci.low, precision),\n", ""),
    "a block forgets what is not told": ("blocks/enps.py", "            ci_low=None,\n", ""),
    "a part of a block forgets": (
        "blocks/headline.py",
        '        "mean": shown_gap(of.mean, precision),\n',
        "",
    ),
    "a part of a block says more": (
        "blocks/measure.py",
        '        "favourable": high,\n',
        '        "favourable": high,\n        "n": 1,\n',
    ),
    "an overview says more": (
        "views/screens.py",
        "enps=enps, participation=_in_short(participation), changes=followed.changes",
        "enps=enps, participation=_in_short(participation), changes=followed.changes, n=1",
    ),
    "an overview forgets": (
        "views/screens.py",
        "enps=enps, participation=_in_short(participation), changes=followed.changes",
        "enps=enps, changes=followed.changes",
    ),
    "an overview takes another's numbers": (
        "views/screens.py",
        "enps=enps, participation=_in_short(participation), changes=followed.changes",
        "enps=headline, participation=_in_short(participation), changes=followed.changes",
    ),
    "a series forgets": (
        "views/screens.py",
        "        repeaters=[pair for one in followed for pair in one.repeaters],\n",
        "",
    ),
    "a title has another name": (
        "views/screens.py",
        "Titled(title=facets[one.key])",
        "Titled(titel=facets[one.key])",
    ),
    "a sentence asks for what is not there": (
        "views/sentences.py",
        "_below(top.score, ",
        "_below(top.mean, ",
    ),
    "recognition says more": (
        "recognition/blocks.py",
        '            events=round(total["received"]),\n',
        '            events=round(total["received"]),\n            group=None,\n',
    ),
    "recognition forgets": ("recognition/blocks.py", "            density=edges / (n * (n - 1)),\n", ""),
    "celebrations say more": (
        "celebrations/blocks.py",
        "        due=int(own.sum()),\n",
        "        due=int(own.sum()),\n        late=0,\n",
    ),
    "celebrations forget": ("celebrations/blocks.py", "        due=int(own.sum()),\n", ""),
    "a question is asked for what it has not": (
        "releases/response_matrix.py",
        'facet=[question["facet"] for question in questions],',
        'facet=[question["topic"] for question in questions],',
    ),
    "a release's row forgets": ("releases/builder.py", "        epsilon_spent=epsilon,\n", ""),
    "a definition has another name": (
        "definitions.py",
        'version=metric["version"]',
        'version=metric["versie"]',
    ),
    "an answer has no header": (
        "views/api.py",
        "schemas.Enps(**view.header, groups=",
        "schemas.Enps(groups=",
    ),
}


def errors_of(folder: Path) -> set[str]:
    command = [sys.executable, "-m", "mypy", "-p", "app", "--cache-dir", str(folder / ".mypy_cache")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return set(re.findall(r"app/metrics/([\w/]+\.py):\d+: error", done.stdout))


@pytest.mark.nightly
def test_mypy_finds_what_does_not_fit(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    assert errors_of(tmp_path) == set()
    for fault, (file, right, wrong) in PLANTED.items():
        path = tmp_path / "app" / "metrics" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, fault
        path.write_text(text.replace(right, wrong), encoding="utf-8")
        assert file in errors_of(tmp_path), fault
        path.write_text(text, encoding="utf-8")


def test_numbers_have_a_type_on_all_their_way() -> None:
    """What older versions wrote is read as JSON once, to be made what it would be now."""
    files = (REPOSITORY / "app/metrics").rglob("*.py")
    untyped = {
        str(file.relative_to(REPOSITORY))
        for file in files
        if re.search(r"(dict|Mapping)\[str, Any\]", file.read_text(encoding="utf-8"))
    }
    assert untyped == {"app/metrics/blocks/upcasts.py"}
