"""Which mails are planned, and what stands in each: nothing the API would not tell of the same groups."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from app.auth import queries as auth
from app.auth.rules import latest
from app.calendar import rules
from app.calendar.queries import PageStart, occurrences_after
from app.calendar.reminders.service import line_of
from app.charts import service as charts
from app.charts.kinds.scores import quadrants
from app.charts.look import Look
from app.charts.parts import Json
from app.core.database import Row, TenantSession
from app.core.languages import language_of
from app.core.press import Unprinted
from app.core.secrets import Keyring
from app.mail import windows
from app.mail.dispatcher import Draft, Undeliverable
from app.mail.message import Mail
from app.mail.planned import Compose
from app.metrics.definitions import document
from app.metrics.names import HEADLINE
from app.metrics.recognition import service as recognition_service
from app.metrics.schemas import Group as ToldGroup
from app.metrics.schemas import (
    GroupInsufficient,
    GroupOk,
    GroupRef,
    GroupSuppressed,
    GroupUndefined,
    Header,
    HeadlineOk,
    SatisfactionEngagement,
)
from app.metrics.schemas.recognition import RecognitionGroupOk, RecognitionOk
from app.metrics.views import groups as metrics
from app.newsletter import queries
from app.newsletter.rendering import (
    Celebrations,
    Group,
    Issue,
    Letter,
    Picture,
    Results,
    html_of,
    invitation,
    newsletter,
    text_of,
)
from app.newsletter.service import CONFIRM, CONFIRM_WITHIN, INVITATION, UNSUBSCRIBE
from app.organizations.errors import UnknownTeam
from app.organizations.queries import organization as find_organization
from app.people.teams.queries import team_and_below
from app.recognition.rules import month_end, months_before
from app.tables import Organization

AHEAD = timedelta(days=1)
PICTURE_WIDTH = 528
PATIENCE = timedelta(days=3)
"""How late an issue is still sent; it is about a month, not about a day."""

Shown = TypeVar("Shown", RecognitionOk, HeadlineOk)

KnownCounts = dict[date, int]
"""How many days an organisation celebrates in the month from a date on, counted once for all readers."""


@dataclass(frozen=True)
class Reader:
    """Who reads, when by the clock of the place, and which teams they lead."""

    subscription: Row[Any]
    organization: Organization
    language: str
    today: date
    teams: Sequence[str]
    stands: datetime
    """What was written later about who reads, leads or manages tells them nothing yet (R14)."""

    @property
    def is_colleague(self) -> bool:
        return self.subscription.person_id is not None


# ------------------------------------------------------------------ planning


async def plan_issues(session: TenantSession, now: datetime) -> None:
    """The issue of this month for whoever confirmed; who never did is forgotten."""
    await queries.forget_unconfirmed(session, now - CONFIRM_WITHIN)
    organization = await find_organization(session)
    rows: list[dict[str, object]] = []
    for day in issue_days(organization.newsletter_day, now):
        for reader in await queries.confirmed(session, organization, day):
            send_at = windows.window(day, organization.cards_time, reader.time_zone).send_at
            expires_at = send_at + PATIENCE
            if reader.is_here and expires_at > now and send_at <= now + AHEAD:
                issue = {"subscription_id": reader.id, "issue": f"{day:%Y-%m}"}
                rows.append({**issue, "send_at": send_at, "expires_at": expires_at})
    names = ("subscription_id", "issue", "send_at", "expires_at")
    await queries.plan(session, {name: [row[name] for row in rows] for name in names})


def issue_days(day_of_month: int | None, now: datetime) -> list[date]:
    """Those that are near, anywhere on earth."""
    first, last = windows.days_somewhere(now)
    days = (
        first - PATIENCE + timedelta(number) for number in range((last + AHEAD - first + PATIENCE).days + 1)
    )
    return [day for day in days if day.day == day_of_month]


# ------------------------------------------------------------------ writing


def composer(keyring: Keyring, public_url: str) -> Compose:
    """For the mails of one organisation."""
    known: KnownCounts = {}

    async def compose(session: TenantSession, mail: Row[Any]) -> Mail | Draft:
        """What there is to tell now; a subscription ended since, or a team handed over, counts."""
        organization = await find_organization(session)
        found = await reader_of(session, organization, mail)
        is_invitation = mail.issue == INVITATION
        purpose = CONFIRM if is_invitation else UNSUBSCRIBE
        token = keyring.address_token(organization.id, purpose, mail.subscription_id)
        link = f"{public_url.rstrip('/')}/v1/newsletter/{purpose.split()[1]}/{token}"
        if is_invitation:
            letter = invitation(found.language, organization.name, found.subscription.name, link)
            return as_mail(mail, found, letter, None)
        issue = await issue_of(session, found, known)
        return partial(printed_mail, session.organization_id, mail, found, issue, link)

    return compose


async def printed_mail(whose: UUID, mail: Row[Any], reader: Reader, issue: Issue, link: str) -> Mail:
    """With its picture, which no transaction waits for."""
    if issue.results is not None:
        results = replace(issue.results, picture=await picture_of(whose, issue.results.drawing))
        issue = replace(issue, results=results)
    letter = newsletter(reader.language, issue, link)
    return as_mail(mail, reader, letter, link, issue.results.picture if issue.results else None)


def as_mail(
    mail: Row[Any], reader: Reader, letter: Letter, unsubscribe: str | None, picture: Picture | None = None
) -> Mail:
    return Mail(
        key=str(mail.id),
        to=reader.subscription.email,
        subject=letter.subject,
        text=text_of(letter),
        html=html_of(letter),
        picture=picture.png if picture else None,
        language=reader.language,
        sender=reader.organization.card_sender,
        unsubscribe=unsubscribe,
    )


async def reader_of(session: TenantSession, organization: Organization, mail: Row[Any]) -> Reader:
    day = windows.local_day(mail.send_at, organization.time_zone)
    found = await queries.reader(session, organization, mail.subscription_id, day)
    if found.status != ("pending" if mail.issue == INVITATION else "confirmed"):
        raise Undeliverable("cancelled", "not_subscribed")
    if not found.is_here:
        raise Undeliverable("cancelled", "not_employed")
    if found.email is None:
        raise Undeliverable("no_address", "no_address")
    before = latest(found.created_at, mail.now)
    if found.email_since is not None and found.email_since > before:
        raise Undeliverable("cancelled", "new_address")
    language = language_of(found.locale, organization.locale)
    today = windows.local_day(mail.send_at, found.time_zone)
    led = {} if found.external_id is None else await auth.teams_led_by(session, found.external_id)
    teams = [team for team, since in led.items() if since <= before]
    return Reader(found, organization, language, today, teams, before)


async def issue_of(session: TenantSession, reader: Reader, known: KnownCounts) -> Issue:
    month = months_before(reader.today, 1)
    return Issue(
        organization=reader.organization.name,
        name=reader.subscription.name,
        celebrations=await celebrations(session, reader, known),
        recognition_month=month,
        recognition=await recognition(session, reader, month),
        results=await results(session, reader),
    )


async def celebrations(session: TenantSession, reader: Reader, known: KnownCounts) -> Celebrations:
    """All of them as a number; by name those in the reader's teams and of who reports to them."""
    organization, first = reader.organization, reader.today
    last = first + timedelta(month_end(first).day - 1)
    days, start = list(rules.kept_days(first, last)), PageStart(first)
    if first not in known:
        known[first] = len(await occurrences_after(session, organization, days, None, start, None))
    if not reader.is_colleague:
        return Celebrations(first, last, known[first], None)
    teams, reports = await circle(session, reader)
    near = [
        *await occurrences_after(session, organization, days, teams, start, None),
        *await occurrences_after(session, organization, days, None, start, None, person_ids=reports),
    ]
    by_place = {(row.kept_on, row.external_id, row.key): row for row in near}
    own = reader.subscription.external_id
    lines = [line_of(reader.language, by_place[place]) for place in sorted(by_place) if place[1] != own]
    return Celebrations(first, last, known[first], lines)


