"""The audit log: who did what, in the transaction that does it, so that neither is there without the other.

A person stands in it under a keyed hash alone: it can be searched for somebody whose identifier one knows,
and holds nothing to erase. The acting role may add entries and read them, and change none.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import TenantSession
from app.core.secrets import Keyring

COMMAND_LINE = "command_line"
SYSTEM = "system"
OWN_LINK = "own_link"
SETUP_LINK = "setup_link"
"""Who acts where no key does."""
MARK_SIZE = 16
NOTED, ACTOR = "audit", "actor"
ADD = text("""
INSERT INTO audit_entries (organization_id, id, actor, action, target, person, details) VALUES
(:organization_id, gen_random_uuid(), :actor, :action, :target, :person, CAST(:details AS jsonb))
""")
ADD_OF_EACH = text("""
INSERT INTO audit_entries (organization_id, id, actor, action, target, person, details)
SELECT :organization_id, gen_random_uuid(), :actor, :action, target, person, '{}'
FROM unnest(CAST(:targets AS text[]), CAST(:people AS bytea[])) AS each (target, person)
""")
ENTRIES_BEFORE = text("""
SELECT recorded_at, id, actor, action, target, encode(person, 'hex') AS person, details
FROM audit_entries
WHERE organization_id = :organization_id
  AND (CAST(:actor AS text) IS NULL OR actor = :actor)
  AND (CAST(:action AS text) IS NULL OR action = :action)
  AND (CAST(:target AS text) IS NULL OR target = :target)
  AND (CAST(:person AS bytea) IS NULL OR person = :person)
  AND (CAST(:recorded_after AS timestamptz) IS NULL OR recorded_at >= :recorded_after)
  AND (CAST(:recorded_before AS timestamptz) IS NULL OR recorded_at < :recorded_before)
  AND (CAST(:at AS timestamptz) IS NULL OR (recorded_at, id) < (:at, CAST(:id AS uuid)))
ORDER BY recorded_at DESC, id DESC
LIMIT :limit
""")


@dataclass
class Entry:
    organization_id: UUID
    actor: str
    action: str
    target: str | None = None
    person: bytes | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """None: any."""

    actor: str | None
    action: str | None
    target: str | None
    person: bytes | None
    recorded_after: datetime | None
    recorded_before: datetime | None


def person_mark(keyring: Keyring, organization_id: UUID, external_id: str) -> bytes:
    """What stands for a person where their identifier must not."""
    return keyring.mac(organization_id, "person-mark", external_id.encode())[:MARK_SIZE]


async def record(
    session: TenantSession,
    actor: str,
    action: str,
    target: str | None = None,
    details: dict[str, Any] | None = None,
    *,
    person: bytes | None = None,
) -> None:
    """Details hold nothing personal: names of members and settings, never what people wrote."""
    values = {"actor": actor, "action": action, "target": target}
    await session.execute(ADD, {**values, "person": person, "details": json.dumps(details or {})})


async def record_each(
    session: TenantSession, action: str, *, targets: Sequence[str] = (), people: Sequence[bytes] = ()
) -> None:
    """The same of several things, or of several persons, in one statement."""
    if targets or people:
        values = {"actor": actor_of(session), "action": action}
        await session.execute(ADD_OF_EACH, {**values, "targets": list(targets), "people": list(people)})


def acts(session: AsyncSession, actor: str) -> None:
    """Who does what this transaction does."""
    session.info[ACTOR] = actor


def actor_of(session: AsyncSession) -> str:
    actor: str = session.info.get(ACTOR, SYSTEM)
    return actor


def note(session: AsyncSession, entry: Entry) -> None:
    """To be recorded when the request has done its work."""
    session.info[NOTED] = entry


def forget(session: AsyncSession) -> None:
    """What the request noted: it has changed nothing."""
    session.info.pop(NOTED, None)


def tell_more(session: AsyncSession, *, target: str | None = None, **details: Any) -> None:
    """Completes what the request noted, if it noted anything."""
    entry: Entry | None = session.info.get(NOTED)
    if entry is not None:
        entry.target = target or entry.target
        entry.details |= details


Noted = tuple[str, Entry | None]


def hand_over(session: AsyncSession) -> Noted:
    """Who acts, and what is to be recorded, for the transaction that does it in place of this one."""
    return actor_of(session), session.info.pop(NOTED, None)


def take_over(session: AsyncSession, noted: Noted) -> None:
    session.info[ACTOR], session.info[NOTED] = noted


async def keep(session: TenantSession) -> None:
    """Records what the request noted."""
    entry: Entry | None = session.info.pop(NOTED, None)
    if entry is not None:
        await record(
            session,
            entry.actor,
            entry.action,
            entry.target,
            entry.details,
            person=entry.person,
        )


async def entries_before(
    session: TenantSession,
    filters: Filters,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Newest first, from the entry after `after` on."""
    at, entry_id = after or (None, None)
    page = {"at": at, "id": entry_id, "limit": limit}
    return (await session.execute(ENTRIES_BEFORE, {**vars(filters), **page})).all()
