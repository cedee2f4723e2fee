"""The main job, through the client that openapi-python-client makes of the contract.

Address and key in, a line out.
"""

import sys
import time
from http import HTTPStatus
from io import BytesIO
from typing import TypeVar
from uuid import UUID

from betrokken_client import AuthenticatedClient
from betrokken_client.api.imports import create_import, get_import
from betrokken_client.api.metrics import get_satisfaction_engagement
from betrokken_client.api.people import put_people_batch, put_team
from betrokken_client.api.surveys import (
    close_survey,
    create_responses_batch,
    create_survey,
    open_survey,
    put_questionnaire,
)
from betrokken_client.models import (
    CreateImportKind,
    Dimension,
    FacetWrite,
    FacetWriteTitle,
    GroupOk,
    Import,
    ImportStatus,
    PersonBatch,
    PersonItem,
    QuestionnaireWrite,
    QuestionnaireWriteTitle,
    QuestionWrite,
    QuestionWriteText,
    ResponseBatch,
    ResponseWrite,
    ResponseWriteAnswers,
    SatisfactionEngagement,
    ScaleWrite,
    SurveyWrite,
    SurveyWriteMode,
    TeamWrite,
)
from betrokken_client.models.problem import Problem
from betrokken_client.types import File, Response

PATIENCE_SECONDS = 60
T = TypeVar("T")


def succeeded(answer: T | Problem | None) -> T:
    if answer is None or isinstance(answer, Problem):
        sys.exit(f"refused: {answer}")
    return answer


def question(key: str, dimension: Dimension) -> QuestionWrite:
    words = QuestionWriteText.from_dict({"en": f"How is your {key}?"})
    return QuestionWrite(key, words, dimension=dimension, facet=key, scale=ScaleWrite(1, 5))


def questionnaire() -> QuestionnaireWrite:
    return QuestionnaireWrite(
        title=QuestionnaireWriteTitle.from_dict({"en": "Two questions"}),
        facets=[FacetWrite(key, FacetWriteTitle.from_dict({"en": key})) for key in ("pay", "bond")],
        questions=[
            question("pay", Dimension.SATISFACTION),
            question("bond", Dimension.ENGAGEMENT),
        ],
    )


def imported(client: AuthenticatedClient, file: bytes) -> Import:
    """As it is when all its rows are stored or refused."""
    found = succeeded(
        create_import.sync(client=client, body=File(BytesIO(file)), kind=CreateImportKind.TEAMS)
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found.status in (ImportStatus.QUEUED, ImportStatus.RUNNING) and time.monotonic() < deadline:
        time.sleep(0.1)
        found = succeeded(get_import.sync(found.id, client=client))
    return found


def released(client: AuthenticatedClient, survey_id: UUID) -> SatisfactionEngagement:
    """Asked again as long as the release is being computed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer: Response[Problem | SatisfactionEngagement] = get_satisfaction_engagement.sync_detailed(
            client=client, survey_id=survey_id
        )
        if answer.status_code != HTTPStatus.CONFLICT or time.monotonic() > deadline:
            return succeeded(answer.parsed)
        time.sleep(0.1)


def main(url: str, key: str) -> None:
    names = [f"E-{number}" for number in range(1, 9)]
    with AuthenticatedClient(url, token=key, raise_on_unexpected_status=True) as client:
        succeeded(put_team.sync("sales", client=client, body=TeamWrite("Sales")))
        file = imported(client, b"external_id,name\nsupport,Support\n")
        people = PersonBatch([PersonItem(name, name, team="sales") for name in names])
        put = succeeded(put_people_batch.sync(client=client, body=people, idempotency_key="people"))
        succeeded(put_questionnaire.sync("two", client=client, body=questionnaire()))
        wanted = SurveyWrite("Autumn", "two", SurveyWriteMode.CONFIDENTIAL)
        survey = succeeded(create_survey.sync(client=client, body=wanted))
        succeeded(open_survey.sync(survey.id, client=client))
        given = [
            ResponseWrite(ResponseWriteAnswers.from_dict({"pay": 2 + index % 3, "bond": 4}), respondent=name)
            for index, name in enumerate(names)
        ]
        stored = succeeded(create_responses_batch.sync(survey.id, client=client, body=ResponseBatch(given)))
        succeeded(close_survey.sync(survey.id, client=client))
        (group,) = released(client, survey.id).groups
    if not isinstance(group, GroupOk):
        sys.exit(f"no numbers: {group}")
    scores = f"{group.satisfaction.score:.0f} {group.engagement.score:.0f}"
    print(file.summary.created, put.summary.created, stored.summary.created, group.n, scores)


if __name__ == "__main__":
    main(*sys.argv[1:])
