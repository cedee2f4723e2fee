"""An organisation that goes, with all that is stored of it. Who erases it has asked for that before.

The token is not stored: it says until when it is good, and proves who asked.
"""

import hmac
import logging
from datetime import UTC, datetime, timedelta

from app.auth.dependencies import FORGOTTEN
from app.auth.principal import Principal
from app.core import audit
from app.core.database import TenantSession, once_committed, transaction_time
from app.core.secrets import Keyring
from app.organizations.erasure import queries, schemas
from app.organizations.erasure.errors import WrongConfirmation
from app.organizations.queries import organization
from app.organizations.schemas import OrganizationRef

log = logging.getLogger("betrokken.organizations")
LIFE = timedelta(minutes=15)
PURPOSE = "erase-organization"


async def confirm(session: TenantSession, who: Principal, keyring: Keyring) -> schemas.ErasureConfirmation:
    row = await organization(session)
    expires_at = (await transaction_time(session) + LIFE).replace(microsecond=0)
    return schemas.ErasureConfirmation(
        organization=OrganizationRef(id=row.id, name=row.name),
        confirmation_token=token_until(who, int(expires_at.timestamp()), keyring),
        expires_at=expires_at,
    )


def token_until(who: Principal, moment: int, keyring: Keyring) -> str:
    own = keyring.mac(who.organization_id, PURPOSE, who.subject.encode(), str(moment).encode())
    return f"{moment}.{own.hex()}"


def is_confirmed(token: str, who: Principal, keyring: Keyring, now: datetime) -> bool:
    moment, _, _ = token.partition(".")
    if not (moment.isascii() and moment.isdigit() and len(moment) < 12):
        return False
    is_own = hmac.compare_digest(token.encode(), token_until(who, int(moment), keyring).encode())
    return is_own and now <= datetime.fromtimestamp(int(moment), UTC)


async def erase(session: TenantSession, who: Principal, token: str, keyring: Keyring) -> None:
    if not is_confirmed(token, who, keyring, await transaction_time(session)):
        raise WrongConfirmation.parameter("confirmation_token")
    session.info[FORGOTTEN] = await queries.erase_organization(session)
    audit.forget(session)
    told = {"organization_id": str(who.organization_id), "actor": who.subject}
    once_committed(session, lambda: log.warning("organization_erased", extra=told))
