"""Pages that a mail leads to, read on a phone by somebody who does not know this service."""

from uuid import uuid4

import pytest

from app.calendar.reminders.service import unsubscribe_token
from app.newsletter.service import CONFIRM, UNSUBSCRIBE
from tests.conftest import Tenant
from tests.contract import ContractClient
from tests.frame import BROWSER, assert_framed

ADDRESSES = ("/v1/unsubscribe", "/v1/newsletter/confirm", "/v1/newsletter/unsubscribe", "/v1/answers")


def tokens(acme: Tenant) -> dict[str, str]:
    keyring = acme.database.keyring
    return {
        ADDRESSES[0]: unsubscribe_token(keyring, acme.id, uuid4()),
        ADDRESSES[1]: keyring.address_token(acme.id, CONFIRM, uuid4()),
        ADDRESSES[2]: keyring.address_token(acme.id, UNSUBSCRIBE, uuid4()),
    }


async def test_a_page_says_whose_it_is_in_the_look_of_the_pages(
    acme: Tenant, anonymous: ContractClient
) -> None:
    await acme.client.patch("/v1/organization", json={"name": "R&D <b>"})
    for address, token in tokens(acme).items():
        page = await anonymous.get(f"{address}/{token}", headers=BROWSER)
        assert page.status_code == 200
        assert_framed(page, "<h1>R&amp;D &lt;b&gt;</h1>")
        assert '<form method="post">' in page.text


async def test_the_language_of_the_reader_comes_first(acme: Tenant, anonymous: ContractClient) -> None:
    for address, token in tokens(acme).items():
        for language in ("nl", "en"):
            headers = BROWSER | {"Accept-Language": language}
            page = (await anonymous.get(f"{address}/{token}", headers=headers)).text
            assert f'<!doctype html><html lang="{language}">' in page
            assert page.index(f'<p lang="{language}">') == page.index("<p lang=")


async def test_what_was_done_is_said_without_a_button(acme: Tenant, anonymous: ContractClient) -> None:
    found = tokens(acme)
    for address in (ADDRESSES[0], ADDRESSES[2]):
        page = await anonymous.post(f"{address}/{found[address]}", headers=BROWSER)
        assert_framed(page, "Acme")
        assert "<button" not in page.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_link_that_does_not_work_says_so_to_a_browser(
    address: str, method: str, anonymous: ContractClient
) -> None:
    """A program reads a problem, as everywhere."""
    for token, status in (("AAAA", 404), ("a!b", 422)):
        page = await anonymous.request(method, f"{address}/{token}", headers=BROWSER)
        assert page.status_code == status
        assert_framed(page, "This link does not work (any more).")
        problem = await anonymous.request(method, f"{address}/{token}")
        assert problem.status_code == status
        assert problem.json()["status"] == status
