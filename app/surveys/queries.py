import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, tuple_

from app.surveys.built_in import built_in
from app.surveys.rules import FrozenGroup, TeamNode
from app.tables import Questionnaire, Response, Survey, SurveyGroup

NEWEST_QUESTIONNAIRES = text(
    "SELECT DISTINCT ON (key) key, version, content -> 'title' AS title, created_at FROM questionnaires"
    " WHERE organization_id = :organization_id AND key > :after AND key <> :built_in"
    " ORDER BY key, version DESC LIMIT :limit"
)
INSERT_GROUPS = text(
    "INSERT INTO survey_groups"
    " (organization_id, survey_id, ordinal, kind, external_id, name, parent, depth, invited)"
    " SELECT :organization_id, :survey_id, g.* FROM json_to_recordset(CAST(:groups AS json)) AS g"
    " (ordinal int, kind text, external_id text, name text, parent int, depth int, invited int)"
)
INSERT_MEMBERS = text(
    "INSERT INTO survey_members (organization_id, survey_id, person_id, group_ordinal)"
    " SELECT :organization_id, :survey_id, m.*"
    " FROM unnest(CAST(:people AS uuid[]), CAST(:ordinals AS int[])) AS m"
)
INSERT_RESPONSES = text(
    "INSERT INTO responses"
    " (organization_id, survey_id, respondent_key, submitted_at, group_ordinal, locale, answers)"
    " SELECT :organization_id, :survey_id, r.* FROM json_to_recordset(CAST(:rows AS json)) AS r"
    " (respondent_key uuid, submitted_at timestamptz, group_ordinal int, locale text, answers smallint[])"
    " ORDER BY r.respondent_key"
    " ON CONFLICT (organization_id, survey_id, respondent_key) DO NOTHING RETURNING respondent_key"
)
SHUFFLE_RESPONSES = text(
    "WITH taken AS (DELETE FROM responses"
    "  WHERE organization_id = :organization_id AND survey_id = :survey_id RETURNING *)"
    " INSERT INTO responses (organization_id, survey_id, respondent_key, group_ordinal, answers)"
    " SELECT organization_id, survey_id, gen_random_uuid(), group_ordinal, answers FROM taken"
    " ORDER BY random()"
)
INVITED_MEMBERS = text(
    "SELECT wanted.external_id, p.id, m.group_ordinal"
    " FROM unnest(CAST(:external_ids AS text[])) AS wanted (external_id)"
    " CROSS JOIN LATERAL (SELECT id FROM people"
    "  WHERE organization_id = :organization_id AND external_id = wanted.external_id LIMIT 1) p"
    " CROSS JOIN LATERAL (SELECT group_ordinal FROM survey_members"
    "  WHERE organization_id = :organization_id AND survey_id = :survey_id AND person_id = p.id LIMIT 1) m"
)
"""The limits keep it at two index look-ups a name: before statistics exist the planner would rather compare
every member of the survey with every name (measured: four seconds a batch)."""
READABLE_RESPONSES = text(
    "SELECT r.respondent_key, p.external_id AS respondent, nullif(g.external_id, '') AS team,"
    "  r.answers, r.locale, r.submitted_at"
    " FROM responses r"
    " JOIN people p ON p.organization_id = r.organization_id AND p.id = r.respondent_key"
    " JOIN survey_groups g ON g.organization_id = r.organization_id AND g.survey_id = r.survey_id"
    "  AND g.ordinal = r.group_ordinal"
    " WHERE r.organization_id = :organization_id AND r.survey_id = :survey_id"
    "  AND (CAST(:after AS text) IS NULL OR r.respondent_key > ("
    "   SELECT id FROM people WHERE organization_id = :organization_id AND external_id = :after))"
    " ORDER BY r.respondent_key LIMIT :limit"
)


async def questionnaire_version(
    session: AsyncSession, organization_id: UUID, key: str, version: int | None = None
) -> Questionnaire | None:
    """The version asked for, or the newest; of the built-in one without a row too."""
    own = built_in()
    if key == own.key and version in (None, own.version):
        return Questionnaire(
            organization_id=organization_id,
            key=own.key,
            version=own.version,
            content=own.content,
            created_at=own.made_at,
        )
    query = select(Questionnaire).where(
        col(Questionnaire.organization_id) == organization_id, col(Questionnaire.key) == key
    )
    if version is not None:
        query = query.where(col(Questionnaire.version) == version)
    return (await session.scalars(query.order_by(col(Questionnaire.version).desc()).limit(1))).first()


