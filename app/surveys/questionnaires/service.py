from collections.abc import Mapping
from typing import Any

from app.core.conditional import Preconditions
from app.core.database import TenantSession
from app.core.errors import IdentifierMismatch
from app.surveys.questionnaires import queries, schemas
from app.surveys.questionnaires.built_in import built_in
from app.surveys.questionnaires.errors import BuiltInQuestionnaire
from app.tables import Questionnaire, Survey

SAID = {"title", "introduction", "thanks", "facets", "questions"}
USUAL: dict[str, Any] = {"kind": "scale", "required": False, "options": []}
"""What is not kept of a question where it is so."""


def represent_questionnaire(row: Questionnaire) -> schemas.Questionnaire:
    return schemas.Questionnaire.model_validate(
        {
            "introduction": None,
            "thanks": None,
            **row.content,
            "questions": [represent_question(question) for question in row.content["questions"]],
            "key": row.key,
            "version": row.version,
            "built_in": row.key == built_in().key,
            "created_at": row.created_at,
        }
    )


def represent_summary(row: Mapping[str, Any]) -> schemas.QuestionnaireSummary:
    """Of one that the organisation made itself."""
    scales = [represent_scale(scale) for scale in row["scales"]]
    return schemas.QuestionnaireSummary.model_validate({**row, "built_in": False, "scales": scales})


def represent_question(question: Mapping[str, Any]) -> dict[str, Any]:
    scale = question["scale"]
    return {**USUAL, **question, "scale": None if scale is None else represent_scale(scale)}


def represent_scale(scale: Mapping[str, Any]) -> dict[str, Any]:
    return {"labels": {}, **scale}


def content_of(wanted: schemas.QuestionnaireWrite) -> dict[str, Any]:
    """Without what is not said, so that a questionnaire of before is still the same."""
    content = wanted.model_dump(mode="json", include=SAID)
    content = {name: said for name, said in content.items() if said is not None}
    return content | {"questions": [kept(question) for question in content["questions"]]}


def kept(question: dict[str, Any]) -> dict[str, Any]:
    if question["kind"] == "scale":
        question["role"] = question["role"] or schemas.ROLES[question["dimension"]][0]
        if not question["scale"]["labels"]:
            del question["scale"]["labels"]
    return {name: value for name, value in question.items() if name not in USUAL or value != USUAL[name]}


async def put_questionnaire(
    session: TenantSession,
    key: str,
    wanted: schemas.QuestionnaireWrite,
    conditions: Preconditions,
) -> tuple[int, schemas.Questionnaire]:
    """Status and the newest version; the same content again makes none."""
    if wanted.key not in (None, key):
        raise IdentifierMismatch.at("#/key")
    if key == built_in().key:
        raise BuiltInQuestionnaire
    await queries.lock_questionnaire(session, key)
    current = await queries.questionnaire_version(session, key)
    conditions.check(represent_questionnaire(current) if current else None)
    content = content_of(wanted)
    if current is not None and current.content == content:
        return 200, represent_questionnaire(current)
    row = Questionnaire(
        organization_id=session.organization_id,
        key=key,
        version=current.version + 1 if current else 1,
        content=content,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return 200 if current else 201, represent_questionnaire(row)


async def frozen_questionnaire(session: TenantSession, row: Survey) -> Questionnaire:
    questionnaire = await queries.questionnaire_version(session, row.questionnaire, row.questionnaire_version)
    if questionnaire is None:
        raise LookupError("an open survey whose questionnaire version is gone")
    return questionnaire
