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
        "mean=shown_gap(float(census.gap.mean[ordinal]), precision), ",
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
    "an overview leaves a part out": (
        "views/screens.py",
        "joined(OVERVIEW, OfGroup(group=group), headline, beside)",
        "joined(OVERVIEW, OfGroup(group=group), headline)",
    ),
    "an overview has no group": (
        "views/screens.py",
        "joined(OVERVIEW, OfGroup(group=group), headline)",
        "joined(OVERVIEW, headline)",
    ),
    "an overview's group asks for more": (
        "schemas/overview.py",
        "class OverviewGroupOk(Glance, HeadlineOk, OfGroup):\n    pass\n",
        "class OverviewGroupOk(Glance, HeadlineOk, OfGroup):\n    rank: int\n",
    ),
    "an overview's group knows a part less": (
        "schemas/overview.py",
        "class OverviewGroupOk(Glance, HeadlineOk, OfGroup):",
        "class OverviewGroupOk(HeadlineOk, OfGroup):",
    ),
    "a point has no wave": (
        "views/screens.py",
        "joined(POINT, place, one.point)",
        "joined(POINT, one.point)",
    ),
    "a change of a series has another name": (
        "views/screens.py",
        '"changes": [one for',
        '"change": [one for',
    ),
    "a change of a series is another thing": (
        "views/screens.py",
        '"repeaters": [one for one in followed.repeaters',
        '"repeaters": [one for one in followed.changes',
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
    "a facet has no title": (
        "views/screens.py",
        "joined(FACET, one, Titled(title=facets[one.key]))",
        "joined(FACET, one)",
    ),
    "a question of a facet asks for more": (
        "schemas/facets.py",
        "class QuestionSuppressed(QuestionUntold, Titled):\n    pass\n",
        "class QuestionSuppressed(QuestionUntold, Titled):\n    n: int\n",
    ),
    "an option has no title": (
        "views/screens.py",
        "joined(OPTION, option, Titled(title=options[one.key][option.key]))",
        "joined(OPTION, option)",
    ),
    "a choice forgets": ("views/screens.py", "            dont_know=one.dont_know,\n", ""),
    "a scale has no title": (
        "views/screens.py",
        "joined(SCALE, one, Titled(title=titles[one.key]))",
        "joined(SCALE, one)",
    ),
    "levers have no sentence": (
        "views/screens.py",
        "joined(LEVERS, OfGroup(group=group), numbers, words)",
        "joined(LEVERS, OfGroup(group=group), numbers)",
    ),
    "a criterion has no sentence": (
        "views/screens.py",
        "joined(CRITERION, criterion, Worded(text=sentences.of_criterion(criterion, language)))",
        "joined(CRITERION, criterion)",
    ),
    "recognition's sentence has another name": (
        "views/screens.py",
        "Worded(text=sentences.of_recognition(numbers, language))",
        "Titled(title=sentences.of_recognition(numbers, language))",
    ),
    "comments have no texts": (
        "views/groups.py",
        "joined(COMMENTS, of_group, numbers, schemas.CommentTexts(comments=texts[group.id]))",
        "joined(COMMENTS, of_group, numbers)",
    ),
    "a group's numbers are not what is told": (
        "names.py",
        "schemas.EnpsNumbers, schemas.EnpsGroup,",
        "schemas.EnpsNumbers, schemas.HeatmapGroup,",
    ),
    "a group is told more than its numbers": (
        "schemas/participation.py",
        "class ParticipationGroupOk(ParticipationOk, OfGroup):\n    pass\n",
        "class ParticipationGroupOk(ParticipationOk, OfGroup):\n    rank: int\n",
    ),
    "a metric has another's block": (
        "releases/builder.py",
        "block(names.ENPS, enps)",
        "block(names.ENPS, facets)",
    ),
    "a release says something else of a metric": (
        "releases/builder.py",
        "names.DRIVERS.said(steps(drivers(wave, analyses)))",
        "names.DRIVERS.said(steps(levers(wave, analyses)))",
    ),
    "a release of an open survey says something else": (
        "releases/builder.py",
        "names.RECOGNITION.said({ORGANIZATION: recognition_later})",
        "names.RECOGNITION.said({ORGANIZATION: nothing})",
    ),
    "a test of a KPI has another name": ("blocks/outcomes.py", '{"q": next(q)}', '{"p_adjusted": next(q)}'),
    "a chart is given another's answer": (
        "../charts/api.py",
        "read_trends, trend.trend",
        "read_heatmap, trend.trend",
    ),
    "a chart changes what is not there": (
        "../charts/api.py",
        'return answer.model_copy(update={"groups": one_level(answer.groups)})\n\n\nasync def read_scores',
        'return answer.model_copy(update={"teams": one_level(answer.groups)})\n\n\nasync def read_scores',
    ),
    "a chart forgets": ("../charts/api.py", "        metric=chart.metric,\n", ""),
    "a chart says more": (
        "../charts/api.py",
        "        metric=chart.metric,\n",
        "        metric=chart.metric,\n        n=1,\n",
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


def errors_of(folder: Path) -> list[str]:
    command = [sys.executable, "-m", "mypy", "-p", "app", "--cache-dir", str(folder / ".mypy_cache")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return re.findall(r"app/[\w/]+\.py:\d+: error", done.stdout)


@pytest.mark.nightly
def test_mypy_finds_what_does_not_fit(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(REPOSITORY / "tests/members.py", tmp_path / "tests")
    assert errors_of(tmp_path) == []
    for fault, (file, right, wrong) in PLANTED.items():
        path = tmp_path / "app" / "metrics" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, fault
        path.write_text(text.replace(right, wrong), encoding="utf-8")
        assert errors_of(tmp_path), fault
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
