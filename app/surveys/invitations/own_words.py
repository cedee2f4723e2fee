"""Whether what an organisation wrote for its mails can be mailed."""

from collections.abc import Iterable, Iterator

from app.core.errors import Fault, Unprocessable, pointer
from app.mail.letters import LINK, places, stray_braces
from app.surveys.invitations.errors import (
    BraceAlone,
    LinkMissing,
    NoClosingDate,
    NoLinkToRemindWith,
    UnknownPlaceholder,
)
from app.surveys.invitations.letters import OWN
from app.surveys.invitations.schemas import MailWords, ReminderWords
from app.tables import Survey


def check_words(survey: Survey, wanted: MailWords) -> None:
    """All that is wrong with them at once."""
    reminder = wanted.reminder or ReminderWords()
    refuse([*faults_in(survey, wanted), *faults_of_reminder(survey, reminder, "reminder")])


def check_words_of_reminder(survey: Survey, wanted: ReminderWords) -> None:
    refuse([*faults_of_reminder(survey, wanted)])


def refuse(faults: list[Fault]) -> None:
    if faults:
        raise Unprocessable(faults[0].detail, code=faults[0].code, errors=faults)


def faults_of_reminder(survey: Survey, words: ReminderWords, *within: str) -> Iterator[Fault]:
    return faults_in(survey, words, *within, is_linked=survey.mode != "anonymous")


def faults_in(survey: Survey, words: ReminderWords, *within: str, is_linked: bool = True) -> Iterator[Fault]:
    """`is_linked`: whether such a mail leads to the survey."""
    for language, text in (words.subject or {}).items():
        place = pointer(*within, "subject", language)
        yield from faults_of(survey, text, place, is_text=False, is_linked=False)
    for language, text in (words.text or {}).items():
        place = pointer(*within, "text", language)
        yield from faults_of(survey, text, place, is_text=True, is_linked=is_linked)


def faults_of(survey: Survey, text: str, place: str, *, is_text: bool, is_linked: bool) -> Iterable[Fault]:
    used = places(text)
    for one in used:
        if one not in OWN or (one == LINK and not is_linked):
            yield unknown(one, place, is_text=is_text)
    if stray_braces(text):
        yield Fault(BraceAlone.code, BraceAlone.detail, pointer=place)
    if is_linked and LINK not in used:
        yield Fault(LinkMissing.code, LinkMissing.detail, pointer=place)
    if "closes_on" in used and survey.closes_at is None:
        yield Fault(NoClosingDate.code, NoClosingDate.detail, pointer=place)


def unknown(used: str, place: str, *, is_text: bool) -> Fault:
    if used == LINK and is_text:
        return Fault(NoLinkToRemindWith.code, NoLinkToRemindWith.detail, pointer=place)
    said = f"There is no {{{used}}}. {UnknownPlaceholder.detail}"
    return Fault(UnknownPlaceholder.code, said, pointer=place)
