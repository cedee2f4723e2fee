from typing import Any

from app.core.conditional import Preconditions
from app.core.database import TenantSession
from app.core.errors import IdentifierMismatch
from app.surveys.questionnaires import queries, schemas
from app.surveys.questionnaires.built_in import built_in
from app.surveys.questionnaires.errors import BuiltInQuestionnaire
from app.tables import Questionnaire, Survey


def represent_questionnaire(row: Questionnaire) -> schemas.Questionnaire:
    return schemas.Questionnaire.model_validate(
        {
            **row.content,
            "key": row.key,
            "version": row.version,
            "built_in": row.key == built_in().key,
            "created_at": row.created_at,
        }
    )


def content_of(wanted: schemas.QuestionnaireWrite) -> dict[str, Any]:
    content = wanted.model_dump(mode="json", include={"title", "facets", "questions"})
    for question in content["questions"]:
        question["role"] = question["role"] or schemas.ROLES[question["dimension"]][0]
    return content


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
