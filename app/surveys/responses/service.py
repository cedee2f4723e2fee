"""Storing responses. One and many take the same path; each mode keeps only what it may.

In anonymous mode no row naming a person, no counter and no idempotency record is written in the
transaction that stores a response. A retry with an Idempotency-Key is known by the row's own key,
which is derived from it and replaced by a random one when the survey closes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.core.batches import BatchResult, Done, Effect, batch_result, parse_in_turns, refuse_repeats
from app.core.conditional import NO_STORE
from app.core.database import Row, TenantSession, transaction_time
from app.core.errors import AppError, Fault, pointer
from app.core.gathering import Apart
from app.core.idempotency import JSON, Answer, KeyReused, Once, begin_all, keep_all
from app.core.secrets import Keyring
from app.organizations.errors import UnknownTeam
from app.surveys.audience import queries as audience_queries
from app.surveys.audience import rules as audience_rules
from app.surveys.audience.rules import ORGANIZATION
from app.surveys.invitations import queries as invitation_queries
from app.surveys.questionnaires import queries as questionnaires_queries
from app.surveys.questionnaires.service import frozen_questionnaire
from app.surveys.responses import queries, rules, schemas
from app.surveys.responses.errors import (
    AlreadyResponded,
    AnswerRequired,
    InvalidText,
    InvitationReplaced,
    InvitationRequired,
    InvitationUsed,
    NoAnswers,
    NotInThisMode,
    NotInvited,
    OffScale,
    RespondentNotAllowed,
    RespondentRequired,
    UnknownOption,
    UnknownQuestion,
    UnknownSegment,
)
from app.surveys.service import found_open
from app.tables import Survey

BAD_ANSWERS: dict[str, type[AppError]] = {
    kind.code: kind for kind in (UnknownQuestion, OffScale, UnknownOption, InvalidText)
}


Retries = Callable[[int], tuple[str | None, int]]
"""What a response is known by when it is sent again: the key of its request, and its place in that."""
Location = tuple[UUID, int]
"""The key of a response and the ordinal of its cell."""
Locate = Callable[[int, schemas.ResponseWrite], Location | AppError]


SLOTS: dict[tuple[UUID, str, int | None], rules.Slots] = {}
"""Of surveys that are open: what they ask was frozen when they opened, and nothing changes it."""
MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class Written:
    """Words, and the question that they answer; None for what else somebody wanted to say."""

    key: UUID
    question: str | None
    text: str


@dataclass(frozen=True)
class Placed:
    """A checked response, ready to be stored under its key."""

    index: int
    key: UUID
    cell_ordinal: int
    answers: list[int]
    locale: str | None
    written: Sequence[Written]
    taken_back: Sequence[UUID]
    """The keys of what was written before and is not said any more."""
    is_silent: bool
    """It answers nothing, so it makes no response of who has none."""


@dataclass(frozen=True)
class Stored:
    """What became of one response; `is_repeat` where a retry found it stored already."""

    id: UUID | None
    is_repeat: bool = False


@dataclass(frozen=True)
class Submission:
    """The survey and what its responses are checked and keyed with."""

    session: TenantSession
    survey: Survey
    slots: rules.Slots
    keyring: Keyring
    retries: "Retries"

    @property
    def is_anonymous(self) -> bool:
        return self.survey.mode == "anonymous"

    def response_id(self, key: UUID) -> UUID | None:
        """Nothing that leads back to the row in anonymous mode, nor to the pseudonym in any."""
        if self.is_anonymous:
            return None
        return response_id(self.keyring, self.survey, key)

    async def store(
        self, responses: Sequence[schemas.ResponseWrite | AppError], now: datetime
    ) -> list[Stored | AppError]:
        checked = [one if isinstance(one, AppError) else self.check(one) or one for one in responses]
        good = [one for one in checked if not isinstance(one, AppError)]
        locate = await (self.by_what_was_said(good) if self.is_anonymous else self.by_person(good))
        placed = [
            one if isinstance(one, AppError) else self.place(index, one, locate(index, one))
            for index, one in enumerate(checked)
        ]
        return await self.keep(placed, now)

    def check(self, response: schemas.ResponseWrite) -> AppError | None:
        """What is wrong with a response, as far as it can be told without the database."""
        return self.check_respondent(response) or self.check_answers(response)

    def check_answers(self, response: schemas.Answered) -> AppError | None:
        given = response.given
        if rules.is_silent(self.slots, given) and not self.only_takes_back(response):
            return NoAnswers.at("#/answers")
        bad = rules.check_answers(self.slots, given)
        faults = [Fault(one.code, one.detail, pointer("answers", one.key)) for one in bad]
        if bad:
            return BAD_ANSWERS[bad[0].code](bad[0].detail, errors=faults)
        missing = self.missing(given)
        return answers_required(missing) if missing else None

    def only_takes_back(self, response: schemas.Answered) -> bool:
        """Words of before, if there are any: taken of everybody, else it would tell who has answered."""
        return self.survey.allow_changes and not response.comment and bool(self.unsaid(response))

    def missing(self, given: Mapping[str, rules.Answer]) -> list[str]:
        """None where it may have been answered before: to refuse only who did not would tell who did."""
        return [] if self.survey.allow_changes else rules.missing(self.slots, given)

    def check_respondent(self, response: schemas.ResponseWrite) -> AppError | None:
        if self.is_anonymous:
            if response.respondent is not None:
                return RespondentNotAllowed.at("#/respondent")
            other = next(
                (name for name in response.segments or {} if name not in self.survey.report_by), None
            )
            if other is not None:
                return UnknownSegment.at(pointer("segments", other))
            return self.check_locale(response)
        if response.respondent is None:
            return RespondentRequired.at("#/respondent")
        given = next((name for name in ("team", "segments") if getattr(response, name) is not None), None)
        return NotInThisMode.at(f"#/{given}") if given else None

    def check_locale(self, response: schemas.Answered) -> AppError | None:
        is_told = self.is_anonymous and response.locale is not None
        return NotInThisMode.at("#/locale") if is_told else None

    async def by_person(self, responses: Sequence[schemas.ResponseWrite]) -> Locate:
        names = [response.respondent for response in responses if response.respondent is not None]
        members = await audience_queries.members_by_external_ids(self.session, self.survey.id, names)

        def locate(_: int, response: schemas.ResponseWrite) -> Location | AppError:
            if response.respondent not in members:
                return NotInvited.at("#/respondent")
            person, cell = members[response.respondent]
            return respondent_key(self.keyring, self.survey, person), cell

        return locate

    async def by_what_was_said(self, responses: Sequence[schemas.ResponseWrite]) -> Locate:
        cells = await self.open_cells({response.team for response in responses if response.team is not None})

        def locate(index: int, response: schemas.ResponseWrite) -> Location | AppError:
            if response.team is not None and response.team not in cells.teams:
                return UnknownTeam.at(
                    "#/team", "The survey has no such team: send a team that was there when it opened."
                )
            team = ORGANIZATION if response.team is None else cells.teams[response.team]
            return self.anonymous_key("response", index), cells.cell_of(team, response.segments or {})

        return locate

    async def open_cells(self, teams: set[str]) -> audience_rules.OpenCells:
        dimensions = self.survey.report_by
        categories = (
            await audience_queries.categories_of(self.session, self.survey.id) if dimensions else set()
        )
        rows = await audience_queries.cells_from_teams_up(self.session, self.survey.id, sorted(teams))
        return audience_rules.OpenCells(
            dimensions=dimensions,
            categories=categories,
            teams={row.external_id: row.team for row in rows if row.team != ORGANIZATION},
            parents={row.team: row.parent for row in rows},
            cells={
                (row.team, audience_rules.categories_of(row.segments, dimensions)): row.ordinal
                for row in rows
                if row.ordinal is not None
            },
        )

    def place(self, index: int, response: schemas.Answered, place: Location | AppError) -> Placed | AppError:
        if isinstance(place, AppError):
            return place
        key, cell = place
        answers = rules.encode(self.slots, response.given)
        written = list(self.written(index, key, response))
        unsaid = self.unsaid(response) if self.survey.allow_changes else []
        taken_back = [self.text_key(index, key, question) for question in unsaid]
        is_silent = rules.is_silent(self.slots, response.given)
        return Placed(index, key, cell, answers, response.locale, written, taken_back, is_silent)

    def unsaid(self, response: schemas.Answered) -> list[str | None]:
        """Null is an answer, where it is sent: what is left out stays."""
        questions: list[str | None] = [*rules.texts_taken_back(self.slots, response.given)]
        if response.comment is None and "comment" in response.model_fields_set:
            questions.append(None)
        return questions

    def written(self, index: int, key: UUID, response: schemas.Answered) -> Iterator[Written]:
        if response.comment:
            yield Written(self.text_key(index, key, None), None, response.comment)
        for question, words in rules.texts(self.slots, response.given).items():
            yield Written(self.text_key(index, key, question), question, words)

    def text_keys(self, one: Placed) -> list[UUID]:
        """Of everything that could have been written with it."""
        questions = [None, *self.slots.in_words]
        return [self.text_key(one.index, one.key, question) for question in questions]

    def text_key(self, index: int, key: UUID, question: str | None) -> UUID:
        if self.survey.allow_changes:
            return changeable_key(self.keyring, self.survey.organization_id, self.survey.id, key, question)
        if not self.is_anonymous:
            return uuid4()
        return self.anonymous_key("comment", index, *([] if question is None else [question.encode()]))

    def anonymous_key(self, kind: str, index: int, *more: bytes) -> UUID:
        """Random, or until the survey closes known to whoever sends the same Idempotency-Key again."""
        retry_key, place = self.retries(index)
        if retry_key is None:
            return uuid4()
        parts = (self.survey.id.bytes, retry_key.encode(), place.to_bytes(4, "big"), *more)
        return self.keyring.uuid(self.survey.organization_id, f"anonymous-{kind}", *parts)

    async def keep(self, placed: Sequence[Placed | AppError], now: datetime) -> list[Stored | AppError]:
        """Stores each response whose key is new, and what was written with it."""
        good = [one for one in placed if isinstance(one, Placed)]
        new = await queries.store_responses(
            self.session,
            self.survey.id,
            [
                queries.ResponseRow(one.key, one.cell_ordinal, one.locale, one.answers)
                for one in good
                if not one.is_silent
            ],
            None if self.is_anonymous else now,
            are_changed=self.survey.allow_changes,
        ) | {one.key for one in good if one.is_silent}
        comments = [
            {"id": own.key, "cell_ordinal": one.cell_ordinal, "question": own.question, "text": own.text}
            for one in good
            if one.key in new
            for own in one.written
        ]
        gone = [key for one in good if one.key in new for key in one.taken_back]
        await queries.delete_comments(self.session, self.survey.id, gone)
        await queries.store_comments(self.session, self.survey.id, comments)
        repeated = await self.repeated([one for one in good if one.key not in new])
        return [one if isinstance(one, AppError) else self.outcome(one, new, repeated) for one in placed]

    async def repeated(self, refused: Sequence[Placed]) -> set[UUID]:
        """The keys of those that are stored already just as they are."""
        if not refused or not self.is_anonymous:
            return set()
        stored = await queries.answers_by_key(self.session, self.survey.id, [one.key for one in refused])
        said = await queries.comments_by_key(
            self.session, self.survey.id, [key for one in refused for key in self.text_keys(one)]
        )
        return {
            one.key
            for one in refused
            if stored[one.key] == (one.cell_ordinal, one.answers)
            and {key: said[key] for key in self.text_keys(one) if key in said}
            == {own.key: own.text for own in one.written}
        }

    def outcome(self, one: Placed, new: set[UUID], repeated: set[UUID]) -> Stored | AppError:
        if one.key in new:
            return Stored(self.response_id(one.key))
        if not self.is_anonymous:
            return AlreadyResponded()
        return Stored(None, is_repeat=True) if one.key in repeated else KeyReused()


def answers_required(missing: Sequence[str]) -> AppError:
    detail = AnswerRequired.detail
    faults = [Fault(AnswerRequired.code, detail, pointer("answers", key)) for key in missing]
    return AnswerRequired(detail, errors=faults)


def respondent_key(keyring: Keyring, survey: Survey, person: UUID) -> UUID:
    if survey.mode == "attributed":
        return person
    return pseudonym(keyring, survey.organization_id, person)


def pseudonym(keyring: Keyring, organization_id: UUID, person: UUID) -> UUID:
    return keyring.uuid(organization_id, "pseudonym", person.bytes)


def response_id(keyring: Keyring, survey: Survey, key: UUID) -> UUID:
    return keyring.uuid(survey.organization_id, "response-id", survey.id.bytes, key.bytes)


def changeable_key(
    keyring: Keyring, organization_id: UUID, survey_id: UUID, key: UUID, question: str | None = None
) -> UUID:
    """Of what somebody wrote, until the survey closes: what they write instead must find it."""
    parts = (
        (survey_id.bytes, key.bytes) if question is None else (survey_id.bytes, key.bytes, question.encode())
    )
    return keyring.uuid(organization_id, "changeable-comment", *parts)


def slots_of(questionnaire: dict[str, Any]) -> rules.Slots:
    return rules.Slots(slot_of(question) for question in questionnaire["questions"])


def slot_of(question: dict[str, Any]) -> rules.Slot:
    scale = question.get("scale") or {"low": 0, "high": 0}
    return rules.Slot(
        key=question["key"],
        low=scale["low"],
        high=scale["high"],
        kind=question.get("kind", "scale"),
        options=[option["key"] for option in question.get("options", [])],
        is_required=question.get("required", False),
    )


def of_a_batch(retry_key: str | None) -> Retries:
    return lambda index: (retry_key, index)


def each_alone(retry_keys: Sequence[str | None]) -> Retries:
    """Of responses whose requests are done together."""
    return lambda index: (retry_keys[index], 0)


def retry_key_of(once: Once) -> str | None:
    return None if once.key is None else f"{once.operation} {once.key}"


async def begin(
    session: TenantSession, survey_id: UUID, retries: Retries, keyring: Keyring, now: datetime
) -> Submission:
    submission = await hold_open(session, survey_id, keyring, retries, now)
    if submission.is_anonymous and submission.survey.access == "invited":
        raise InvitationRequired
    return submission


async def hold_open(
    session: TenantSession,
    survey_id: UUID,
    keyring: Keyring,
    retries: Retries,
    now: datetime,
) -> Submission:
    """Holds the survey open until the transaction ends: closing waits, then nothing more is taken."""
    survey = await found_open(session, survey_id, now, lock="read")
    return await to_survey(session, survey, keyring, retries)


async def to_survey(session: TenantSession, survey: Survey, keyring: Keyring, retries: Retries) -> Submission:
    frozen = survey.id, survey.questionnaire, survey.questionnaire_version
    if frozen not in SLOTS:
        SLOTS[frozen] = slots_of((await frozen_questionnaire(session, survey)).content)
        if len(SLOTS) > MOST_REMEMBERED:
            del SLOTS[next(iter(SLOTS))]
    return Submission(session, survey, SLOTS[frozen], keyring, retries)


@dataclass(frozen=True)
class Sent:
    """A response in a request of its own."""

    response: schemas.ResponseWrite
    once_in: Callable[[TenantSession], Once]


@dataclass(frozen=True)
class Accepted:
    body: bytes
    is_repeat: bool = False
    """Of one that was given before."""


def accepted(stored: Stored) -> Accepted:
    told = schemas.ResponseAccepted(id=stored.id, status="accepted")
    return Accepted(told.model_dump_json().encode(), stored.is_repeat)


async def submit_each(
    session: TenantSession, survey_id: UUID, sent: Sequence[Sent], keyring: Keyring
) -> list[Accepted | AppError]:
    """What becomes of each. In anonymous mode no record of an Idempotency-Key is kept."""
    attempts = [one.once_in(session) for one in sent]
    begun = await begin_all(session, attempts)
    fresh = [place for place, refused in enumerate(begun) if refused is None]
    outcomes: dict[int, Accepted | AppError] = {}
    retry_keys = [retry_key_of(attempts[place]) for place in fresh]
    now = await transaction_time(session)
    try:
        opened = await begin(session, survey_id, each_alone(retry_keys), keyring, now)
        stored = await opened.store([sent[place].response for place in fresh], now)
    except AppError as error:
        return [refused or error for refused in begun]
    for place, one in zip(fresh, stored, strict=True):
        outcomes[place] = accepted(one) if isinstance(one, Stored) else one
    if not opened.is_anonymous:
        await keep_all(session, [*kept_answers(attempts, outcomes)])
    return [refused or outcomes[place] for place, refused in enumerate(begun)]


def kept_answers(attempts: Sequence[Once], outcomes: Mapping[int, Accepted | AppError]) -> Iterator[Answer]:
    for place, one in outcomes.items():
        if isinstance(one, Accepted):
            yield Answer(attempts[place], 201, {**JSON, **NO_STORE}, one.body)


async def submit_invited(
    submission: Submission, sent: Sequence[tuple[bytes, schemas.Answered]], now: datetime
) -> list[Accepted | AppError]:
    """Uses the invitations, by hash, and stores the responses: both or neither, and in anonymous mode nothing
    else. Where answers may be changed, the invitations stay until the survey closes.
    """
    session, survey = submission.session, submission.survey
    checked = [submission.check_locale(one) or submission.check_answers(one) for _, one in sent]
    take = invitation_queries.look_up if survey.allow_changes else invitation_queries.use
    good = [token_hash for refused, (token_hash, _) in zip(checked, sent, strict=True) if refused is None]
    if survey.allow_changes and len(set(good)) < len(good):
        raise Apart  # the answers of the second take the place of the first's
    used = await take(session, survey.id, good)

    async def placed(index: int, refused: AppError | None) -> Placed | AppError:
        token_hash, response = sent[index]
        if refused is not None:
            return refused
        if token_hash not in used:
            return await worn_out(session, survey.id, token_hash)
        cell, key = used.pop(token_hash)
        return submission.place(index, response, (key or submission.anonymous_key("response", index), cell))

    ready = [await placed(index, refused) for index, refused in enumerate(checked)]
    outcomes = await submission.keep(ready, now)
    undo_what_is_refused(ready, outcomes)
    return [accepted(one) if isinstance(one, Stored) else one for one in outcomes]


def undo_what_is_refused(ready: Sequence[Placed | AppError], outcomes: Sequence[Stored | AppError]) -> None:
    """Whose invitation is used up by now, though no response came of it: all is undone."""
    pairs = zip(ready, outcomes, strict=True)
    refused = [late for one, late in pairs if isinstance(one, Placed) and isinstance(late, AppError)]
    if refused:
        raise Apart if len(ready) > 1 else refused[0]


async def worn_out(session: TenantSession, survey_id: UUID, token_hash: bytes) -> AppError:
    """What has become of an invitation that is not there any more."""
    is_replaced = await invitation_queries.is_replaced(session, survey_id, token_hash)
    return InvitationReplaced() if is_replaced else InvitationUsed()


async def submit_batch(
    submission: Submission, items: Sequence[Any], limit: int, now: datetime
) -> tuple[BatchResult, bool, list[AppError]]:
    """The answer, whether all of it repeats one given before, and the refusals."""
    parsed = refuse_repeats(
        await parse_in_turns(items, schemas.ResponseWrite, limit), lambda response: response.respondent
    )
    outcomes = await submission.store(parsed, now)
    refused = [one for one in outcomes if isinstance(one, AppError)]
    stored = [one for one in outcomes if isinstance(one, Stored)]
    is_repeat = bool(stored) and all(one.is_repeat for one in stored)
    done = [Done(Effect.CREATED, one.id) if isinstance(one, Stored) else one for one in outcomes]
    return batch_result(items, done), is_repeat, refused


async def readable(
    session: TenantSession, survey: Survey, rows: Sequence[Row[Any]], keyring: Keyring
) -> list[schemas.Response]:
    """Responses of an attributed survey, as they were given."""
    if not rows:
        return []
    questionnaire = await questionnaires_queries.questionnaire_version(
        session, survey.questionnaire, survey.questionnaire_version
    )
    slots = slots_of(questionnaire.content) if questionnaire else []
    return [
        schemas.Response(
            id=response_id(keyring, survey, row.respondent_key),
            respondent=row.respondent,
            team=row.team,
            answers=rules.decode(slots, row.answers),
            locale=row.locale,
            submitted_at=row.submitted_at,
        )
        for row in rows
    ]
