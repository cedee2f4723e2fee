"""Where mails go while there is no way out: a file each, for a person to open."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.policy import SMTP
from pathlib import Path

from app.mail.failures import Unavailable
from app.mail.message import Mail, message_of

log = logging.getLogger("betrokken.mail")


@dataclass(frozen=True)
class Folder:
    path: Path
    sender: Address
    is_meant: bool = False
    """Nobody need be told that a mail server is missing."""

    async def send(self, mail: Mail, now: datetime) -> None:
        """The same mail written again is the same file."""
        content = message_of(mail, self.sender, now).as_bytes(policy=SMTP)
        try:
            self._write(mail.key, content)
        except OSError as error:
            raise Unavailable from error
        if not self.is_meant:
            told = {"folder": str(self.path), "hint": "set BETROKKEN_SMTP_URL"}
            log.info("mail_written_to_folder", extra=told)

    def _write(self, name: str, content: bytes) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.path / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.replace(self.path / f"{name}.eml")


@asynccontextmanager
async def opened(path: Path, sender: Address, *, is_meant: bool) -> AsyncIterator[Folder]:
    yield Folder(path, sender, is_meant)
