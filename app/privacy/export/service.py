"""Article 15: what is kept of a person. Confidential answers are shown to who gave them, and nobody else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.auth.rules import PROVEN
from app.calendar import queries as calendar
from app.calendar.feeds.schemas import CalendarFeed
from app.calendar.reminders.schemas import Reminder
from app.calendar.service import represent as represent_occasion
from app.calendar.service import represent_celebrations
from app.core import audit
from app.core.audit import person_mark
from app.core.database import Executable, Row, TenantSession
from app.core.errors import NotFound
from app.core.languages import language_of
from app.core.schema import Schema
from app.core.secrets import Keyring
from app.organizations.queries import organization
from app.people.persons.errors import no_person
from app.people.persons.service import read_person
from app.privacy import queries as privacy_queries
from app.privacy.audit_log.schemas import AuditEntry
from app.privacy.export import queries, schemas
from app.privacy.schemas import Missing
from app.recognition import queries as recognition
from app.recognition import service as recognitions
from app.recognition.schemas import Recognition
from app.surveys.invitations.tokens import recipient_key
from app.surveys.questionnaires import queries as surveys
from app.surveys.respond.words import usual_labels
from app.surveys.responses.rules import Answer, decode
from app.surveys.responses.service import changeable_key, pseudonym, slots_of

OWN_LINK = "answers_link"
"""Who acts where a person opens the link to their own answers."""
EVERYTHING = 10**9
"""A limit that nobody's list reaches."""
LEFT_OUT = [
    Missing(what="confidential_answers", reason="by_link_only"),
    Missing(what="anonymous_answers", reason="cannot_be_found"),
    Missing(what="comments", reason="found_until_closed"),
    Missing(what="texts", reason="found_until_closed"),
]


async def export_person(
    session: TenantSession, external_id: str, keyring: Keyring, now: datetime
) -> schemas.PersonExport:
    person_id = await calendar.person_id(session, external_id)
    if person_id is None:
        raise no_person(external_id)
    person = await read_person(session, external_id)
    asked = await _surveys(session, person_id, keyring)
    parameters = {
        "person_id": person_id,
        "external_id": external_id,
        "email": person.email,
        "mark": person_mark(keyring, session.organization_id, external_id),
        "surveys": [str(survey.id) for survey in asked if survey.mode == "attributed"],
    }

    async def listed(query: Executable, model: type[Schema]) -> list[Any]:
        found = await privacy_queries.rows(session, query, parameters)
        return [model.model_validate(row, from_attributes=True) for row in found]

    days = await calendar.occasions_after(session, person_id, "", EVERYTHING)
    settings = await calendar.celebrations(session, person_id)
    return schemas.PersonExport(
        exported_at=now,
        person=person,
        history=await listed(queries.HISTORY, schemas.ExportedPast),
        scim=await listed(queries.SCIM_USERS, schemas.ExportedScimUser),
        scim_groups=await listed(queries.SCIM_GROUPS, schemas.ExportedGroup),
        manages=list(await queries.names(session, queries.MANAGES, parameters)),
        leads=list(await queries.names(session, queries.LEADS, parameters)),
        occasions=[represent_occasion(day) for day in days],
        celebrations=None if settings is None else represent_celebrations(settings),
        cards=await listed(queries.CARDS, schemas.ExportedCard),
        wishes=await listed(queries.WISHES, schemas.WrittenWish),
        reminders=await listed(queries.REMINDERS, Reminder),
        digests=await listed(queries.DIGESTS, schemas.ExportedDigest),
        unsubscribed_at=await queries.unsubscribed_at(session, parameters),
        newsletters=await listed(queries.NEWSLETTERS, schemas.ExportedNewsletter),
        feeds=await listed(queries.FEEDS, CalendarFeed),
        api_keys=await listed(queries.API_KEYS, schemas.ExportedApiKey),
        chat_identities=await listed(privacy_queries.CHAT_IDENTITIES, schemas.ChatName),
        recognitions_given=await _events(session, giver=external_id),
        recognitions_received=await _events(session, receiver=external_id),
        reactions=await listed(queries.REACTIONS, schemas.ExportedReaction),
        surveys=asked,
        responses=await responses(session, person_id, person.locale, ["attributed"], keyring),
        import_lines=await listed(queries.IMPORT_LINES, schemas.ExportedImportLine),
        audit=await listed(queries.TOLD_OF, AuditEntry),
        not_included=LEFT_OUT,
    )


async def _events(
    session: TenantSession, *, giver: str | None = None, receiver: str | None = None
) -> list[Recognition]:
    filters = recognition.Filters(
        giver=giver, receiver=receiver, since=None, until=None, value=None, reply_to=None, team=None
    )
    rows = await recognition.events_before(session, filters, None, None, EVERYTHING)
    return [recognitions.represent(row) for row in rows]


