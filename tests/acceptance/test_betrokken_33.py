"""The questionnaire that comes along, with don't-knows and questions left out, in numbers worked out by hand.

Satisfaction has six facets of two questions, engagement nine. `full` agrees with everything: 75 and 100.
`half` answers just enough for the half rule: one question in three facets of satisfaction (100) and in five
of engagement (50). `torn` is 100, 0 and 50 in three facets, by two reversed questions and a straight one, so
50, and 100. `under` answers two facets of satisfaction, one short: no score there, so in no number but
responded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.process import Api, Service
from tests.acceptance.reckoning import Answers, close
from tests.acceptance.steps import groups, open_survey, put_all, release

Json = dict[str, Any]
SATISFIED: Answers = {f"S{number:02}": 4 for number in range(1, 13)} | {"S02": 2, "S10": 2}
ENGAGED: Answers = {f"E{number:02}": 5 for number in range(1, 19)} | {"E06": 1, "E14": 1}
HALF: Answers = {"S01": 5, "S02": None, "S03": 5, "S10": 1, "E01": 3, "E02": None, "E03": 3, "E06": 3}
PATTERNS: dict[str, Answers] = {
    "full": {**SATISFIED, **ENGAGED, "O1": 10, "O2": 5, "O3": None},
    "half": {**HALF, "E07": 3, "E18": 3},
    "torn": {"S02": 1, "S10": 5, "S03": 3, **ENGAGED},
    "under": {"S01": 1, "S02": 5, "S03": 1, "S05": None, **ENGAGED},
}
TEAMS = {
    "alpha": {"full": 20, "half": 5, "under": 3},
    "beta": {"torn": 6},
    "gamma": {"full": 3},
    "delta": {"full": 3},
}
PERSONS = {
    f"{team}-{pattern}-{number}": (team, pattern)
    for team, patterns in TEAMS.items()
    for pattern, count in patterns.items()
    for number in range(count)
}
MODES = ("confidential", "attributed", "anonymous")

# 37 persons have both scores: 26 full, 5 half, 6 torn. S = (26*75 + 5*100 + 6*50) / 37 = 2750 / 37,
# E = (26*100 + 5*50 + 6*100) / 37 = 3450 / 37, the gap is the difference. Answers on satisfaction: full 12
# and half 3 favourable each; torn one each of favourable, neutral, unfavourable: 333, 6, 6 of 345. On
# engagement: full and torn 18 favourable each, half 5 neutral: 576, 25, 0 of 601.
ORGANIZATION = {
    "n": 37,
    "satisfaction": {
        "score": 2750 / 37,
        "favourable": 333 / 345,
        "neutral": 6 / 345,
        "unfavourable": 6 / 345,
    },
    "engagement": {"score": 3450 / 37, "favourable": 576 / 601, "neutral": 25 / 601, "unfavourable": 0},
    "gap": {"mean": 700 / 37},
    "shares": {"thriving": 26 / 37, "content": 5 / 37, "stretched": 6 / 37, "detached": 0},
}
# 20 full and 5 half: S = (20*75 + 5*100) / 25 = 80, squares 20*5**2 + 5*20**2 = 2500, sd = sqrt(2500 / 24)
# = 10.2, half width 2.0639 * 10.2 / 5 = 4.21. E = (20*100 + 5*50) / 25 = 90, squares 20*10**2 + 5*40**2 =
# 10000, sd 20.4, half width 8.43. Gap 10, squares 20*15**2 + 5*60**2 = 22500, sd 30.62, half width 12.64, dz
# .327. Engagement answers: 360 favourable of 385. A banded sibling (beta) makes it whole numbers.
ALPHA = {
    "n": 25,
    "satisfaction": {
        "score": 80,
        "ci_low": 76,
        "ci_high": 84,
        "sd": 10,
        "favourable": 1,
        "neutral": 0,
        "unfavourable": 0,
    },
    "engagement": {
        "score": 90,
        "ci_low": 82,
        "ci_high": 98,
        "sd": 20,
        "favourable": 0.94,
        "neutral": 0.06,
        "unfavourable": 0,
    },
    "gap": {"mean": 10, "ci_low": -3, "ci_high": 23, "dz": 0.33},
    "shares": {"thriving": 0.8, "content": 0.2, "stretched": 0, "detached": 0},
}
# Six torn: S = 50, E = 100 shown as 95, gap 50. The organisation's sd of S is
# sqrt((20*75**2 + 6*75**2 + 5*100**2 + 6*50**2 - 2750**2 / 37) / 36) = 13.8, half width 2.5706 * 13.8 /
# sqrt(6) = 14.5; of E sqrt((26*100**2 + 5*50**2 + 6*100**2 - 3450**2 / 37) / 36) = 17.3, half width 18.2; of
# the gap sqrt((26*25**2 + 5*50**2 + 6*50**2 - 700**2 / 37) / 36) = 29.1, half width 30.6. Shares in steps of
# .05 off 0 and 1: a third of the answers is .35.
BETA = {
    "n": 6,
    "satisfaction": {
        "score": 50,
        "ci_low": 36,
        "ci_high": 64,
        "sd": None,
        "favourable": 0.35,
        "neutral": 0.35,
        "unfavourable": 0.35,
    },
    "engagement": {
        "score": 95,
        "ci_low": 82,
        "ci_high": 95,
        "sd": None,
        "favourable": 0.95,
        "neutral": 0.05,
        "unfavourable": 0.05,
    },
    "gap": {"mean": 50, "ci_low": 19, "ci_high": 81, "dz": None},
    "shares": {"thriving": 0.05, "content": 0.05, "stretched": 0.95, "detached": 0.05},
}
EXPECTED: dict[str, tuple[Json, str]] = {
    "": (ORGANIZATION, "exact"),
    "alpha": (ALPHA, "integer"),
    "beta": (BETA, "banded"),
}


@dataclass(frozen=True)
class Waves:
    api: Api
    survey_ids: dict[str, str]

    def groups(self, mode: str, metric: str) -> dict[str, Json]:
        return groups(self.api, metric, self.survey_ids[mode], "organization", "team")


@pytest.fixture(scope="module")
def waves(service: Service) -> Iterator[Waves]:
    with service.organization("Hand-worked") as api:
        put_all(api, "/v1/teams", [{"external_id": team, "name": team.title()} for team in TEAMS])
        people = [{"external_id": name, "name": name, "team": team} for name, (team, _) in PERSONS.items()]
        put_all(api, "/v1/people", people)
        yield Waves(api, {mode: released_wave(api, mode) for mode in MODES})


def released_wave(api: Api, mode: str) -> str:
    access = "open" if mode == "anonymous" else "invited"
    survey_id = open_survey(api, questionnaire="betrokken-33", mode=mode, access=access)
    put_all(api, f"/v1/surveys/{survey_id}/responses", [response(name, mode) for name in PERSONS])
    release(api, survey_id)
    return survey_id


def response(name: str, mode: str) -> Json:
    team, pattern = PERSONS[name]
    who = {"team": team} if mode == "anonymous" else {"respondent": name, "locale": locale_of(name)}
    return {**who, "answers": PATTERNS[pattern]}


def locale_of(name: str) -> str:
    return "nl" if PERSONS[name][1] == "half" else "en"


@pytest.mark.nightly
def test_every_question_is_asked_in_both_languages(waves: Waves) -> None:
    questions = waves.api.sent("GET", "/v1/questionnaires/betrokken-33")["questions"]
    texts = {question["key"]: question["text"] for question in questions}
    assert set(PATTERNS["full"]) == set(texts)
    assert all(text.keys() == {"en", "nl"} and len(set(text.values())) == 2 for text in texts.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", EXPECTED)
def test_the_numbers_are_those_worked_out_by_hand(mode: str, group: str, waves: Waves) -> None:
    shown, (expected, precision) = waves.groups(mode, "satisfaction-engagement")[group], EXPECTED[group]
    assert (shown["n"], shown["precision"]) == (expected["n"], precision)
    for block in ("satisfaction", "engagement", "gap"):
        wanted = expected[block]
        assert {name: shown[block][name] for name in wanted} == closely(wanted), block
    shares = {name: share["share"] for name, share in shown["quadrants"]["shares"].items()}
    assert shares == closely(expected["shares"])


def closely(wanted: Json) -> Json:
    return {name: close(number) for name, number in wanted.items()}


@pytest.mark.parametrize("mode", MODES)
def test_a_suppressed_group_has_no_number(mode: str, waves: Waves) -> None:
    for metric in ("satisfaction-engagement", "participation"):
        for team in ("gamma", "delta"):
            shown = waves.groups(mode, metric)[team]
            place = {"kind": "team", "id": team, "name": team.title(), "parent": None, "depth": 0}
            assert shown == {"group": place, "status": "suppressed", "reason": "below_minimum"}


def test_those_without_a_score_count_as_responded(waves: Waves) -> None:
    shown = waves.groups("confidential", "participation")["alpha"]
    assert (shown["invited"], shown["responded"], shown["n"], shown["response_rate"]) == (28, 28, 25, 1)


def test_attributed_answers_come_back_as_given(waves: Waves) -> None:
    found = waves.api.sent("GET", f"/v1/surveys/{waves.survey_ids['attributed']}/responses")["items"]
    given = {one["respondent"]: (one["team"], one["answers"], one["locale"]) for one in found}
    assert given == {
        name: (team, PATTERNS[pattern], locale_of(name)) for name, (team, pattern) in PERSONS.items()
    }


def test_metrics_that_did_not_change_are_not_sent_again(waves: Waves) -> None:
    params = {"survey_id": waves.survey_ids["confidential"], "by": "team"}
    for metric in ("satisfaction-engagement", "participation"):
        first = waves.api.get(f"/v1/metrics/{metric}", params=params)
        tag = {"If-None-Match": first.headers["etag"]}
        again = waves.api.get(f"/v1/metrics/{metric}", params=params, headers=tag)
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("language", "title"), [("nl-NL, en;q=0.5", "Tevredenheid"), ("fr", "Satisfaction")])
def test_metrics_are_explained_in_the_language_asked_for(language: str, title: str, waves: Waves) -> None:
    answer = waves.api.sent("GET", "/v1/metrics/definitions", headers={"Accept-Language": language})
    titles = {metric["name"]: metric["title"] for metric in answer["metrics"]}
    assert titles["satisfaction.score"] == title
