"""1,470 employees of a public data set, answers on 1-4, a confidential survey in teams two levels deep."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.process import Api, Service
from tests.acceptance.reckoning import Answers, Instrument, Json, Reckoning, assert_says
from tests.acceptance.steps import groups, open_survey, put_all, release, rows

pytestmark = pytest.mark.nightly  # 1,470 employees

FACETS = {
    "env_sat": "satisfaction",
    "job_sat": "satisfaction",
    "rel_sat": "satisfaction",
    "wl_balance": "satisfaction",
    "engagement": "engagement",
}
QUESTIONS = [
    {
        "key": key,
        "text": {"en": key},
        "dimension": dimension,
        "facet": key,
        "reversed": False,
        "scale": {"low": 1, "high": 4},
    }
    for key, dimension in FACETS.items()
]
QUESTIONNAIRE = {
    "title": {"en": "Employees"},
    "facets": [{"key": key, "title": {"en": key}} for key in FACETS],
    "questions": QUESTIONS,
}

# Everybody answered everything, so n = invited = the count of the file, and k is 5. By depth, then size:
# the organisation 1470 is shown; Research & Development 961 leaves 509 of it, Sales 446 leaves 63, Human
# Resources 63 leaves 0, so the departments are shown. In Sales: 326 leave 120, 83 leave 37, 37 leave 0. In
# Human Resources: 52 leave 11, 11 leave 0. In Research & Development: 292 leave 669, 259 leave 410, 145
# leave 265, 131 leave 134, 80 leave 54; the 52 managers would leave 2, the vice presidents, who are below
# the minimum themselves: so they are kept back too. The 11 managers of Human Resources are banded (n < 20),
# which makes their department and its other job title whole numbers.
EXPECTED = {
    "": (1470, "exact"),
    "human-resources": (63, "integer"),
    "human-resources~human-resources": (52, "integer"),
    "human-resources~manager": (11, "banded"),
    "research-development": (961, "exact"),
    "research-development~healthcare-representative": (131, "exact"),
    "research-development~laboratory-technician": (259, "exact"),
    "research-development~manager": (52, "complementary"),
    "research-development~manufacturing-director": (145, "exact"),
    "research-development~research-director": (80, "exact"),
    "research-development~research-scientist": (292, "exact"),
    "research-development~vice-president": (2, "below_minimum"),
    "sales": (446, "exact"),
    "sales~manager": (37, "exact"),
    "sales~sales-executive": (326, "exact"),
    "sales~sales-representative": (83, "exact"),
}
SHOWN = [group for group, (_, verdict) in EXPECTED.items() if verdict in ("exact", "integer", "banded")]
HIDDEN = sorted(EXPECTED.keys() - SHOWN)


@dataclass(frozen=True)
class Wave:
    api: Api
    survey_id: str
    headline: dict[str, Json]
    participation: dict[str, Json]


def slug(text: str) -> str:
    return re.sub("[^a-z]+", "-", text.lower())


def team_of(row: dict[str, str]) -> str:
    return f"{slug(row['dept'])}~{slug(row['job_title'])}"


def answers_of(row: dict[str, str]) -> Answers:
    return {key: int(row[key]) for key in FACETS}


@pytest.fixture(scope="module")
def employees() -> list[dict[str, str]]:
    return rows("employees_pa.csv", "employee_id", "dept", "job_title", *FACETS)


@pytest.fixture(scope="module")
def wave(service: Service, employees: list[dict[str, str]]) -> Iterator[Wave]:
    with service.organization("Employees") as api:
        send_people(api, employees)
        api.sent("PUT", "/v1/questionnaires/employees", json=QUESTIONNAIRE)
        survey_id = open_survey(api, questionnaire="employees", mode="confidential")
        responses = [{"respondent": row["employee_id"], "answers": answers_of(row)} for row in employees]
        put_all(api, f"/v1/surveys/{survey_id}/responses", responses)
        release(api, survey_id)
        shown = [
            groups(api, metric, survey_id, "organization", "team")
            for metric in ("satisfaction-engagement", "participation")
        ]
        yield Wave(api, survey_id, *shown)


def send_people(api: Api, employees: list[dict[str, str]]) -> None:
    departments = {slug(row["dept"]): row["dept"] for row in employees}
    titles = {team_of(row): row for row in employees}
    teams = [{"external_id": key, "name": name} for key, name in departments.items()]
    below = [
        {"external_id": key, "name": row["job_title"], "parent": slug(row["dept"])}
        for key, row in titles.items()
    ]
    put_all(api, "/v1/teams", [*below, *teams])
    people = [
        {"external_id": row["employee_id"], "name": f"Employee {row['employee_id']}", "team": team_of(row)}
        for row in employees
    ]
    put_all(api, "/v1/people", people)


def answers_in(group: str, employees: list[dict[str, str]]) -> list[Answers]:
    return [answers_of(row) for row in employees if is_within(team_of(row), group)]


def is_within(team: str, group: str) -> bool:
    return group in ("", team) or team.startswith(f"{group}~")


@pytest.fixture(scope="module")
def reckoning(employees: list[dict[str, str]]) -> Reckoning:
    return Reckoning(Instrument(QUESTIONS), answers_in("", employees))


def test_the_groups_shown_are_those_worked_out_by_hand(wave: Wave, employees: list[dict[str, str]]) -> None:
    assert {group: len(answers_in(group, employees)) for group in EXPECTED} == {
        group: count for group, (count, _) in EXPECTED.items()
    }
    for shown in (wave.headline, wave.participation):
        said = {group: of.get("precision") or of["reason"] for group, of in shown.items()}
        assert said == {group: verdict for group, (_, verdict) in EXPECTED.items()}


@pytest.mark.parametrize("group", SHOWN)
def test_every_number_is_that_of_the_file(
    group: str, wave: Wave, employees: list[dict[str, str]], reckoning: Reckoning
) -> None:
    persons, (count, precision) = answers_in(group, employees), EXPECTED[group]
    headline = reckoning.headline(persons, precision)
    assert_says(wave.headline[group], {**headline, "status": "ok", "invited": count})
    participation = reckoning.participation(persons, count, precision)
    weighted = None if group else weighted_as_it_is(headline)
    assert_says(wave.participation[group], {**participation, "status": "ok", "weighted": weighted})


def weighted_as_it_is(headline: Json) -> Json:
    """Everybody responded, so that weights change nothing. Ten parts have somebody: eight job titles told
    exactly, what is left of Research & Development beside them, and Human Resources."""
    whole = {"strata": 10, "trimmed": 0, "coverage": 1, "deff": 1, "effective_n": 1470}
    names = ("score", "ci_low", "ci_high")
    scores = {
        name: {member: headline[name][member] for member in names} for name in ("satisfaction", "engagement")
    }
    return {**whole, **scores}


@pytest.mark.parametrize("group", HIDDEN)
def test_a_suppressed_group_has_no_number(group: str, wave: Wave) -> None:
    for shown in (wave.headline[group], wave.participation[group]):
        assert shown.keys() == {"group", "status", "reason"}
        assert shown["group"].keys() == {"kind", "id", "name", "parent", "depth"}


def test_teams_come_in_tree_order_and_narrow_to_a_node(wave: Wave) -> None:
    names = [of["group"]["name"] for of in wave.headline.values()]
    assert names[:4] == ["Employees", "Human Resources", "Human Resources", "Manager"]
    params = {"survey_id": wave.survey_id, "team": "sales", "by": "team"}
    narrowed = wave.api.sent("GET", "/v1/metrics/satisfaction-engagement", params=params)["groups"]
    assert narrowed == [of for key, of in wave.headline.items() if key.startswith("sales")]
