"""Article 17: what is kept of a person goes, or loses whose it is, in one transaction.

Released numbers stay as they are (disclosure.md R11). The cell a person was asked in counts that one was
erased, so that what comes later can be withheld where it would tell of that one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

from app.core.audit import person_mark
from app.core.database import AsyncSession, Row, TenantSession
from app.core.errors import NotFound
from app.core.jobs import enqueue
from app.core.outbox import announce
from app.core.secrets import Keyring, token_hash
from app.people.persons import queries as people
from app.people.persons.errors import no_person
from app.privacy import queries as privacy_queries
from app.privacy.erasure import queries
from app.privacy.erasure.schemas import Erasure
from app.privacy.schemas import Missing
from app.recognition import service as recognition
from app.surveys.invitations.tokens import recipient_key, token_of
from app.surveys.questionnaires.queries import questionnaire_version
from app.surveys.responses.service import changeable_key, pseudonym, slots_of
from app.surveys.service import A_WHILE, STATISTICS_JOB

BLANK = "[...]"
SPACE = "[\\s\u00a0]+"
SHORTEST_ANYWHERE, SHORTEST_PART = 3, 2
"""A letter alone is a word of many texts."""
LEFT = [
    Missing(what="anonymous_answers", reason="cannot_be_found"),
    Missing(what="comments", reason="found_until_closed"),
    Missing(what="texts", reason="found_until_closed"),
    Missing(what="released_numbers", reason="never_recomputed"),
    Missing(what="former_names", reason="not_known"),
    Missing(what="names_of_things", reason="not_looked_for"),
    Missing(what="audit_log", reason="keyed_hash"),
    Missing(what="undelivered_events", reason="until_delivered"),
    Missing(what="database_files", reason="until_cleaned"),
]


@dataclass(frozen=True)
class Subject:
    """The person an erasure is about."""

    organization_id: UUID
    id: UUID
    external_id: str
    name: str
    email: str | None
    keyring: Keyring

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "person_id": self.id,
            "external_id": self.external_id,
            "email": self.email,
            "pseudonym": self.pseudonym,
            "modes": ["attributed", "confidential"],
            "address_since": None,
        }

    @property
    def known(self) -> list[str]:
        """What texts may call them by."""
        return [one for one in (self.name, self.email) if one]

    @property
    def pseudonym(self) -> UUID:
        return pseudonym(self.keyring, self.organization_id, self.id)


async def erase_person(session: TenantSession, external_id: str, keyring: Keyring) -> Erasure:
    """Repeats harmlessly."""
    mark = person_mark(keyring, session.organization_id, external_id)
    person_id = await queries.hold_person(session, external_id)
    if person_id is None:
        erased_at = await queries.erased_at(session, mark)
        if erased_at is None:
            raise no_person(external_id)
        return represent(erased_at)
    [row] = await people.people(session, [external_id])
    subject = Subject(session.organization_id, person_id, external_id, row["name"], row["email"], keyring)
    await _forget_answers(session, subject)
    await _forget_names(session, subject)
    await recognition.erase_person(session, person_id)
    needles = queries.needles([external_id], subject.known)
    more = {"needles": needles, "identifier": whole_words([external_id])}
    await queries.forget(session, {**subject.parameters, **more})
    await people.delete_person(session, person_id)
    erased_at = await queries.mark(session, mark)
    await announce(session, "person.erased", {"external_id": external_id})
    await sample_after(session, erased_at)
    return represent(erased_at)


async def sample_after(session: TenantSession, moment: datetime) -> None:
    """Of what was destroyed then the planner's samples tell no longer, before long."""
    own = session.organization_id
    await enqueue(session, STATISTICS_JOB, own, own, at=moment + A_WHILE, is_single=True)


async def ask_again_for_samples(session: TenantSession) -> None:
    """For those whose job was given up, or ended as somebody was erased."""
    newest = await queries.newest_loss(session)
    if newest is not None and await queries.tables_sampled_before(session, newest):
        await sample_after(session, newest)


