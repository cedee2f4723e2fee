"""What a questionnaire may say, its versions, and those of the one that comes along."""

from copy import deepcopy
from typing import Any

import pytest

from app.metrics.blocks.pairs import incomparable
from app.surveys.questionnaires.built_in import built_in, versions
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.surveys.test_surveys import draft, hire, opened, questionnaire

LABELS = {"en": {"1": "Disagree", "5": "Agree"}, "nl": {"1": "Oneens", "5": "Eens"}}
OPTIONS = [{"key": key, "text": {"en": key}} for key in ("home", "site")]
UNSCORED = {"dimension": None, "facet": None, "scale": None}


# ------------------------------------------------------------------ the one that comes along


async def test_both_versions_can_be_read_and_the_second_is_the_newest(api: ContractClient) -> None:
    newest = (await api.get("/v1/questionnaires/betrokken-33")).json()
    first, second = [
        (await api.get("/v1/questionnaires/betrokken-33", params={"version": number})).json()
        for number in (1, 2)
    ]
    assert newest == second
    assert (first["version"], second["version"]) == (1, 2)
    assert first["questions"][0]["text"]["en"] == "My salary is in reasonable proportion to what I deliver."
    assert second["questions"][0]["text"]["en"] == "I am paid fairly for the work I do."
    assert (await api.get("/v1/questionnaires/betrokken-33", params={"version": 3})).status_code == 404


def test_only_words_differ_between_the_versions() -> None:
    structures = []
    for version in versions().values():
        questions = deepcopy(version.content["questions"])
        for question in questions:
            del question["text"]
            question["scale"].pop("labels", None)
        structures.append((questions, [facet["key"] for facet in version.content["facets"]]))
    assert structures[0] == structures[1]


def test_the_newest_is_complete_in_both_languages() -> None:
    content = built_in().content
    said = [content[part] for part in ("title", "introduction", "thanks")]
    said += [facet["title"] for facet in content["facets"]]
    said += [question["text"] for question in content["questions"]]
    said += [question["scale"]["labels"] for question in content["questions"]]
    assert len(said) == 3 + 15 + 33 + 33
    assert all(set(one) == {"en", "nl"} and all(one.values()) for one in said)
    for question in content["questions"]:
        ends = {str(question["scale"][end]) for end in ("low", "high")}
        assert all(ends <= set(words) for words in question["scale"]["labels"].values())


def test_a_trend_breaks_where_words_changed_and_only_there() -> None:
    first, second = (version.content["questions"] for version in versions().values())
    lost = incomparable(second, first)
    assert dict.fromkeys(("satisfaction", "engagement", "gap", "enps"), "questions_changed") == lost
    assert incomparable(second, second) == {}
    one_else = deepcopy(second)
    one_else[0]["text"] = first[0]["text"]
    assert incomparable(second, one_else).keys() == {"satisfaction", "gap"}


def test_labels_alone_make_no_other_question() -> None:
    labelled = built_in().content["questions"]
    bare = deepcopy(labelled)
    for question in bare:
        question["scale"].pop("labels", None)
    assert incomparable(labelled, bare) == incomparable(bare, labelled) == {}
    ends = deepcopy(labelled)
    ends[0]["scale"] = {
        "low": 1,
        "high": 5,
        "labels": {"en": {"1": "Strongly disagree", "5": "Strongly agree"}},
    }
    assert incomparable(ends, labelled) == {}
    ends[0]["scale"]["labels"]["en"] = {"1": "Strongly agree", "5": "Strongly disagree"}
    assert incomparable(ends, labelled).keys() == {"satisfaction", "gap"}


async def test_a_survey_keeps_the_version_it_was_opened_with(api: ContractClient) -> None:
    await hire(api, "E-1")
    survey_id = await opened(api)
    assert (await api.get(f"/v1/surveys/{survey_id}")).json()["questionnaire_version"] == 2
    assert (await api.get(f"/v1/surveys/{await draft(api)}")).json()["questionnaire_version"] is None


async def test_a_list_says_what_the_answers_mean(api: ContractClient) -> None:
    body = questionnaire()
    body["questions"] += [
        {"key": "where", "text": {"en": "Where?"}, "kind": "choice", "options": OPTIONS},
        {**body["questions"][0], "key": "again", "scale": {"low": 0, "high": 10}},
    ]
    await api.put("/v1/questionnaires/acme", json=body)
    own, shipped = (await api.get("/v1/questionnaires")).json()["items"]
    assert own["scales"] == [{"low": 0, "high": 10, "labels": {}}, {"low": 1, "high": 5, "labels": {}}]
    assert [(scale["low"], scale["high"]) for scale in shipped["scales"]] == [(1, 5), (0, 10)]
    assert shipped["scales"][0]["labels"]["nl"]["3"] == "Niet eens, niet oneens"


# ------------------------------------------------------------------ what may be said


