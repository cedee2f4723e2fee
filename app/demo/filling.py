"""Fills the demo organisation in one transaction, through the services all data goes through."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from rich.progress import Progress

from app.auth.principal import Principal, Scope
from app.calendar import service as calendar
from app.calendar.cards import service as cards
from app.calendar.feeds import service as feeds
from app.calendar.feeds.schemas import CalendarFeedWrite
from app.calendar.reminders import service as reminders
from app.calendar.reminders.schemas import ReminderWrite
from app.calendar.schemas import OccasionWrite
from app.core.batches import BatchResult, batch_result, parse_items
from app.core.conditional import Preconditions
from app.core.database import TenantSession
from app.core.secrets import Keyring
from app.core.settings import Settings
from app.demo import asking, queries
from app.demo.company import Company, script
from app.demo.results import kpi_values, kpis
from app.demo.thanks import recognitions
from app.demo.waves import WAVES, Wave, responses
from app.kpis import service as kpis_service
from app.kpis.schemas import KpiValueWrite, KpiWrite
from app.people.persons import service as persons_service
from app.people.teams import service as teams_service
from app.recognition import service as recognition
from app.recognition.schemas import RecognitionWrite
from app.surveys import service as surveys
from app.surveys.questionnaires.built_in import built_in
from app.surveys.responses.service import Submission, of_a_batch, slots_of, submit_batch
from app.surveys.schemas import SurveyWrite
from app.webhooks import service as webhooks
from app.webhooks.schemas import WebhookPatch, WebhookWrite

EVENTS_AT_ONCE = 100
Put = Callable[[TenantSession, Sequence[Any], int], Awaitable[BatchResult]]


@dataclass(frozen=True)
class Filling:
    session: TenantSession
    company: Company
    keyring: Keyring
    settings: Settings
    now: datetime
    progress: Progress

    async def fill(self) -> None:
        await self.send_people()
        await self.send_occasions()
        await cards.plan_cards(self.session, self.now)
        for wave in WAVES:
            await self.hold_survey(wave)
        await surveys.count_participation(self.session, self.now)
        await queries.backdate_surveys(self.session)
        await queries.backdate_doors(self.session, min(wave.opened_at(self.now) for wave in WAVES))
        await self.send_recognitions()
        await self.send_kpis()
        await self.connect()

    async def send_people(self) -> None:
        staff = [person.as_sent() for person in self.company.people]
        batches: list[tuple[Put, list[dict[str, Any]]]] = [
            (teams_service.put_teams, self.company.teams_as_sent()),
            (partial(persons_service.put_people, keyring=self.keyring), staff),
        ]
        for put, items in self.progress.track(batches, description="Teams and people"):
            require_success(await put(self.session, items, len(items)))

    async def send_occasions(self) -> None:
        for person in self.progress.track(self.company.people, description="Birthdays and weddings"):
            for key, body in person.occasions.items():
                await calendar.put_occasion(
                    self.session,
                    person.external_id,
                    key,
                    OccasionWrite(**body),
                    Preconditions(),
                )

    async def hold_survey(self, wave: Wave) -> None:
        opened_at = wave.opened_at(self.now)
        draft = await surveys.create_survey(self.session, SurveyWrite(**wave.as_sent(self.now)), opened_at)
        survey = await surveys.open_survey(self.session, draft.id, opened_at)
        content = built_in().content
        submission = Submission(
            self.session, survey, slots_of(content), self.keyring, retries=of_a_batch(None)
        )
        days = responses(wave, self.company.employed(opened_at.date()), content["questions"])
        for day, items in self.progress.track(days, description=f"Answers {opened_at:%Y-%m}"):
            submitted_at = opened_at + timedelta(day, hours=2)
            result, *_ = await submit_batch(submission, items, len(items), submitted_at)
            require_success(result)
        if wave.is_closed:
            await surveys.close_survey(self.session, draft.id, wave.closed_at(self.now))
        else:
            await asking.mail_some(self.session, draft.id, self.keyring, self.settings, self.now)

    async def send_recognitions(self) -> None:
        events = recognitions(self.company, self.now.date())
        starts = range(0, len(events), EVENTS_AT_ONCE)
        for start in self.progress.track(starts, description="Recognition events"):
            items = events[start : start + EVENTS_AT_ONCE]
            wanted = parse_items(items, RecognitionWrite, len(items))
            outcomes = await recognition.record(self.session, wanted, self.now)
            require_success(batch_result(items, outcomes))

    async def send_kpis(self) -> None:
        for key, body in kpis():
            await kpis_service.put_kpi(self.session, key, KpiWrite(**body), Preconditions())
        items = kpi_values(self.company, self.now.date())
        wanted = parse_items(items, KpiValueWrite, len(items))
        require_success(batch_result(items, await kpis_service.put_values(self.session, wanted)))

    async def connect(self) -> None:
        """Feeds, reminders and a webhook; last, so that nothing above is told to anybody."""
        for body in script()["feeds"]:
            await feeds.create_feed(self.session, CalendarFeedWrite(**body), self.settings.public_url)
        for body in script()["reminders"]:
            await reminders.create_reminder(self.session, ReminderWrite(**body))
        await self.add_webhook()

    async def add_webhook(self) -> None:
        """Switched off before anybody sees it: it leads to an example, and nothing is sent."""
        who = Principal(self.session.organization_id, "demo", frozenset(Scope), "api_key", None)
        wanted = WebhookWrite(**script()["webhook"])
        made = await webhooks.create_webhook(
            self.session, who, wanted, self.keyring, may_be_private=self.settings.webhooks_private
        )
        await webhooks.update_webhook(
            self.session,
            who,
            made.id,
            WebhookPatch(enabled=False),
            Preconditions(),
            may_be_private=self.settings.webhooks_private,
        )


def require_success(result: BatchResult) -> None:
    """The demo's own data is refused nowhere, or the demo is wrong."""
    problems = [item.problem for item in result.results if item.problem]
    if problems:
        raise ValueError(f"{len(problems)} items of the demo were refused, the first: {problems[0]}")