async def circle(session: TenantSession, reader: Reader) -> tuple[list[UUID], Sequence[UUID]]:
    """The reader's own team with those they lead and all below them; and who reports to them."""
    own = reader.subscription
    teams = [] if own.team_id is None else [own.team_id]
    for team in reader.teams:
        teams += await team_and_below(session, team)
    return teams, await queries.reporting_to(session, own.external_id, reader.stands)


async def recognition(session: TenantSession, reader: Reader, month: date) -> list[Group[RecognitionOk]]:
    window = recognition_service.window_of(month, month_end(month), reader.today)
    asked = (session, window)
    found = await recognition_service.groups(*asked, ["organization"], None)
    for team in reader.teams:
        found += await recognition_service.groups(*asked, ["team"], team)
    rows = [
        (one.group, one if isinstance(one, RecognitionGroupOk) else why_hidden(one, reader.language))
        for one in found
    ]
    return once_each(rows)


async def results(session: TenantSession, reader: Reader) -> Results | None:
    """Of the newest release, as frozen; a team that was not there then is not told of."""
    try:
        survey, release = await metrics.release_to_show(session, None, None)
    except metrics.NoReleasedSurvey:
        return None
    found = await metrics.read(session, release, HEADLINE, ["organization"], None)
    whole = found[0]
    for team in reader.teams:
        with suppress(UnknownTeam):
            found += await metrics.read(session, release, HEADLINE, ["team"], team)
    rows = [
        (one.group, one if isinstance(one, GroupOk) else why_hidden(one, reader.language)) for one in found
    ]
    return Results(
        drawing=drawing_of(metrics.header(survey, release), found, reader.language),
        survey=survey.name,
        released_on=windows.local_day(release.released_at, reader.organization.time_zone),
        groups=once_each(rows),
        is_distinct=not (isinstance(whole, GroupOk) and "not_distinct" in whole.reasons.values()),
    )


def drawing_of(header: Header, found: Sequence[ToldGroup], language: str) -> Json | None:
    """Where the groups stand that the reader is told of; none where it cannot be drawn."""
    if not charts.can_draw():
        return None
    groups = list({one.group.id: one for one in found}.values())
    answer = SatisfactionEngagement(**header, distinctness=None, reasons={}, groups=groups)
    return quadrants(answer, Look(language, "light", PICTURE_WIDTH))


async def picture_of(whose: UUID, drawn: Json | None) -> Picture | None:
    if drawn is None:
        return None
    with suppress(Unprinted):
        png = await charts.picture(drawn, "png", whose, is_request=False)
        return Picture(png, drawn["description"])
    return None


def why_hidden(told: GroupSuppressed | GroupInsufficient | GroupUndefined, language: str) -> str:
    return str(document()["labels"]["reasons"][told.reason][language])


def once_each(rows: Iterable[tuple[GroupRef, Shown | str]]) -> list[Group[Shown]]:
    """As the API answers it; of one without numbers the reason in words."""
    groups: dict[str | None, Group[Shown]] = {}
    for ref, told in rows:
        depth = ref.depth + 1 if ref.kind == "team" else 0
        if isinstance(told, str):
            groups[ref.id] = Group(ref.name, depth, None, told)
        else:
            groups[ref.id] = Group(ref.name, depth, told)
    return list(groups.values())
