"""Nothing goes to an address that is not what it was taken for."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from app.core import outbound
from app.core.outbound import NotSent, flaw_of, is_public, post
from tests.webhooks.receiver import receiving, server_tls

PUBLIC = "93.184.215.14"
PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"])
def test_a_public_address(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("https://hooks.example.com:8443/a?b=c", None),
        ("https://bücher.example/", None),
        (f"https://{PUBLIC}/", None),
        ("http://hooks.example.com/", "bad_url"),
        ("ftp://hooks.example.com/", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("hooks.example.com", "bad_url"),
        ("https:///path", "bad_url"),
        ("https://user:secret@hooks.example.com/", "bad_url"),
        ("https://hooks.example.com/#fragment", "bad_url"),
        ("https://hooks.example.com:0/", "bad_url"),
        ("https://hooks.example.com:99999/", "bad_url"),
        ("https://a b/", "bad_url"),
        ("https://%31%32%37.0.0.1/", "bad_url"),
        ("https://hooks.example.com/\r\nHost: other", "bad_url"),
        ("https://[::1", "bad_url"),
        ("https://127.0.0.1/", "address_not_public"),
        ("https://127。0。0。1/", "address_not_public"),
        ("https://[::ffff:7f00:1]/", "address_not_public"),
        ("https://[64:ff9b::7f00:1]/", "address_not_public"),
        ("https://169.254.169.254/latest/meta-data", "address_not_public"),
    ],
)
def test_what_is_wrong_with_an_address(url: str, flaw: str | None) -> None:
    assert flaw_of(url, may_be_private=False) == flaw


async def sent(url: str, *, may_be_private: bool = False) -> int:
    async with outbound.client() as client:
        return (await post(client, url, b"{}", {}, may_be_private=may_be_private)).status


async def refusal(url: str, *, may_be_private: bool = False) -> str:
    with pytest.raises(NotSent) as refused:
        await sent(url, may_be_private=may_be_private)
    return refused.value.reason


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Whatever is asked for has these addresses."""

    async def resolve(_: Any, __: str, port: int | None, **___: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["64:ff9b::7f00:1"]]
)
async def test_a_name_is_refused_for_any_of_its_addresses(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, *addresses)
    assert await refusal("https://hooks.example.com/") == "address_not_public"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost"])
async def test_other_ways_to_write_loopback(host: str) -> None:
    assert await refusal(f"https://{host}/") == "address_not_public"


async def test_the_address_that_was_checked_is_connected_to_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, certificate = server_tls("hooks.example.com", tmp_path)
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    monkeypatch.setattr(outbound, "tls", lambda: trusting)
    async with receiving(tls) as receiver:
        names(monkeypatch, "127.0.0.1")
        assert await sent(f"https://hooks.example.com:{receiver.port}/a?b=c", may_be_private=True) == 204
        [request] = receiver.received
        assert (request.path, request.headers["host"]) == ("/a?b=c", f"hooks.example.com:{receiver.port}")
        address = f"https://other.example.com:{receiver.port}/"
        assert await refusal(address, may_be_private=True) == "certificate_invalid"


async def test_a_certificate_nobody_trusts(tmp_path: Path) -> None:
    tls, _ = server_tls("127.0.0.1", tmp_path)
    async with receiving(tls) as receiver:
        assert await refusal(receiver.url, may_be_private=True) == "certificate_invalid"
        assert receiver.received == []


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as other, receiving() as receiver:
        receiver.status, receiver.headers = "307 Temporary Redirect", f"Location: {other.url}\r\n"
        assert await sent(receiver.url, may_be_private=True) == 307
        assert other.received == []


async def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.2)
    async with receiving() as receiver:
        receiver.is_silent = True
        assert await refusal(receiver.url, may_be_private=True) == "timeout"


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert await refusal(f"http://127.0.0.1:{port}/", may_be_private=True) == "connection_failed"


async def test_the_second_address_is_tried_where_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving() as receiver:
        names(monkeypatch, "127.0.0.2", "127.0.0.1")
        address = f"http://hooks.example.com:{receiver.port}/"
        assert await sent(address, may_be_private=True) == 204


async def test_a_name_that_does_not_exist() -> None:
    assert await refusal("https://nobody.invalid/") == "name_not_found"


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await sent(receiver.url, may_be_private=True) == 204
        assert proxy.received == []