async def _surveys(session: TenantSession, person_id: UUID, keyring: Keyring) -> list[schemas.ExportedSurvey]:
    """Where the person was asked. Whether they answered is not among it: only attributed surveys know."""
    parameters = {"person_id": person_id}
    found = []
    for row in await privacy_queries.rows(session, queries.SURVEYS, parameters):
        key = recipient_key(keyring, session.organization_id, row.id, person_id)
        is_issued = await queries.is_issued(session, row.id, key)
        found.append(schemas.ExportedSurvey(**row._mapping, invitation_issued=is_issued))
    return found


async def responses(
    session: TenantSession,
    person_id: UUID,
    locale: str | None,
    modes: Sequence[str],
    keyring: Keyring,
    address_since: datetime | None = None,
) -> list[schemas.ExportedResponse]:
    """What the person answered in surveys of these modes that opened since, in their language."""
    language = language_of(locale, (await organization(session)).locale)
    rows = await _responses(session, person_id, modes, keyring, address_since)
    return [await _readable(session, row, language) for row in rows]


async def _responses(
    session: TenantSession,
    person_id: UUID,
    modes: Sequence[str],
    keyring: Keyring,
    address_since: datetime | None,
) -> Sequence[Row[Any]]:
    parameters = {
        "person_id": person_id,
        "pseudonym": pseudonym(keyring, session.organization_id, person_id),
        "modes": list(modes),
        "address_since": address_since,
    }
    return await privacy_queries.rows(session, privacy_queries.RESPONSES, parameters)


async def written(
    session: TenantSession, person_id: UUID, keyring: Keyring, address_since: datetime | None
) -> list[schemas.OwnWords]:
    """What the person wrote and may still change; of all else nothing leads to who wrote it."""
    modes = ["attributed", "confidential"]
    found = await _responses(session, person_id, modes, keyring, address_since)
    return [
        words
        for row in found
        if row.allow_changes and row.status == "open"
        for words in await _written(session, row, keyring)
    ]


async def _written(session: TenantSession, row: Row[Any], keyring: Keyring) -> list[schemas.OwnWords]:
    questionnaire = await surveys.questionnaire_version(session, row.questionnaire, row.questionnaire_version)
    in_words = slots_of(questionnaire.content).in_words if questionnaire else []
    keys = {
        question: changeable_key(
            keyring, session.organization_id, row.survey_id, row.respondent_key, question
        )
        for question in (None, *in_words)
    }
    words = await queries.words_of(session, row.survey_id, list(keys.values()))
    return [
        schemas.OwnWords(survey=row.survey_id, name=row.name, question=question, words=words[key])
        for question, key in keys.items()
        if key in words
    ]


async def _readable(session: TenantSession, row: Row[Any], language: str) -> schemas.ExportedResponse:
    questionnaire = await surveys.questionnaire_version(session, row.questionnaire, row.questionnaire_version)
    questions = questionnaire.content["questions"] if questionnaire else []
    given = decode(slots_of({"questions": questions}), row.answers)
    return schemas.ExportedResponse(
        survey=row.survey_id,
        name=row.name,
        mode=row.mode,
        questionnaire=row.questionnaire,
        questionnaire_version=row.questionnaire_version,
        submitted_at=row.submitted_at,
        locale=row.locale,
        answers=[
            schemas.OwnAnswer(
                question=one["key"],
                text=worded(one["text"], language),
                answer=in_words(given[one["key"]], one, language),
                label=label_of(given[one["key"]], one, language),
            )
            for one in questions
            if one["key"] in given
        ],
    )


def in_words(answer: Answer, question: Mapping[str, Any], language: str) -> Answer:
    """What was chosen as it was read."""
    said = {option["key"]: worded(option["text"], language) for option in question.get("options", [])}
    if isinstance(answer, list):
        return [said[option] for option in answer]
    return said[answer] if isinstance(answer, str) else answer


def label_of(answer: Answer, question: Mapping[str, Any], language: str) -> str | None:
    """As its reader was told what it means."""
    scale = question.get("scale")
    if scale is None or not isinstance(answer, int):
        return None
    labels = scale.get("labels") or {}
    own = labels.get(language) or next(iter(labels.values()), None)
    asked = worded(question["text"], language)
    told = own or usual_labels(question["facet"], asked, language, scale["low"], scale["high"])
    return told.get(str(answer))


def worded(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or next(iter(texts.values()))


async def show_answers(
    session: TenantSession, token_hash: bytes, keyring: Keyring, now: datetime
) -> schemas.OwnAnswers:
    """The confidential answers of the person the link was mailed to; the link is used up."""
    whose = await queries.use_link(session, token_hash, now)
    if whose is None:
        raise NotFound
    since = None if whose.email_since <= now - PROVEN else whose.email_since
    mark = person_mark(keyring, session.organization_id, whose.external_id)
    await audit.record(session, OWN_LINK, "show_answers", person=mark)
    return schemas.OwnAnswers(
        exported_at=now,
        person=whose.external_id,
        responses=await responses(session, whose.id, whose.locale, ["confidential"], keyring, since),
        written=await written(session, whose.id, keyring, since),
        not_included=[one for one in LEFT_OUT if one.what != "confidential_answers"],
    )
