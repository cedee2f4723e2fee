"""Set-up links: of no organisation, and asked as the login, which the acting role is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

ADD_LINK = text("""
INSERT INTO setup_links (token_hash, expires_at)
SELECT :token_hash, now() + make_interval(secs => :life)
WHERE NOT EXISTS (SELECT FROM organizations)
RETURNING expires_at
""")


async def add_link(session: AsyncSession, token_hash: bytes, life: int) -> datetime | None:
    """None where there is an organisation."""
    found: datetime | None = await session.scalar(ADD_LINK, {"token_hash": token_hash, "life": life})
    return found


LINKS = text("""
SELECT token_hash, expires_at <= now() AS is_expired, ended_at IS NOT NULL AS is_ended
FROM setup_links
ORDER BY token_hash
""")
LINKS_HELD = text(f"""{LINKS.text} FOR UPDATE""")


async def links(session: AsyncSession) -> Sequence[Row[Any]]:
    return (await session.execute(LINKS)).all()


async def hold_links(session: AsyncSession) -> Sequence[Row[Any]]:
    """As another transaction that used one has left them."""
    return (await session.execute(LINKS_HELD)).all()


IS_SET_UP = text("""SELECT EXISTS (SELECT FROM organizations)""")


async def is_set_up(session: AsyncSession) -> bool:
    return bool(await session.scalar(IS_SET_UP))


END_LINKS = text("""UPDATE setup_links SET ended_at = now() WHERE ended_at IS NULL""")


async def end_links(session: AsyncSession) -> None:
    await session.execute(END_LINKS)


FORGET_LINKS = text("""DELETE FROM setup_links WHERE expires_at < now() - interval '1 day'""")


async def forget_links(session: AsyncSession) -> None:
    """Until then who comes late is told that the link is an old one."""
    await session.execute(FORGET_LINKS)
