"""Where there is no way out, mails are files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.mail.failures import Refused, Unavailable
from app.mail.message import Mail
from app.mail.transport import open_transport

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def written(data_dir: Path, *mails: Mail) -> list[Path]:
    async with open_transport(Settings(data_dir=data_dir)) as transport:
        for one in mails:
            await transport.send(one, NOW)
    return sorted((data_dir / "mail").iterdir())


def mail(key: str = "k", to: str = "noor@example.com") -> Mail:
    return Mail(key, to, "S", "T\n", "nl")


async def test_a_mail_written_again_is_the_same_file(tmp_path: Path) -> None:
    files = await written(tmp_path, mail(), mail("other"), mail())
    assert [file.name for file in files] == ["k.eml", "other.eml"]
    assert b"\r\nTo: noor@example.com\r\n" in files[0].read_bytes()
    assert (tmp_path / "mail").stat().st_mode & 0o77 == 0, "for its owner alone"


async def test_what_is_no_address_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await written(tmp_path, mail(to="noor"))
    assert not (tmp_path / "mail").exists()


async def test_a_folder_that_cannot_be_written_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    with pytest.raises(Unavailable):
        await written(tmp_path, mail())
