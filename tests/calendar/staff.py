"""People and teams put on file through the tables, for slices that only need them to be there."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from app.calendar.service import find_person
from app.tables import Employment, Occasion, Person, Team
from tests.conftest import Tenant


async def people_on_file(tenant: Tenant, *external_ids: str, **columns: Any) -> None:
    async with tenant.database.tenant_session(tenant.id) as session:
        for external_id in external_ids:
            known: dict[str, Any] = {"name": external_id.title(), "segments": {}, **columns}
            session.add(Person(organization_id=tenant.id, id=uuid4(), external_id=external_id, **known))


async def team_on_file(tenant: Tenant, external_id: str, parent_id: UUID | None = None) -> UUID:
    team_id = uuid4()
    async with tenant.database.tenant_session(tenant.id) as session:
        session.add(
            Team(
                organization_id=tenant.id,
                id=team_id,
                external_id=external_id,
                name=external_id.title(),
                parent_id=parent_id,
            )
        )
    return team_id


async def worked_before(tenant: Tenant, external_id: str, starts_on: date, ends_on: date) -> None:
    async with tenant.database.tenant_session(tenant.id) as session:
        person = await find_person(session, external_id)
        session.add(
            Employment(organization_id=tenant.id, person_id=person, starts_on=starts_on, ends_on=ends_on)
        )


async def occasions_on_file(tenant: Tenant, external_id: str, keys: Iterable[str]) -> None:
    """Consented occasions; a key is month, day and leap day rule: 02-29-mar_1, or 02-29- without a rule."""
    async with tenant.database.tenant_session(tenant.id) as session:
        person = await find_person(session, external_id)
        for key in keys:
            month, day, rule = key.split("-")
            session.add(
                Occasion(
                    organization_id=tenant.id,
                    person_id=person,
                    key=key,
                    kind="custom",
                    month=int(month),
                    day=int(day),
                    visibility="team",
                    consent=True,
                    leap_day_rule=rule or None,
                    recurrence="yearly",
                )
            )