def represent(erased_at: datetime) -> Erasure:
    return Erasure(erased_at=erased_at, not_erased=LEFT)


async def allow_again(session: TenantSession, external_id: str, keyring: Keyring) -> None:
    mark = person_mark(keyring, session.organization_id, external_id)
    if not await queries.unmark(session, mark):
        raise NotFound(f"Nobody was erased as {external_id}.")


# -------------------------------------------------------------------------------------------- answers


async def _forget_answers(session: TenantSession, subject: Subject) -> None:
    for survey in await queries.hold_surveys_of(session, subject.parameters):
        await _forget_invitation(session, subject, survey)
        if survey.status == "released" and survey.mode != "anonymous":
            await queries.count_erased(session, survey.id, subject.id)
    for response in await privacy_queries.rows(session, privacy_queries.RESPONSES, subject.parameters):
        if response.status != "released" and response.included_in is not None:
            await queries.unlink_response(session, response, key_like_others(response.mode))
            continue
        await queries.delete_response(session, response)
        if response.allow_changes:
            await _forget_texts(session, subject, response)


async def _forget_texts(session: TenantSession, subject: Subject, response: Row[Any]) -> None:
    """What they wrote and may still change."""
    questionnaire = await questionnaire_version(
        session, response.questionnaire, response.questionnaire_version
    )
    in_words = slots_of(questionnaire.content).in_words if questionnaire else []
    parts = (session.organization_id, response.survey_id, response.respondent_key)
    for question in (None, *in_words):
        key = changeable_key(subject.keyring, *parts, question)
        await queries.delete_comment(session, response, key)


def key_like_others(mode: str) -> UUID:
    """A key of nobody, with the form of those of its survey: ids have a version, MACs have none."""
    return uuid4() if mode == "attributed" else UUID(bytes=token_bytes(16))


async def _forget_invitation(session: AsyncSession, subject: Subject, survey: Row[Any]) -> None:
    scope = (subject.organization_id, survey.id)
    where = {**subject.parameters, "survey_id": survey.id}
    keys = {"attributed": subject.id, "confidential": subject.pseudonym}
    recipient = recipient_key(subject.keyring, *scope, subject.id)
    nonce = await queries.forget_delivery(session, where, recipient)
    token = None if nonce is None else token_hash(token_of(subject.keyring, *scope, nonce))
    await queries.forget_invitation(session, where, keys.get(survey.mode), token)


# --------------------------------------------------------------------------------------- what was said


async def _forget_names(session: AsyncSession, subject: Subject) -> None:
    """The whole name and the addresses anywhere; in what is about the person also parts of the name."""
    handles = await privacy_queries.rows(session, privacy_queries.CHAT_IDENTITIES, subject.parameters)
    known = [*subject.known, *(row.chat_id for row in handles)]
    if whole := [one for one in known if len(one.strip()) >= SHORTEST_ANYWHERE]:
        await queries.replace_names(session, subject.parameters, whole_words(whole), BLANK)
    if parts := name_parts(subject.name):
        await queries.replace_name_parts(session, subject.parameters, whole_words(parts), BLANK)


def name_parts(name: str) -> list[str]:
    """Those that are names by themselves: not the `van der` between."""
    parts = re.findall(r"\w[\w'’-]*", name)
    return [part for part in parts if part[0].isupper() and len(part) >= SHORTEST_PART]


def whole_words(texts: Sequence[str]) -> str:
    """A regular expression of PostgreSQL's: any of the texts, with any space in it, and a possessive s.

    In each case that is usual, because what a database takes for the same letter depends on its locale.
    """
    cased = {one for text in texts for one in (text, text.upper(), text.lower(), text.title())}
    escaped = {SPACE.join(re.escape(word) for word in text.split()) for text in cased}
    longest_first = sorted(escaped, key=lambda one: (-len(one), one))
    return rf"(?<!\w)(?:{'|'.join(longest_first)})(?:['’]?s)?(?!\w)"