async def newest_questionnaires(
    session: AsyncSession, organization_id: UUID, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Key, version, title and created_at of what the organisation made itself, by key."""
    parameters = {
        "organization_id": organization_id,
        "after": after,
        "built_in": built_in().key,
        "limit": limit,
    }
    return (await session.execute(NEWEST_QUESTIONNAIRES, parameters)).all()


async def lock_questionnaire(session: AsyncSession, organization_id: UUID, key: str) -> None:
    """One writer of a key at a time, so that versions follow one another."""
    await session.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended('questionnaire/' || :organization_id || :key, 0))"
        ),
        {"organization_id": str(organization_id), "key": key},
    )


async def keep_questionnaire(session: AsyncSession, row: Questionnaire) -> None:
    """Stores a version that may be there already (the built-in one, when a survey freezes it)."""
    await session.execute(
        text(
            "INSERT INTO questionnaires (organization_id, key, version, content, created_at)"
            " VALUES (:organization_id, :key, :version, CAST(:content AS jsonb), :created_at)"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "organization_id": row.organization_id,
            "key": row.key,
            "version": row.version,
            "content": json.dumps(row.content),
            "created_at": row.created_at,
        },
    )


async def survey(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, *, lock: str | None = None
) -> Survey | None:
    """`lock` "write" holds the survey alone, "read" together with others who read it."""
    query = select(Survey).where(col(Survey.organization_id) == organization_id, col(Survey.id) == survey_id)
    if lock is not None:
        query = query.with_for_update(read=lock == "read", key_share=lock == "write")
    return (await session.scalars(query.execution_options(populate_existing=True))).first()


async def surveys_before(
    session: AsyncSession,
    organization_id: UUID,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Survey]:
    """Newest first, from the survey after `after` on."""
    query = select(Survey).where(col(Survey.organization_id) == organization_id)
    if status is not None:
        query = query.where(col(Survey.status) == status)
    if after is not None:
        query = query.where(tuple_(col(Survey.created_at), col(Survey.id)) < after)
    newest_first = query.order_by(col(Survey.created_at).desc(), col(Survey.id).desc())
    return (await session.scalars(newest_first.limit(limit))).all()


async def survey_with_external_id(
    session: AsyncSession, organization_id: UUID, external_id: str
) -> UUID | None:
    return await session.scalar(
        select(col(Survey.id)).where(
            col(Survey.organization_id) == organization_id, col(Survey.external_id) == external_id
        )
    )


async def delete_survey(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> None:
    await session.execute(
        text("DELETE FROM surveys WHERE organization_id = :organization_id AND id = :survey_id"),
        {"organization_id": organization_id, "survey_id": survey_id},
    )


async def freeze(
    session: AsyncSession,
    survey: Survey,
    groups: Sequence[FrozenGroup],
    teams: Mapping[Any, TeamNode],
    organization_name: str,
    members: Mapping[UUID, int] | None,
) -> None:
    """Stores groups and members. `members` maps person to ordinal; None where nobody is invited by name."""
    scope = {"organization_id": survey.organization_id, "survey_id": survey.id}
    invited = None if members is None else _count(members.values())
    rows = [
        {
            "ordinal": group.ordinal,
            "kind": "team" if group.team else "organization",
            "external_id": teams[group.team].external_id if group.team else "",
            "name": teams[group.team].name if group.team else organization_name,
            "parent": group.parent,
            "depth": group.depth,
            "invited": None if invited is None else invited.get(group.ordinal, 0),
        }
        for group in groups
    ]
    await session.execute(INSERT_GROUPS, {**scope, "groups": json.dumps(rows)})
    if members:
        people = sorted(members)
        await session.execute(
            INSERT_MEMBERS, {**scope, "people": people, "ordinals": [members[person] for person in people]}
        )


def _count(ordinals: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for ordinal in ordinals:
        counts[ordinal] = counts.get(ordinal, 0) + 1
    return counts


async def groups_of(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> Sequence[SurveyGroup]:
    """In tree order."""
    query = select(SurveyGroup).where(
        col(SurveyGroup.organization_id) == organization_id, col(SurveyGroup.survey_id) == survey_id
    )
    return (await session.scalars(query.order_by(col(SurveyGroup.ordinal)))).all()


async def ordinals_of_teams(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, external_ids: Sequence[str]
) -> dict[str, int]:
    rows = await session.execute(
        select(col(SurveyGroup.external_id), col(SurveyGroup.ordinal)).where(
            col(SurveyGroup.organization_id) == organization_id,
            col(SurveyGroup.survey_id) == survey_id,
            col(SurveyGroup.kind) == "team",
            col(SurveyGroup.external_id).in_(external_ids),
        )
    )
    return {external_id: ordinal for external_id, ordinal in rows}


async def members_by_external_ids(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, external_ids: Sequence[str]
) -> dict[str, tuple[UUID, int]]:
    """Of those invited: external id -> (person, group ordinal)."""
    rows = await session.execute(
        INVITED_MEMBERS,
        {"organization_id": organization_id, "survey_id": survey_id, "external_ids": list(external_ids)},
    )
    return {external_id: (person, ordinal) for external_id, person, ordinal in rows}


async def store_responses(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, rows: Sequence[dict[str, Any]]
) -> set[UUID]:
    """Stores the responses whose key is new, in the order of their keys; returns those keys."""
    if not rows:
        return set()
    parameters = {
        "organization_id": organization_id,
        "survey_id": survey_id,
        "rows": json.dumps(rows, default=str),
    }
    return set((await session.scalars(INSERT_RESPONSES, parameters)).all())


async def answers_by_key(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, keys: Sequence[UUID]
) -> dict[UUID, tuple[int, list[int]]]:
    """Key -> (group ordinal, answers)."""
    rows = await session.execute(
        select(col(Response.respondent_key), col(Response.group_ordinal), col(Response.answers)).where(
            col(Response.organization_id) == organization_id,
            col(Response.survey_id) == survey_id,
            col(Response.respondent_key).in_(keys),
        )
    )
    return {key: (ordinal, answers) for key, ordinal, answers in rows}


async def shuffle_responses(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> None:
    """Rewrites every response under a new random key, in random order, in this one transaction."""
    await session.execute(SHUFFLE_RESPONSES, {"organization_id": organization_id, "survey_id": survey_id})


async def readable_responses(
    session: AsyncSession, organization_id: UUID, survey_id: UUID, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Responses of an attributed survey with their persons, by internal id; `after` is a respondent."""
    parameters = {"organization_id": organization_id, "survey_id": survey_id, "after": after, "limit": limit}
    return (await session.execute(READABLE_RESPONSES, parameters)).all()


async def count_responses(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> int:
    return int(
        await session.scalar(
            text(
                "SELECT count(*) FROM responses"
                " WHERE organization_id = :organization_id AND survey_id = :survey_id"
            ),
            {"organization_id": organization_id, "survey_id": survey_id},
        )
        or 0
    )


async def count_invited(session: AsyncSession, organization_id: UUID, survey_id: UUID) -> int | None:
    """None where nobody is invited by name."""
    total: int | None = await session.scalar(
        text(
            "SELECT sum(invited)::int FROM survey_groups"
            " WHERE organization_id = :organization_id AND survey_id = :survey_id"
        ),
        {"organization_id": organization_id, "survey_id": survey_id},
    )
    return total


async def open_surveys_not_counted_since(
    session: AsyncSession, organization_id: UUID, today: date
) -> Sequence[Survey]:
    query = select(Survey).where(
        col(Survey.organization_id) == organization_id,
        col(Survey.status) == "open",
        col(Survey.participation_on) < today,
    )
    return (await session.scalars(query.with_for_update(key_share=True))).all()


async def surveys_closed_before(
    session: AsyncSession, organization_id: UUID, moment: datetime
) -> Sequence[UUID]:
    """Those still waiting for their release."""
    query = select(col(Survey.id)).where(
        col(Survey.organization_id) == organization_id,
        col(Survey.status) == "closed",
        col(Survey.closed_at) < moment,
    )
    return (await session.scalars(query)).all()
