"""The ways a mail can leave, one file each, and which of them the settings mean."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

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


def can_send(settings: Settings) -> bool:
    """To a mailbox, or into the folder where that is where mails are meant to go."""
    return has_server(settings) or settings.mails_are_files


def has_server(settings: Settings) -> bool:
    return settings.smtp_url is not None or settings.postmark_token is not None


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
    if settings.smtp_url is not None:
        return smtp.connected(settings.smtp_url.get_secret_value(), sender)
    if settings.postmark_token is not None:
        return postmark.connected(settings.postmark_token.get_secret_value(), sender)
    return folder.opened(settings.data_dir / MAILS, sender, is_meant=settings.mails_are_files)
