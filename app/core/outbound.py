"""HTTP out.

An address that a customer named is not believed: its name is resolved, every address it has must be a public
one, and the connection goes to an address that was checked, under the name for TLS and Host. No redirect is
followed, no proxy of the environment is asked, and of the answer only status and Retry-After are read.
"""

import asyncio
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple

import httpx

from app.core import tracing

TIMEOUT = httpx.Timeout(10, connect=5)
TOTAL_SECONDS = 15
MOST_BYTES = 2**20
USER_AGENT = "Betrokken"
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
AROUND_PUBLIC = [
    ipaddress.ip_network(network)
    for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
]
"""Ways to write or reach a private IPv4 address in IPv6 that may count as global (RFC 4291, 6052, 8215,
4380, 3056), and the site-local ones of old (RFC 3879)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotSent(Exception):
    """Nothing came back; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_public(text: str) -> bool:
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in AROUND_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


def flaw_of(text: str, *, may_be_private: bool) -> str | None:
    """Why nothing is ever sent to this address: `bad_url`, or `address_not_public` where it is a number."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return "bad_url"
    is_secure = url.scheme == "https" or (may_be_private and url.scheme == "http")
    is_place = HOST.fullmatch(url.raw_host.decode()) and (url.port is None or 0 < url.port < 2**16)
    if not is_secure or not is_place or url.userinfo or url.fragment or not text.isprintable():
        return "bad_url"
    if may_be_private:
        return None
    try:
        return None if is_public(url.host) else "address_not_public"
    except ValueError:
        return None


async def addresses_of(url: httpx.URL, *, may_be_private: bool) -> Sequence[str]:
    loop, host = asyncio.get_running_loop(), url.raw_host.decode()
    try:
        found = await loop.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent("name_not_found") from None
    addresses = [str(place[0]) for *_, place in found]
    if not may_be_private and not all(map(is_public, addresses)):
        raise NotSent("address_not_public")
    return addresses


@cache
def tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """No connection is kept: one made to an address under one name must not serve another name."""
    async with httpx.AsyncClient(
        verify=tls(),
        timeout=TIMEOUT,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"User-Agent": USER_AGENT},
    ) as made:
        yield made


class Reply(NamedTuple):
    status: int
    retry_after: str | None
    """As it was sent: seconds or a date."""


async def post(
    client: httpx.AsyncClient, text: str, body: bytes, headers: Mapping[str, str], *, may_be_private: bool
) -> Reply:
    """What is answered. Raises NotSent."""
    if flaw := flaw_of(text, may_be_private=may_be_private):
        raise NotSent(flaw)
    url = httpx.URL(text)
    traceparent = tracing.current.get()
    headers = headers if traceparent is None else {**headers, "traceparent": traceparent}
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            addresses = await addresses_of(url, may_be_private=may_be_private)
            return await _post_to_first(client, url, addresses, body, headers)
    except (TimeoutError, httpx.TimeoutException):
        raise NotSent("timeout") from None
    except httpx.HTTPError as error:
        raise NotSent(_reason(error)) from None


async def _post_to_first(
    client: httpx.AsyncClient,
    url: httpx.URL,
    addresses: Sequence[str],
    body: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """To the first address that can be connected to."""
    for address in addresses[:-1]:
        try:
            return await _post_to(client, url, address, body, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await _post_to(client, url, addresses[-1], body, headers)


async def _post_to(
    client: httpx.AsyncClient, url: httpx.URL, address: str, body: bytes, headers: Mapping[str, str]
) -> Reply:
    request = client.build_request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers={**headers, "Host": url.netloc.decode()},
        extensions={"sni_hostname": url.raw_host.decode()},
    )
    response = await client.send(request, stream=True)
    await response.aclose()
    return Reply(response.status_code, response.headers.get("retry-after"))


def _reason(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return "certificate_invalid"
        error = error.__cause__ or error.__context__
    return "connection_failed"


async def get_json(url: str) -> Any:
    """A document of a server that the operator named. Raises NotSent."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS), client() as asking:
            async with asking.stream("GET", url, headers={"Accept": "application/json"}) as response:
                response.raise_for_status()
                return json.loads(await _read(response))
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NotSent(type(error).__name__) from None


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise NotSent("answer_too_large")
    return body
