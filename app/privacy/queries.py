"""What both an export and an erasure ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncSession

Parameters = Mapping[str, Any]
OWN_SURVEYS = """
s.organization_id = :organization_id AND s.id IN (
    SELECT survey_id FROM survey_members
    WHERE organization_id = :organization_id AND person_id = :person_id
)
"""
CHAT_IDENTITIES = text("""
SELECT product, chat_id, email, created_at, updated_at FROM chat_identities
WHERE organization_id = :organization_id AND lower(email) = lower(:email) ORDER BY product, chat_id
""")
RESPONSES = text(
    f"""
SELECT s.id AS survey_id, s.name, s.mode, s.status, s.release_policy, s.allow_changes, s.questionnaire,
    s.questionnaire_version, r.respondent_key, r.cell_ordinal, r.answers, r.locale, r.submitted_at,
    r.included_in
FROM surveys s
JOIN responses r ON r.organization_id = s.organization_id AND r.survey_id = s.id
    AND r.respondent_key = CASE WHEN s.mode = 'attributed' THEN CAST(:person_id AS uuid) ELSE :pseudonym END
WHERE {OWN_SURVEYS} AND s.mode = ANY(CAST(:modes AS text[]))
  AND (CAST(:address_since AS timestamptz) IS NULL OR s.opened_at > :address_since)
ORDER BY s.opened_at, s.id
"""  # noqa: S608 the text is ours
)


async def rows(session: AsyncSession, query: Executable, parameters: Parameters) -> Sequence[Row[Any]]:
    return (await session.execute(query, parameters)).all()
