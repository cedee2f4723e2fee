"""A survey's life: draft, open, closed, released; or cancelled before it closes."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.core import audit
from app.core.conditional import Preconditions
from app.core.database import AsyncSession, TenantSession, transaction_time
from app.core.errors import NotFound, validated
from app.core.jobs import enqueue
from app.core.outbox import announce
from app.core.patches import merge_patch
from app.organizations import queries as organizations
from app.surveys import queries, rules, schemas
from app.surveys.audience import queries as audience_queries
from app.surveys.audience.service import check_audience, freeze_audience
from app.surveys.errors import (
    BelowOrganizationMinimum,
    ChangesNotPossible,
    ClosesBeforeOpens,
    InThePast,
    InvalidTransition,
    OpenNeedsAnonymous,
    RollingNeedsIdentity,
    SurveyCancelled,
    SurveyIdTaken,
    SurveyLocked,
    SurveyNotOpen,
)
from app.surveys.invitations import queries as invitation_queries
from app.surveys.invitations.reminders import queries as reminder_queries
from app.surveys.invitations.reminders import rules as reminder_rules
from app.surveys.questionnaires import queries as questionnaires_queries
from app.surveys.questionnaires.errors import UnknownQuestionnaire
from app.surveys.responses import queries as responses_queries
from app.tables import Organization, Survey

OPEN_JOB, CLOSE_JOB, RELEASE_JOB = "open_survey", "close_survey", "release_survey"
REMIND_JOB = "remind_invited"
STATISTICS_JOB = "forget_statistics"
TURNOVER_JOB = "freeze_turnover"
NOT_COUNTED = "not_counted_yet"
RELEASE_PATIENCE = timedelta(minutes=15)
A_WHILE = timedelta(minutes=5)
"""In which more may be destroyed, of which the same samples tell."""
OPEN_FIELDS, RELEASED_FIELDS = {"name", "closes_at"}, {"name", "archived"}
SERVED = set(schemas.SurveyServed.model_fields)
NOT_OF_A_DRAFT = SERVED | {"archived"}


def represent(row: Survey) -> schemas.Survey:
    return schemas.Survey.model_validate(row.model_dump())


async def found(session: TenantSession, survey_id: UUID, *, lock: str | None = None) -> Survey:
    row = await queries.survey(session, survey_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def found_open(
    session: TenantSession, survey_id: UUID, now: datetime, *, lock: str | None = None
) -> Survey:
    row = await found(session, survey_id, lock=lock)
    if row.status == "cancelled":
        raise SurveyCancelled
    if not is_open(row, now):
        raise SurveyNotOpen
    return row


def is_open(row: Survey, now: datetime) -> bool:
    return row.status == "open" and (row.closes_at is None or row.closes_at > now)


async def create_survey(session: TenantSession, wanted: schemas.SurveyWrite, now: datetime) -> schemas.Survey:
    values = wanted.model_dump(exclude=NOT_OF_A_DRAFT)
    check_times(values, now)
    await check_draft(session, wanted)
    row = Survey(organization_id=session.organization_id, id=uuid4(), status="draft", **values)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await schedule(session, row)
    return represent(row)


def check_times(values: Mapping[str, Any], now: datetime) -> None:
    """Those that are set, or set anew: one that has passed since is no fault."""
    for name in ("opens_at", "closes_at"):
        if values.get(name) is not None and values[name] < now:
            raise InThePast.at(f"#/{name}")


async def check_draft(
    session: TenantSession, draft: schemas.SurveyWrite, survey_id: UUID | None = None
) -> None:
    """Everything a draft must be, whether it is new or patched."""
    if draft.access == "open" and draft.mode != "anonymous":
        raise OpenNeedsAnonymous.at("#/access")
    if draft.release_policy == "rolling" and draft.mode == "anonymous":
        raise RollingNeedsIdentity.at("#/release_policy")
    if draft.allow_changes and (draft.mode == "anonymous" or draft.release_policy == "rolling"):
        raise ChangesNotPossible.at("#/allow_changes")
    if draft.opens_at and draft.closes_at and draft.closes_at <= draft.opens_at:
        raise ClosesBeforeOpens.at("#/closes_at")
    organization = await organizations.organization(session)
    if draft.minimum_group_size is not None and draft.minimum_group_size < organization.minimum_group_size:
        raise BelowOrganizationMinimum.at("#/minimum_group_size")
    if await questionnaires_queries.questionnaire_version(session, draft.questionnaire) is None:
        raise UnknownQuestionnaire.at("#/questionnaire")
    await check_audience(session, draft.audience.teams if draft.audience else None)
    if draft.external_id is not None:
        holder = await queries.survey_with_external_id(session, draft.external_id)
        if holder not in (None, survey_id):
            raise SurveyIdTaken.at("#/external_id")


async def update_survey(
    session: TenantSession,
    survey_id: UUID,
    patch: schemas.SurveyPatch,
    conditions: Preconditions,
    now: datetime,
) -> schemas.Survey:
    row = await found(session, survey_id, lock="write")
    current = represent(row)
    conditions.check(current)
    before = current.model_dump(exclude=SERVED)
    wanted = merge_patch(before, patch.model_dump(exclude_unset=True))
    draft = validated(schemas.SurveyWrite, wanted)
    after = draft.model_dump(exclude=SERVED) | {"archived": wanted["archived"]}
    changes = {name: value for name, value in after.items() if value != before[name]}
    if not changes:
        return current
    check_times(changes, now)
    if not is_changeable(row, changes):
        raise SurveyLocked
    if row.status == "draft":
        await check_draft(session, draft, survey_id)
    for name, value in changes.items():
        setattr(row, name, value)
    if "opens_at" in changes:
        row.opening_refused = None
    await _touch(session, row)
    if changes.keys() & {"opens_at", "closes_at"}:
        await schedule(session, row)
        await move_reminders(session, row)
    if "archived" in changes:
        audit.tell_more(session, changed={"archived": [before["archived"], row.archived]})
    return represent(row)


def is_changeable(row: Survey, changes: dict[str, Any]) -> bool:
    if row.status == "draft":
        return "archived" not in changes
    if row.status == "released":
        return changes.keys() <= RELEASED_FIELDS
    return row.status == "open" and is_allowed_while_open(row, changes)


def is_allowed_while_open(row: Survey, changes: dict[str, Any]) -> bool:
    """An open survey takes a name, and a closes_at later than the one it has."""
    if not changes.keys() <= OPEN_FIELDS:
        return False
    if "closes_at" not in changes or row.closes_at is None:
        return "closes_at" not in changes or changes["closes_at"] is not None
    return changes["closes_at"] is not None and changes["closes_at"] > row.closes_at


async def _touch(session: AsyncSession, row: Survey) -> None:
    row.updated_at = await transaction_time(session)
    await session.flush()


async def delete_survey(session: TenantSession, survey_id: UUID, conditions: Preconditions) -> None:
    row = await found(session, survey_id, lock="write")
    conditions.check(represent(row))
    if row.status != "draft":
        raise SurveyLocked
    await queries.delete_survey(session, survey_id)


async def schedule(session: TenantSession, row: Survey) -> None:
    """Jobs for the times the survey acts by itself; one that comes too early puts itself back."""
    times = {"draft": {OPEN_JOB: row.opens_at, CLOSE_JOB: None}, "open": {CLOSE_JOB: row.closes_at}}
    for job, at in times.get(row.status, {}).items():
        if at is not None:
            await enqueue(session, job, row.organization_id, row.id, at=at)


async def move_reminders(session: TenantSession, row: Survey) -> None:
    """Those that are so many days before closing, and have not begun."""
    if row.closes_at is None:
        return
    organization = await organizations.organization(session)
    where = (organization.cards_time, organization.time_zone)
    for one in await reminder_queries.reminders_by_closing(session, row.id):
        due_at = reminder_rules.due_before_close(one.days_before_close, row.closes_at, *where)
        await reminder_queries.move_reminder(session, row.id, one.id, due_at)
        await enqueue(session, REMIND_JOB, row.organization_id, row.id, at=due_at)


def local_date(organization: Organization, now: datetime) -> date:
    return now.astimezone(ZoneInfo(organization.time_zone)).date()


async def open_survey(session: TenantSession, survey_id: UUID, now: datetime) -> Survey:
    """Freezes questionnaire, audience, teams and minimum; repeats harmlessly."""
    row = await found(session, survey_id, lock="write")
    if row.status == "open":
        return row
    if row.status != "draft":
        raise InvalidTransition
    if row.closes_at is not None and row.closes_at <= now:
        raise InThePast("The survey would have closed already: send a later closes_at.")
    organization = await organizations.organization(session, lock=True)
    questionnaire = await questionnaires_queries.questionnaire_version(session, row.questionnaire)
    if questionnaire is None:
        raise UnknownQuestionnaire
    await questionnaires_queries.keep_questionnaire(session, questionnaire)
    today = local_date(organization, now)
    row.questionnaire_version = questionnaire.version
    row.minimum_group_size = max(row.minimum_group_size or 0, organization.minimum_group_size)
    await freeze_audience(session, row, organization.name, row.minimum_group_size, today)
    row.status, row.opened_at, row.opening_refused = "open", now, None
    row.participation_count, row.participation_on = None, today
    await _touch(session, row)
    if row.access == "invited":
        audit.tell_more(session, **await audience_queries.size_of_audience(session, survey_id))
    await schedule(session, row)
    await announce(session, "survey.opened", named(row))
    return row


async def note_refusal(session: TenantSession, survey_id: UUID, code: str) -> None:
    """Of a survey that could not be opened at its time."""
    row = await queries.survey(session, survey_id, lock="write")
    if row and row.status == "draft":
        row.opening_refused = code
        await _touch(session, row)


def named(row: Survey) -> dict[str, Any]:
    """What an event tells of a survey."""
    return {"survey_id": row.id, "external_id": row.external_id}


async def close_survey(session: TenantSession, survey_id: UUID, now: datetime) -> Survey:
    """Waits for submissions under way, takes no more, and asks for the release; repeats harmlessly."""
    row = await found(session, survey_id, lock="write")
    if row.status in ("closed", "released"):
        return row
    if row.status != "open":
        raise InvalidTransition
    if row.mode == "anonymous":
        await responses_queries.shuffle_responses(session, survey_id)
    await responses_queries.shuffle_comments(session, survey_id)
    await invitation_queries.forget_all(session, survey_id)
    row.status, row.closed_at = "closed", now
    if row.release_policy != "rolling":
        row.participation_count = await responses_queries.count_responses(session, survey_id)
    organization = await organizations.organization(session)
    row.participation_on = local_date(organization, now)
    await _touch(session, row)
    await enqueue(session, RELEASE_JOB, session.organization_id, survey_id, is_single=True)
    await announce(session, "survey.closed", named(row))
    return row


async def cancel_survey(session: TenantSession, survey_id: UUID, now: datetime) -> Survey:
    """Waits for submissions under way, and destroys all that was answered; repeats harmlessly."""
    row = await found(session, survey_id, lock="write")
    if row.status == "cancelled":
        return row
    if row.status not in ("draft", "open"):
        raise InvalidTransition
    audit.tell_more(session, was=row.status)
    await queries.destroy_answers(session, survey_id)
    row.status, row.cancelled_at = "cancelled", now
    row.participation_count = row.participation_on = None
    await _touch(session, row)
    own = session.organization_id
    await enqueue(session, STATISTICS_JOB, own, own, at=now + A_WHILE, is_single=True)
    await announce(session, "survey.cancelled", named(row))
    return row


async def ask_again_for_releases(session: TenantSession, now: datetime) -> None:
    """For surveys closed a while ago whose release was given up or lost."""
    for survey_id in await queries.surveys_closed_before(session, now - RELEASE_PATIENCE):
        await enqueue(session, RELEASE_JOB, session.organization_id, survey_id, is_single=True)


async def participation(session: TenantSession, survey_id: UUID) -> schemas.SurveyParticipation:
    row = await found(session, survey_id)
    if row.status == "cancelled":
        raise SurveyCancelled
    if row.participation_on is None or row.minimum_group_size is None:
        raise SurveyNotOpen
    has_frame = row.access == "invited"
    invited = await audience_queries.count_invited(session, survey_id) if has_frame else None
    responded = row.participation_count
    reasons = (
        uncounted(has_frame=has_frame)
        if responded is None
        else why_untold(invited, responded, row.minimum_group_size)
    )
    return schemas.SurveyParticipation(
        invited=None if "invited" in reasons else invited,
        responded=None if "responded" in reasons else responded,
        as_of=row.participation_on,
        reasons=reasons,
    )


def uncounted(*, has_frame: bool) -> dict[str, str]:
    """Of the day it was opened: whoever answers, nobody is counted before the next."""
    return {"invited": NOT_COUNTED if has_frame else "no_frame", "responded": NOT_COUNTED}


def why_untold(invited: int | None, responded: int, minimum: int) -> dict[str, str]:
    """Under the minimum neither number, for one reason whatever they are: one that came and went with a
    silent person would be what they did (R8)."""
    reasons = {"responded": "below_minimum"} if responded < minimum else {}
    if invited is None:
        return {"invited": "no_frame"} | reasons
    if reasons:
        return {"invited": "below_minimum"} | reasons
    return {"invited": "few_silent"} if rules.silent_few(invited, responded) else {}


async def count_participation(session: TenantSession, now: datetime) -> None:
    """Counts the open surveys not yet counted today, the organisation's; a rolling one is released again.

    That counts those its release stands on: all who answered, less these, would be whom it holds back (R2).
    """
    organization = await organizations.organization(session)
    today = local_date(organization, now)
    for row in await queries.open_surveys_not_counted_since(session, today):
        row.participation_on = today
        if row.release_policy == "rolling":
            row.participation_count = row.participation_count or 0
            await enqueue(session, RELEASE_JOB, session.organization_id, row.id)
        else:
            row.participation_count = await responses_queries.count_responses(session, row.id)
        await session.flush()
        told = await participation(session, row.id)
        data = {"survey_id": row.id, **told.model_dump(mode="json")}
        await announce(session, "survey.participation", data)