async def test_all_that_is_said_comes_back_and_can_be_sent_again(api: ContractClient) -> None:
    body = questionnaire(scale={"low": 1, "high": 5, "labels": LABELS}, required=True)
    body["introduction"], body["thanks"] = {"en": "Welcome."}, {"en": "Thanks.", "nl": "Dank."}
    kinds = {
        "where": {"kind": "choice", "options": OPTIONS, "facet": "pay"},
        "which": {"kind": "choices", "options": OPTIONS},
        "why": {"kind": "text", "required": True},
    }
    body["questions"] += [{"key": key, "text": {"en": key}, **own} for key, own in kinds.items()]
    made = await api.put("/v1/questionnaires/acme", json=body)
    assert made.status_code == 201, made.text
    read = (await api.get("/v1/questionnaires/acme")).json()
    assert (read["introduction"], read["thanks"]) == (body["introduction"], body["thanks"])
    scale, where, which, why = read["questions"]
    assert (scale["scale"]["labels"], scale["required"], scale["kind"]) == (LABELS, True, "scale")
    assert (where["kind"], where["facet"], where["options"], where["scale"]) == (
        "choice",
        "pay",
        OPTIONS,
        None,
    )
    assert (which["kind"], which["facet"], why["kind"], why["options"]) == ("choices", None, "text", [])
    again = await api.put("/v1/questionnaires/acme", json=read)
    assert (again.status_code, again.json()) == (200, read)


async def test_a_questionnaire_of_before_is_still_the_same(acme: Tenant) -> None:
    """What is new is not kept where nothing is said: an old row and the same body sent again are equal."""
    await acme.client.put("/v1/questionnaires/acme", json=questionnaire())
    async with acme.database.tenant_session(acme.id) as session:
        rows = await session.connection()
        content = (await rows.exec_driver_sql("SELECT content FROM questionnaires")).scalar_one()
    assert content == {
        "title": {"en": "Acme"},
        "facets": [{"key": "pay", "title": {"en": "Pay"}}],
        "questions": [
            {**questionnaire()["questions"][0], "role": "basic", "lever": None, "reversed": False},
        ],
    }


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("missing_field", {"scale": None}),
        ("missing_field", {"dimension": None}),
        ("missing_field", {"facet": None}),
        ("kind_mismatch", {"options": OPTIONS}),
        ("kind_mismatch", {"kind": "choice", "options": OPTIONS}),
        ("kind_mismatch", {**UNSCORED, "kind": "choice", "options": OPTIONS, "reversed": True}),
        ("kind_mismatch", {**UNSCORED, "kind": "choices", "options": OPTIONS, "role": "core"}),
        ("kind_mismatch", {**UNSCORED, "kind": "choices", "options": OPTIONS, "lever": "growth"}),
        ("kind_mismatch", {**UNSCORED, "kind": "text", "scale": {"low": 1, "high": 5}}),
        ("kind_mismatch", {**UNSCORED, "kind": "text", "dimension": "outcome"}),
        ("kind_mismatch", {**UNSCORED, "kind": "text", "options": OPTIONS}),
        ("bad_options", {**UNSCORED, "kind": "choice"}),
        ("bad_options", {**UNSCORED, "kind": "choice", "options": OPTIONS[:1]}),
        ("bad_options", {**UNSCORED, "kind": "choices", "options": [*OPTIONS, OPTIONS[0]]}),
        ("invalid_value", {**UNSCORED, "kind": "choices", "options": [
            {"key": str(number), "text": {"en": "x"}} for number in range(16)
        ]}),
        ("invalid_value", {"kind": "slider"}),
        ("unknown_facet", {**UNSCORED, "kind": "text", "facet": "benefits"}),
        ("unknown_facet", {**UNSCORED, "kind": "text", "facet": "enps"}),
        ("bad_labels", {"scale": {"low": 1, "high": 5, "labels": {"en": {"1": "Low"}}}}),
        ("bad_labels", {"scale": {"low": 1, "high": 5, "labels": {"en": {"1": "Low", "6": "High"}}}}),
        ("bad_labels", {"scale": {"low": 1, "high": 5, "labels": {"en": {"1": "a", "3": "b", "5": "c"}}}}),
        ("bad_labels", {"scale": {"low": 1, "high": 3, "labels": {
            "en": {"1": "a", "2": "b", "3": "c"}, "nl": {"1": "a", "3": "c"}
        }}}),
        ("bad_labels", {"scale": {"low": 1, "high": 5, "labels": {"en": {}}}}),
        ("invalid_value", {"scale": {"low": 1, "high": 5, "labels": {"en": {"1": "", "5": "High"}}}}),
        ("invalid_value", {"scale": {"low": 1, "high": 5, "labels": {"en": {"one": "a", "5": "b"}}}}),
    ],
)  # fmt: skip
async def test_what_does_not_go_together_is_refused(
    code: str, question: dict[str, Any], api: ContractClient
) -> None:
    refused = await api.put("/v1/questionnaires/acme", json=questionnaire(**question))
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    of_all = {"unknown_facet"}
    assert refused.json()["errors"][0]["pointer"].startswith("#" if code in of_all else "#/questions/0")
