"""Charts of answers in every state there is: whole, hidden, too few, without an interval, of nobody."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

import app.pages.api
from app.calendar.schemas import Occurrence
from app.calendar.words import summary
from app.charts.api import where_asked
from app.charts.kinds import answers, calendar, heatmap, levers, participation, recognition, scores, trend
from app.charts.letters import width_of, wrapped
from app.charts.look import WIDER, Look
from app.charts.palette import DARK, LIGHT
from app.charts.parts import PADDING
from app.charts.rows import LINES
from app.metrics import schemas
from app.metrics.schemas.recognition import RecognitionMetrics
from tests.charts.specifications import faults, texts_of, untold
from tests.contract import operations

Json = dict[str, Any]
Case = tuple[type[BaseModel], str, Callable[[Any, Look], Json]]
EXAMPLES = {
    one.id: one.answers["200"]["application/json"]["example"]
    for one in operations()
    if one.path.startswith("/v1/metrics/")
}
NO_DRIVERS = schemas.Drivers.model_validate(EXAMPLES["get_drivers"] | {"groups": []})
CASES: dict[str, Case] = {
    "quadrants": (schemas.SatisfactionEngagement, "get_satisfaction_engagement", scores.quadrants),
    "gap": (schemas.SatisfactionEngagement, "get_satisfaction_engagement", scores.gap),
    "trend": (schemas.Trends, "get_trends", trend.trend),
    "levers": (
        schemas.Levers,
        "get_levers",
        lambda answer, look: levers.levers(levers.LeversAnswer(answer, NO_DRIVERS), look),
    ),
    "heatmap": (schemas.Heatmap, "get_heatmap", heatmap.heatmap),
    "facets": (schemas.Facets, "get_facets", answers.facets),
    "questions": (schemas.Facets, "get_facets", answers.questions),
    "participation": (schemas.Participation, "get_participation_metrics", participation.participation),
    "recognition": (RecognitionMetrics, "get_recognition_metrics", recognition.recognition),
    "recognition-network": (RecognitionMetrics, "get_recognition_metrics", recognition.network),
}
SURVEYED = sorted(set(CASES) - {"trend", "recognition", "recognition-network"})
OF_ONE = {"levers", "facets", "questions"}
"""Those of one group; of others a row each."""
LOOKS = [Look("en", "light", 640), Look("nl", "dark", 320)]
NAME = 'Team "<script>" & partners'


def drawn(name: str, body: Json, look: Look) -> Json:
    model, _, draw = CASES[name]
    found = draw(model.model_validate(body), look)
    assert faults(found) is None
    assert untold(found, body) == set()
    assert found["title"]["text"]
    assert found["description"]
    return found


def axes_of(node: Any) -> Iterator[Json]:
    """The channels that are drawn with an axis."""
    if isinstance(node, dict):
        if node.get("axis"):
            yield node
        for name, member in node.items():
            if name != "config":
                yield from axes_of(member)
    elif isinstance(node, list):
        for member in node:
            yield from axes_of(member)


def example(name: str) -> Json:
    return deepcopy(EXAMPLES[CASES[name][1]])


def another(reference: Json, status: str, reason: str, **members: Any) -> Json:
    team = {"kind": "team", "id": "t", "name": NAME, "parent": None, "depth": 0}
    return {"group": reference | team, "status": status, "reason": reason, **members}


def without_intervals(node: Any) -> Any:
    if isinstance(node, list):
        return [without_intervals(one) for one in node]
    if not isinstance(node, dict):
        return node
    is_end = ("ci_low", "ci_high", "bound_low", "bound_high")
    told = {name: one for name, one in node.items() if name != "quadrants"}
    bare = {name: None if name.endswith(is_end) else without_intervals(one) for name, one in told.items()}
    return node | bare


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.language)
@pytest.mark.parametrize("name", CASES)
def test_the_example_of_the_contract(name: str, look: Look) -> None:
    assert drawn(name, example(name), look)["vconcat"]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.language)
@pytest.mark.parametrize("name", SURVEYED)
def test_groups_that_are_not_shown_have_no_number(name: str, look: Look) -> None:
    body = example(name)
    [first, *_] = body["groups"]
    reasons = [
        ("suppressed", "below_minimum", {}),
        ("suppressed", "complementary", {}),
        ("suppressed", "crossing", {}),
        ("insufficient", "too_few_persons", {"n": 431}),
        ("undefined", "dimension_missing", {"n": 432}),
    ]
    hidden = [another(first["group"], status, reason, **more) for status, reason, more in reasons]
    found = drawn(name, body | {"groups": [first, *hidden]}, look)
    if name in OF_ONE:
        assert NAME not in " ".join(texts_of(found)), "only the first is told of"
        assert "hidden" not in found["datasets"]
    else:
        assert [row["name"] for row in found["datasets"]["hidden"]] == [NAME] * len(hidden)
        assert {frozenset(row) for row in found["datasets"]["hidden"]} == {frozenset({"name", "reason"})}
        notes = " ".join(row["text"] for row in found["datasets"]["notes"])
        assert NAME.split(maxsplit=1)[0] in notes
    for alone in hidden:
        only = drawn(name, body | {"groups": [alone]}, look)
        assert look.label("reasons", alone["reason"]) in " ".join(texts_of(only))
        assert list(axes_of(only)) == [], "a frame around nothing"
        assert not {431, 432} & {row.get("n") for rows in only["datasets"].values() for row in rows}


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.language)
@pytest.mark.parametrize("name", CASES)
def test_of_nobody_there_is_a_chart_that_says_so(name: str, look: Look) -> None:
    body = example(name) | {"groups": []}
    found = drawn(name, body, look)
    assert found["title"]["text"] == wrapped(look.say("nobody_shown"), look.width / WIDER, 18)
    if name in SURVEYED:
        assert list(axes_of(found)) == []


@pytest.mark.parametrize("name", sorted(set(SURVEYED) - {"heatmap"}))
def test_a_score_without_an_interval_is_a_point(name: str) -> None:
    body = example(name)
    body["groups"] = without_intervals(body["groups"])
    assert drawn(name, body, LOOKS[0])["vconcat"]


def test_without_a_position_there_is_neither_ellipse_nor_corner() -> None:
    body = example("quadrants")
    [first, *_] = body["groups"]
    first |= {"position": None, "quadrants": None, "reasons": {"position": "not_distinct"}}
    found = drawn("quadrants", body, LOOKS[0])
    assert "semi_major" not in found["datasets"]["groups"][0]
    assert found["datasets"]["cuts"] == found["datasets"]["corners"] == []
    assert found["title"]["text"] == ["Sales NL: satisfaction 71, engagement 67"]
    assert "cannot be told apart" in notes_of(found)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.language)
def test_each_quadrant_is_named_within_its_own_lines_wherever_the_points_are(look: Look) -> None:
    body = example("quadrants")
    [first, *_] = body["groups"]
    for measure in ("satisfaction", "engagement"):
        first[measure] |= {"score": 84.0, "ci_low": 83.0, "ci_high": 85.0}
    first["position"]["ellipse"] |= {"semi_major": 1.0, "semi_minor": 1.0}
    found = drawn("quadrants", body | {"groups": [first]}, look)
    [cut], corners = found["datasets"]["cuts"], found["datasets"]["corners"]
    plot = found["vconcat"][0]
    low, high = plot["layer"][1]["encoding"]["x"]["scale"]["domain"]
    line = (cut["satisfaction"] - low) / (high - low) * plot["width"]
    assert len(corners) == 4
    assert max(one["y"] + LINES * (len(one["quadrant"]) - 1) for one in corners) <= plot["height"]
    for corner in corners:
        wide = max(map(width_of, corner["quadrant"])) * WIDER
        if corner["align"] == "left":
            assert corner["x"] + wide <= line
        else:
            assert corner["x"] - wide >= line


def test_a_group_without_a_place_is_hollow_and_it_is_said_why() -> None:
    body = example("quadrants")
    [first, *_] = body["groups"]
    few = deepcopy(first) | {"position": None, "reasons": {"position": "under_ten"}}
    found = drawn("quadrants", body | {"groups": [first, few]}, LOOKS[0])
    said = LOOKS[0].label("reasons", "under_ten")
    assert [row.get("quadrant") == said for row in found["datasets"]["groups"]] == [False, True]
    assert said in " ".join(row["text"] for row in found["datasets"]["notes"])


def test_a_small_difference_looks_small() -> None:
    body = example("gap")
    [first, *_] = body["groups"]
    for measure in ("satisfaction", "engagement"):
        first[measure] |= {"score": 64.0, "ci_low": 63.0, "ci_high": 65.0}
    [axis, *_] = axes_of(drawn("gap", body | {"groups": [first]}, LOOKS[0]))
    low, high = axis["scale"]["domain"]
    assert high - low >= 30


def test_the_months_of_rounds_are_those_of_the_organisation() -> None:
    body = example("trend")
    body["waves"][0]["survey"]["opened_at"] = "2026-07-31T22:30:00Z"
    answer = where_asked(schemas.Trends.model_validate(body), ZoneInfo("Europe/Amsterdam"))
    assert trend.trend(answer, LOOKS[0])["datasets"]["waves"][0]["wave"] == ["August", "2026"]


def test_a_position_that_is_not_clear_is_told_with_its_chance() -> None:
    body = example("quadrants")
    chances = {"thriving": 0.64, "content": 0.0, "stretched": 0.36, "detached": 0.0}
    body["groups"][0]["position"] |= {
        "quadrant": "undetermined",
        "probability": 0.64,
        "probabilities": chances,
    }
    title = " ".join(drawn("quadrants", body, LOOKS[1])["title"]["text"])
    assert "waarschijnlijk tevreden en betrokken (kans 64%)" in title


def test_a_wave_that_is_not_shown_breaks_the_line_and_is_named() -> None:
    body = example("trend")
    [group, *_] = body["groups"]
    point = group["points"][0]
    body["waves"][0]["survey"]["id"] = point["survey"]
    kept = {name: point[name] for name in ("survey", "released_at")}
    group["points"][0] = kept | {"status": "suppressed", "reason": "crossing"}
    group["changes"] = []
    found = drawn("trend", body, LOOKS[0])
    first = [row for row in found["datasets"]["points"] if row["wave"] == 0]
    assert {row["score"] for row in first} == {None}
    assert found["datasets"]["hidden"][0]["reason"] == LOOKS[0].label("reasons", "crossing")


def test_only_signs_that_stand_in_the_trend_are_explained_below_it() -> None:
    body = example("trend")
    [change, *_] = body["groups"][0]["changes"]
    ends = [change["from_survey"], change["to_survey"]]
    body["waves"] = [deepcopy(body["waves"][0]) for _ in ends]
    for wave, survey_id in zip(body["waves"], ends, strict=True):
        wave["survey"]["id"] = survey_id
    shown = []
    for width in (900, 240):
        found = drawn("trend", body, replace(LOOKS[1], width=width))
        notes = " ".join(row["text"] for row in found["datasets"]["notes"])
        said = {row["said"] for row in found["datasets"]["changes"]}
        shown.append(said & set(trend.SIGNS.values()))
        assert {sign for sign in trend.SIGNS.values() if f"{sign} " in notes} == shown[-1]
        assert found["config"]["locale"]["number"]["decimal"] == ","
    assert not shown[0]
    assert shown[1]


def test_what_is_hidden_in_a_part_is_named_with_its_reason() -> None:
    body = example("levers")
    lever = body["groups"][0]["levers"][0]["lever"]
    body["groups"][0] |= {"top": None, "tie_set": [], "reasons": {"top": "hidden_lever"}}
    body["groups"][0]["levers"] = [{"lever": lever, "status": "suppressed", "reason": "incomplete_cover"}]
    [hidden] = drawn("levers", body, LOOKS[0])["datasets"]["levers"]
    assert hidden["said"] == "not shown"
    assert hidden["reason"] == LOOKS[0].label("reasons", "incomplete_cover")
    assert not {"score", "n", "weight", "low", "high"} & set(hidden)


def test_recognition_is_told_with_its_period_and_none_is_none() -> None:
    body = example("recognition") | {"until": "2026-10-31"}
    title = " ".join(drawn("recognition", body, LOOKS[0])["title"]["text"])
    assert "30 days up to 31 October 2026" in title
    body["groups"][0]["events"] = 0
    found = drawn("recognition", body, LOOKS[1])
    assert " ".join(found["title"]["text"]).startswith("Sales NL: nog geen complimenten van ")
    assert found["datasets"]["months"] == []


def test_where_scores_alone_are_shown_the_chart_does_not_say_that_nobody_is() -> None:
    body = example("facets")
    facets = body["groups"][0]["facets"] = [
        one for one in body["groups"][0]["facets"] if one["status"] == "ok"
    ]
    for one in facets:
        one |= {f"favourable{end}": None for end in ("", "_ci_low", "_ci_high")}
        one |= {"neutral": None, "unfavourable": None, "reasons": {"favourable": "banded"}}
    found = drawn("facets", body, LOOKS[0])
    assert "the scores can" in " ".join(found["title"]["text"])
    assert any(row.get("said", "").startswith("score ") for row in found["datasets"]["rows"])
    assert list(axes_of(found)) == [], "a frame for shares that are not there"
    assert found["datasets"]["key"] == []


def test_what_comes_first_is_told_with_its_chance() -> None:
    body = example("levers")
    lever = next(one for one in body["groups"][0]["levers"] if one["status"] == "ok")
    lever["rank_probability"] = 0.535
    body["groups"][0] |= {"top": lever["lever"], "tie_set": []}
    assert "first: 54%" in " ".join(drawn("levers", body, LOOKS[0])["title"]["text"])


def test_the_interval_of_the_response_says_of_whom_it_is() -> None:
    found = drawn("participation", example("participation"), LOOKS[0])
    assert "for those invited" in " ".join(row["text"] for row in found["datasets"]["notes"])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.language)
@pytest.mark.parametrize("name", CASES)
def test_titles_and_captions_have_room_for_a_wider_font(name: str, look: Look) -> None:
    """That of many a Linux is a seventh wider."""
    found = drawn(name, example(name), look)
    captions = [row["text"] for row in found["datasets"]["notes"]]
    assert all(1.15 * width_of(line) <= look.width for line in captions)
    assert all(1.15 * width_of(line, 17) <= look.width for line in found["title"]["text"])


@pytest.mark.parametrize("name", CASES)
def test_a_drawing_is_as_wide_as_is_asked(name: str) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    svg = vl_convert.vegalite_to_svg(drawn(name, example(name), LOOKS[1]))
    wide = float(re.findall(r'width="([0-9.]+)"', svg)[0])
    assert abs(wide - LOOKS[1].width - 2 * PADDING) <= 2


def gaps(*means: tuple[float, float]) -> Json:
    """Groups of one level, by their gap and half of its interval."""
    body = example("gap")
    [first, *_] = body["groups"]
    groups = []
    for number, (mean, half) in enumerate(means):
        one = deepcopy(first)
        one["group"] = TEAM | {"id": f"t{number}", "name": f"Team {number}"}
        one["gap"] |= {"mean": mean, "ci_low": mean - half, "ci_high": mean + half}
        groups.append(one)
    return body | {"groups": groups}


TEAM = {"kind": "team", "id": "t", "name": NAME, "parent": None, "depth": 0}


def title_of(found: Json) -> str:
    return " ".join(found["title"]["text"])


def notes_of(found: Json) -> str:
    return " ".join(row["text"] for row in found["datasets"]["notes"])


def test_the_gap_that_is_told_is_the_largest_of_those_that_are_clear() -> None:
    assert "Team 1 has the largest clear gap: engagement 8 points above" in title_of(
        drawn("gap", gaps((-12, 13), (8, 2), (5, 1)), LOOKS[0])
    )
    assert "Team 1 has the largest clear gap: engagement 9 points below" in title_of(
        drawn("gap", gaps((3, 1), (-9, 2)), LOOKS[0])
    )
    unclear = drawn("gap", gaps((-12, 13), (8, 9)), LOOKS[0])
    assert "For no group shown is it sure" in title_of(unclear)
    assert "Of the groups shown, Team 1 has" in title_of(drawn("gap", gaps((3, 1), (-9, 2)), LOOKS[0]))


def test_what_differs_most_is_said_of_what_is_shown() -> None:
    body = example("heatmap")
    group = next(one for one in body["groups"] if one["status"] == "ok")
    told = [one for one in group["cells"] if one["status"] == "ok"][:1]
    hidden = {"status": "suppressed", "reason": "crossing"}
    group["cells"] = [told[0] | {"state": "higher"}] + [hidden] * (len(group["cells"]) - 1)
    body["groups"] = [group]
    said = title_of(drawn("heatmap", body, LOOKS[0]))
    assert (
        "is clearly higher than the rest on 1 of the 1 topics shown; no group shown differs one way" in said
    )


def test_the_most_favourable_is_said_of_what_is_shown_and_one_alone_is_not_compared() -> None:
    body = example("questions")
    [group, *_] = body["groups"]
    one = next(one for one in group["questions"] if one.get("favourable") is not None)
    other = deepcopy(one) | {"key": "Q2", "title": "Other", "favourable": 0.1}
    unseen = {name: one[name] for name in ("key", "facet", "dimension") if name in one}
    hidden = unseen | {"title": "Unseen", "status": "suppressed", "reason": "crossing"}
    for parts, expected in (
        ([one, other], "most favourable: My"),
        ([one, other, hidden], "of what is shown the most favourable: My"),
        ([one, hidden], f'favourable on "{one["title"]}": '),
    ):
        group["questions"] = parts
        assert expected in title_of(drawn("questions", body, LOOKS[0]))


def test_where_both_changes_are_hidden_the_trend_does_not_say_that_there_is_nothing_before() -> None:
    body = example("trend")
    [group, *_] = body["groups"]
    last = body["waves"][-1]["survey"]["id"]
    kept = ("measure", "from_survey", "to_survey")
    group["changes"] = [
        {name: one[name] for name in kept} | {"status": "suppressed", "reason": "erased"}
        for one in group["changes"]
        if one["to_survey"] == last
    ]
    said = title_of(drawn("trend", body, LOOKS[0]))
    assert "nothing to compare with yet" not in said
    assert "Somebody who was asked has been erased since" in said


def test_of_too_many_groups_those_are_drawn_that_the_chart_is_about() -> None:
    many = [(float(number), 0.5) for number in range(1, 45)]
    found = drawn("gap", gaps(*many, (-60.0, 2), (-50.0, 2)), LOOKS[0])
    assert "engagement 60 points below" in title_of(found)
    assert "−60" in found["description"]
    gap_of = [row["gap"] for row in found["datasets"]["groups"]]
    assert (len(gap_of), gap_of[0], gap_of[-2:]) == (40, 44, [-50, -60])
    assert "Drawn are 40 of 46: those with the largest gaps." in notes_of(found)
    assert "Drawn are" not in notes_of(drawn("gap", gaps((1, 2)), LOOKS[0]))


def test_of_too_many_questions_both_ends_are_drawn_and_none_at_all_is_a_share() -> None:
    body = example("questions")
    [group, *_] = body["groups"]
    one = next(one for one in group["questions"] if one.get("favourable") is not None)
    shares = [number / 49 for number in range(49, -1, -1)]
    group["questions"] = [
        deepcopy(one) | {"key": f"Q{number}", "title": f"Question {number}", "favourable": share}
        for number, share in enumerate(shares)
    ]
    found = drawn("questions", body, LOOKS[0])
    names = [row["name"] for row in found["datasets"]["rows"] if "is_heading" not in row]
    assert names == [f"Question {number}" for number in (*range(20), *range(30, 50))]
    assert "Question 0 (100%); least: Question 49 (0%)" in title_of(found)
    assert "Drawn are 40 of 50: the most and the least favourable." in notes_of(found)
    hidden = {name: one[name] for name in ("key", "facet", "title", "dimension") if name in one}
    group["questions"] = [group["questions"][-1], hidden | {"status": "suppressed", "reason": "crossing"}]
    last = drawn("questions", body, LOOKS[0])["datasets"]["rows"]
    assert [row["name"] for row in last[1:]] == ["Question 49", one["title"]]


@pytest.mark.parametrize("name", ["heatmap", "participation", "recognition-network", "quadrants"])
def test_where_not_all_are_drawn_it_is_said(name: str) -> None:
    body = example(name)
    first = next(one for one in body["groups"] if one["status"] == "ok")
    body["groups"] = [
        deepcopy(first) | {"group": TEAM | {"id": f"t{number}", "name": f"Team {number}"}}
        for number in range(201)
    ]
    most = {"heatmap": 24, "quadrants": 200}.get(name, 40)
    assert f"Drawn are {most} of 201" in notes_of(drawn(name, body, LOOKS[0]))


def wholes(body: Json) -> list[str]:
    return [
        row["name"] for row in drawn("quadrants", body, LOOKS[0])["datasets"]["groups"] if row["is_whole"]
    ]


def test_the_whole_is_what_the_others_are_part_of_and_never_one_beside_them() -> None:
    body = gaps((1, 1), (2, 1), (3, 1))
    assert wholes(body) == [], "three that lie beside each other"
    for one in body["groups"][1:]:
        one["group"] |= {"parent": "t0", "depth": 1}
    assert wholes(body) == ["Team 0"]
    organization = {"kind": "organization", "id": None, "name": "Acme", "parent": None, "depth": 0}
    hidden = {"group": organization, "status": "suppressed", "reason": "complementary"}
    assert wholes(body | {"groups": [hidden, *body["groups"][1:]]}) == []
    shown = deepcopy(body["groups"][0]) | {"group": organization}
    assert wholes(body | {"groups": [shown, *body["groups"]]}) == ["Whole organisation"]
    for number, one in enumerate(body["groups"]):
        one["group"] = {"kind": "segment", "id": f"place:{number}", "name": f"Place {number}"}
        one["group"] |= {"segment": "place", "parent": None, "depth": 0}
    assert wholes(body | {"groups": body["groups"][:1]}) == wholes(body) == []


@pytest.mark.parametrize("name", ["trend", "levers", "facets", "questions"])
def test_a_chart_of_one_group_says_which_it_is_where_there_are_more(name: str) -> None:
    body = example(name)
    [first, *_] = body["groups"]
    several = drawn(name, body | {"groups": [first, deepcopy(first)]}, LOOKS[0])
    assert "the first of 2 groups; team asks for another." in notes_of(several)
    assert "the first of" not in notes_of(drawn(name, body | {"groups": [first]}, LOOKS[0]))


def test_only_years_in_service_are_told_as_years_in_service() -> None:
    for kind in get_args(Occurrence.model_fields["kind"].annotation):
        for language in ("en", "nl"):
            said = summary(language, kind, "Noor", year=2021, months=60)
            assert ("5 years with us" in said or "5 jaar in dienst" in said) == (kind == "work_anniversary")


def test_a_day_is_said_once() -> None:
    empty = calendar.calendar(calendar.Days(date(2026, 12, 1), date(2026, 12, 31), [], False), LOOKS[1])
    assert faults(empty) is None
    assert empty["title"]["text"] == ["Niets van 1 december 2026 tot", "31 december 2026"]


def test_the_colours_are_those_of_the_pages() -> None:
    css = (Path(app.pages.api.__file__).parent / "static" / "palette.css").read_text(encoding="utf-8")
    light, dark = css.split("@media")[:2]
    for theme, part in ((LIGHT, light), (DARK, dark)):
        found = dict(re.findall(r"--(paper|ink|muted|line|accent): (#[0-9a-f]+);", part))
        assert found == {name: getattr(theme, name) for name in found}
        assert len(found) == 5
