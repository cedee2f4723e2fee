from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.auth.callers import Auditor
from app.auth.dependencies import KeyringOf, Tenant
from app.core import audit
from app.core.conditional import NO_STORE
from app.core.database import as_of
from app.core.pages import Page
from app.core.parameters import WantedIdentifier
from app.core.requests import Route
from app.core.schema import Instant
from app.privacy.audit_log import schemas

router = APIRouter(route_class=Route, tags=["privacy"])
Text = Annotated[str | None, Query(min_length=1, max_length=200)]
Moment = Annotated[Instant | None, Query()]


def filters(
    who: Auditor,
    keyring: KeyringOf,
    actor: Text = None,
    action: Text = None,
    target: Text = None,
    person: WantedIdentifier = None,
    recorded_after: Moment = None,
    recorded_before: Moment = None,
) -> audit.Filters:
    mark = audit.person_mark(keyring, who.organization_id, person) if person else None
    return audit.Filters(actor, action, target, mark, recorded_after, recorded_before)


@router.get("/v1/audit", operation_id="list_audit_entries", response_model=schemas.AuditPage)
async def list_audit_entries(
    who: Auditor, session: Tenant, page: Page, wanted: Annotated[audit.Filters, Depends(filters)]
) -> schemas.AuditPage:
    page.response.headers.update(NO_STORE)
    now = await as_of(session)
    after = page.last_moment
    rows = await audit.entries_before(session, wanted, after, page.limit + 1)
    rows, cursor = page.cut(rows, lambda row: (row.recorded_at, row.id))
    items = [schemas.AuditEntry.model_validate(row, from_attributes=True) for row in rows]
    return schemas.AuditPage(items=items, next_cursor=cursor, as_of=now)
