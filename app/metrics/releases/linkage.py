"""The same person in several waves, and in the recognition between them; put together in memory alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Final
from uuid import UUID

from app.core.database import TenantSession
from app.core.secrets import Keyring
from app.metrics.releases.between_waves import queries as between_waves
from app.metrics.releases.response_matrix import Loaded, load
from app.surveys.responses.service import pseudonym
from app.tables import Survey

MOST_LINKED: Final = 8
"""That a person is followed over: two years of quarters."""


@dataclass(frozen=True)
class History:
    """What came before a wave, newest first: the waves older than the one before it, and how many events each
    person received after each wave closed and before the next opened, as far as answers are linked.
    """

    older: Sequence[Loaded]
    received: Sequence[Mapping[bytes, int]]
    invited: Collection[bytes]
    """Who was invited to both of the last two waves."""


async def history_of(
    session: TenantSession, survey: Survey, earlier: Sequence[Survey], keyring: Keyring
) -> History | None:
    """None where answers are not linked to those of the wave before; `earlier` waves come newest first."""
    if not earlier or not are_linked(survey, earlier[0]):
        return None
    waves = [survey, *(wave for _, wave in takewhile(_follows, pairwise([survey, *earlier])))]
    received = [
        await between_waves.received_between(session, *time_between(wave, later))
        for later, wave in pairwise(waves)
    ]
    invited = await between_waves.invited_to_both(session, survey, earlier[0])
    persons = list({*invited, *(person for own in received for person in own)})
    keys = dict(zip(persons, linked_keys(survey, persons, keyring) or [], strict=True))
    older = [await load(session, wave) for wave in waves[2:]]
    by_key = [{keys[person]: events for person, events in own.items()} for own in received]
    return History(older, by_key, {keys[person] for person in invited})


def _follows(pair: tuple[Survey, Survey]) -> bool:
    """Linked, and opened only when everybody had answered the one before."""
    later, earlier = pair
    after, until = time_between(earlier, later)
    return are_linked(later, earlier) and after < until


def are_linked(one: Survey, other: Survey) -> bool:
    """Whether a person has the same key in both: a pseudonym and a person's own id are not the same."""
    return one.mode == other.mode != "anonymous"


def time_between(earlier: Survey, later: Survey) -> tuple[datetime, datetime]:
    assert earlier.closed_at is not None, "a released survey has closed"
    assert later.opened_at is not None, "so this one has opened"
    return earlier.closed_at, later.opened_at


def linked_keys(survey: Survey, persons: Iterable[UUID], keyring: Keyring) -> list[bytes] | None:
    if survey.mode == "anonymous":
        return None
    if survey.mode == "attributed":
        return [person.bytes for person in persons]
    return [pseudonym(keyring, survey.organization_id, person).bytes for person in persons]
