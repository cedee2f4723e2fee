"""Addresses that were on file until somebody wrote others, and are to be told of it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.core.database import TenantSession

PATIENCE = timedelta(days=3)
"""How long a mail server may be out of reach before a notice is given up, and the address forgotten."""
ADD = text("""
INSERT INTO address_notices (organization_id, id, person_id, email)
SELECT CAST(:organization_id AS uuid), gen_random_uuid(), r.person_id, r.email
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person_id uuid, email text)
""")
WAITING = """
organization_id = :organization_id AND created_at > CAST(:now AS timestamptz) - CAST(:patience AS interval)
  AND coalesce(held_until < :now, true)
"""
COUNT_WAITING = text(f"""SELECT count(*) FROM address_notices WHERE {WAITING}""")  # noqa: S608 the text is ours
CLAIM = text(f"""
UPDATE address_notices SET held_until = :held_until
WHERE organization_id = :organization_id AND id = (
    SELECT id FROM address_notices WHERE {WAITING} ORDER BY held_until NULLS FIRST, id LIMIT 1
    FOR UPDATE SKIP LOCKED
) RETURNING id, person_id, email
""")  # noqa: S608 the text is ours
LOCALE = text("""SELECT locale FROM people WHERE organization_id = :organization_id AND id = :person_id""")
PUT_BACK = text("""
UPDATE address_notices SET held_until = :now WHERE organization_id = :organization_id AND id = :id
""")
FORGET = text("""DELETE FROM address_notices WHERE organization_id = :organization_id AND id = :id""")
FORGET_ALL = text("""DELETE FROM address_notices WHERE organization_id = :organization_id""")


async def add(session: TenantSession, addresses: Mapping[UUID, str]) -> None:
    """The person each was the address of, and the address."""
    rows = [{"person_id": str(person_id), "email": email} for person_id, email in addresses.items()]
    await session.execute(ADD, {"rows": json.dumps(rows)})


async def count_waiting(session: TenantSession, now: datetime) -> int:
    return int(await session.scalar(COUNT_WAITING, {"now": now, "patience": PATIENCE}) or 0)


async def claim(session: TenantSession, now: datetime, held_until: datetime) -> Row[Any] | None:
    where = {"now": now, "patience": PATIENCE, "held_until": held_until}
    return (await session.execute(CLAIM, where)).first()


async def locale_of(session: TenantSession, person_id: UUID) -> str | None:
    found: str | None = await session.scalar(LOCALE, {"person_id": person_id})
    return found


async def put_back(session: TenantSession, notice_id: UUID, now: datetime) -> None:
    await session.execute(PUT_BACK, {"id": notice_id, "now": now})


async def forget(session: TenantSession, notice_id: UUID) -> None:
    await session.execute(FORGET, {"id": notice_id})


async def forget_all(session: TenantSession) -> None:
    await session.execute(FORGET_ALL)
