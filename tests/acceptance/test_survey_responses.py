"""400 responses of a public data set on 1-5 and 1-7, an anonymous and open survey with nobody on file."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.process import Api, Service
from tests.acceptance.reckoning import Answers, Instrument, Reckoning, assert_says
from tests.acceptance.steps import groups, open_survey, put_all, release, rows

SATISFACTION = {"happ": "happiness", "psafety": "safety", "incl": "inclusion", "ldrshp": "leadership"}
ENGAGEMENT = {"belong": "bond", "effort": "effort", "eng_1": "drive", "eng_2": "drive", "eng_3": "drive"}
OUTCOME = dict.fromkeys(("ret_1", "ret_2", "ret_3"), "intent_to_stay")
DIMENSIONS = {"satisfaction": SATISFACTION, "engagement": ENGAGEMENT, "outcome": OUTCOME}
QUESTIONS = [
    {
        "key": key,
        "text": {"en": key},
        "dimension": dimension,
        "facet": facet,
        "reversed": False,
        "scale": {"low": 1, "high": 7 if key == "psafety" else 5},
    }
    for dimension, facets in DIMENSIONS.items()
    for key, facet in facets.items()
]
QUESTIONNAIRE = {
    "title": {"en": "Survey responses"},
    "facets": [
        {"key": facet, "title": {"en": facet}}
        for facet in sorted({*SATISFACTION.values(), *ENGAGEMENT.values()})
    ],
    "questions": QUESTIONS,
}


@dataclass(frozen=True)
class Wave:
    api: Api
    survey_id: str


@pytest.fixture(scope="module")
def responses() -> list[Answers]:
    keys = [*SATISFACTION, *ENGAGEMENT, *OUTCOME]
    return [{key: int(row[key]) for key in keys} for row in rows("survey_responses.csv", *keys)]


@pytest.fixture(scope="module")
def wave(service: Service, responses: list[Answers]) -> Iterator[Wave]:
    with service.organization("Passers-by") as api:
        api.sent("PUT", "/v1/questionnaires/open-door", json=QUESTIONNAIRE)
        survey_id = open_survey(api, questionnaire="open-door", mode="anonymous", access="open")
        put_all(api, f"/v1/surveys/{survey_id}/responses", [{"answers": answers} for answers in responses])
        release(api, survey_id)
        yield Wave(api, survey_id)


@pytest.mark.nightly
def test_every_number_is_that_of_the_file(wave: Wave, responses: list[Answers]) -> None:
    assert len(responses) == 400
    shown = groups(wave.api, "satisfaction-engagement", wave.survey_id)[""]
    expected = Reckoning(Instrument(QUESTIONS), responses).headline(responses, "exact")
    assert_says(shown, {**expected, "status": "ok", "invited": None})
    assert shown["reasons"]["invited"] == "no_frame"


def test_there_is_no_participation_without_a_frame(wave: Wave) -> None:
    shown = groups(wave.api, "participation", wave.survey_id)[""]
    assert (shown["status"], shown["reason"], shown["n"]) == ("undefined", "no_frame", 400)
    counted = wave.api.sent("GET", f"/v1/surveys/{wave.survey_id}/participation")
    assert (counted["invited"], counted["responded"]) == (None, 400)
    assert counted["reasons"] == {"invited": "no_frame"}


def test_no_response_can_be_read(wave: Wave) -> None:
    answer = wave.api.get(f"/v1/surveys/{wave.survey_id}/responses")
    assert (answer.status_code, answer.json()["code"]) == (409, "mode_has_no_readable_responses")
    assert wave.api.sent("GET", "/v1/people")["items"] == []
