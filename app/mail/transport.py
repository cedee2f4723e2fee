"""The ways a mail can leave, one file each, and which of them the settings mean."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from email.headerregistry import Address
from typing import Final, Protocol

from pydantic import SecretStr

from app.core.settings import Settings
from app.mail import folder, postmark, smtp
from app.mail.message import Mail, sender_of

log = logging.getLogger("betrokken.mail")
MAILS = "mail"
"""The folder of those that are files."""
SENDER_OF_FILES = "Betrokken <betrokken@localhost>"


class Transport(Protocol):
    async def send(self, mail: Mail, now: datetime) -> None:
        """Returns once it was accepted. Raises what failures.py has."""


WAYS: Final[Mapping[str, Callable[[str, Address], AbstractAsyncContextManager[Transport]]]] = {
    "smtp_url": smtp.connected,
    "postmark_token": postmark.connected,
}
"""By the setting that says where: one of these, or none."""


def way_of(settings: Settings) -> str | None:
    return next((name for name in WAYS if getattr(settings, name) is not None), None)


def can_send(settings: Settings) -> bool:
    """To a mailbox, or into the folder where that is where mails are meant to go."""
    return has_server(settings) or settings.mails_are_files


def has_server(settings: Settings) -> bool:
    return way_of(settings) is not None


def warn_of_links(settings: Settings) -> None:
    """Invitations wait for an address; what else is mailed goes out, with a link that ends it."""
    if has_server(settings) and not settings.is_address_given:
        log.warning("links_of_mails_lead_nowhere", extra={"variable": "BETROKKEN_PUBLIC_URL"})


@asynccontextmanager
async def open_transport(settings: Settings) -> AsyncIterator[Transport]:
    """For as long as it is needed. Raises Unavailable."""
    async with _transport(settings) as transport:
        yield transport


def _transport(settings: Settings) -> AbstractAsyncContextManager[Transport]:
    sender = sender_of(settings.mail_from or SENDER_OF_FILES)
    way = way_of(settings)
    if way is not None:
        secret: SecretStr = getattr(settings, way)
        return WAYS[way](secret.get_secret_value(), sender)
    return folder.opened(settings.data_dir / MAILS, sender, is_meant=settings.mails_are_files)
