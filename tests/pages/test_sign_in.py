"""Signing in with the identity provider of the organisation: a real one, oidc-provider, as people meet it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.core.settings import Settings
from app.main import create_app
from tests.acceptance.process import free_port
from tests.conftest import Tenant, new_tenant
from tests.installed import node_modules_in
from tests.metrics.test_release import names_of, released, staff
from tests.pages.conftest import LANGUAGES, Visits, listening
from tests.pages.test_setup import answering
from tests.pages.visiting import Visit
from tests.waiting import PATIENCE, until

HERE = Path(__file__).parent
AUDIENCE = "urn:betrokken"
SCOPES = "metrics:read people:read"
FONTS = "https://fonts.googleapis.com"
"""What the provider's own pages ask for; ours never do."""
BACK = "/?team=before"
LEAVE = """async (back) => {
  const { findWay, begin } = await import("/pages/signin/oidc.js");
  await begin((await findWay()).way, back);
}"""
KEPT, SESSION = "betrokken.signin", "betrokken.session"
SAID = {
    "none": ("Hier meld je je aan met een sleutel", "Here you sign in with a key"),
    "stale": ("Deze aanmelding is hier niet begonnen", "This sign-in did not begin here"),
    "denied": ("Je bent niet aangemeld", "You are not signed in"),
    "provider": ("De aanmeldpagina gaf een fout", "The sign-in page gave an error"),
    "late": ("Het aanmelden duurde te lang", "Signing in took too long"),
    "unreachable": ("De aanmelddienst antwoordt niet", "The sign-in service does not answer"),
    "mismatch": ("Deze aanmelding klopt niet", "This sign-in is not right"),
    "refused": ("Je account heeft hier geen toegang", "Your account has no access here"),
    "insecure": (
        "Aanmelden kan hier niet zo",
        "You cannot sign in this way here",
    ),
    "away": ("De aanmelddienst is onbereikbaar", "The sign-in service cannot be reached"),
    "busy": ("Het is even te druk", "It is too busy right now"),
    "network": ("Geen verbinding", "No connection"),
}


@dataclass(frozen=True)
class House:
    """A service, and the provider that it knows."""

    place: str
    issuer: str
    organization: str
    led: Tenant
    """Another organisation, in which mo is known as a person."""


@pytest.fixture(scope="module")
async def house(
    settings: Settings, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("issuer")
    node_modules_in(folder)
    issuer = f"http://127.0.0.1:{free_port()}"
    own = {
        "oidc_issuer": issuer,
        "oidc_audience": AUDIENCE,
        "oidc_client_id": "page",
        "oidc_sign_in_parameters": {"scope": SCOPES, "resource": AUDIENCE},
    }
    app = create_app(settings.model_copy(update=own), database_url)
    async with app.router.lifespan_context(app), listening(app) as place:
        organization = str((await new_tenant(app, "Acme")).id)
        house = House(place, issuer, organization, await new_tenant(app, "Led"))
        async with provided(folder, house):
            yield house


@asynccontextmanager
async def provided(folder: Path, house: House) -> AsyncIterator[None]:
    """The provider, until it is no longer needed."""
    shutil.copy(HERE / "issuer.mjs", folder)
    environment = os.environ | {
        "ISSUER": house.issuer,
        "REDIRECT": f"{house.place}/sign-in",
        "ORGANIZATION": house.organization,
        "LED": str(house.led.id),
        "AUDIENCE": AUDIENCE,
        "SCOPES": SCOPES,
    }
    process = await asyncio.create_subprocess_exec(
        "node", "issuer.mjs", cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert (await process.stdout.readline()).decode().strip() == house.issuer
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def signing_in(visit: Visits, house: House, **options: Any) -> AsyncIterator[Visit]:
    """Somebody who is looking at something, and leaves for the provider."""
    async with visit(at=house.place, others=(house.issuer, FONTS), **options) as at:
        await at.page.route(f"{FONTS}/**", lambda route: route.abort())
        await at.page.goto(house.place + BACK)
        await leave(at)
        yield at


async def leave(at: Visit, back: str = BACK) -> None:
    async with at.page.expect_navigation(url=lambda url: not url.startswith(at.address)):
        await at.page.evaluate(LEAVE, back)


async def identify(at: Visit, name: str = "noor") -> None:
    await at.page.fill('input[name="login"]', name)
    await at.page.fill('input[name="password"]', "any")
    await at.page.click("button[type=submit]")
    await at.page.wait_for_selector('input[name="prompt"][value="consent"]', state="attached")


async def consent(at: Visit) -> None:
    await at.page.click("button[type=submit]")


async def come_back(at: Visit, **query: str) -> None:
    """As the provider, or somebody else, would send them."""
    address = "&".join(f"{name}={value}" for name, value in query.items())
    await at.page.goto(f"{at.address}/sign-in?{address}")


async def kept(at: Visit) -> dict[str, Any]:
    found: dict[str, Any] = await at.page.evaluate(f"JSON.parse(sessionStorage.getItem('{KEPT}'))")
    return found


async def keep(at: Visit, **changed: Any) -> None:
    script = f"(c) => sessionStorage.setItem('{KEPT}', JSON.stringify(c))"
    await at.page.evaluate(script, {**await kept(at), **changed})


async def session_of(at: Visit) -> str | None:
    found: str | None = await at.page.evaluate(f"sessionStorage.getItem('{SESSION}')")
    return found


async def told(at: Visit, problem: str, language: str = "nl") -> None:
    await at.arrive("problem")
    await at.says("#problem-title", SAID[problem][language == "en"])
    assert "?" not in at.page.url
    assert await session_of(at) is None


async def at_home(at: Visit, house: House) -> None:
    """On a page of ours in the tab of an attempt, which its provider has not answered yet."""
    await at.page.goto(f"{house.place}/setup")


@LANGUAGES
async def test_who_signs_in_comes_back_to_where_they_were(language: str, visit: Visits, house: House) -> None:
    async with signing_in(visit, house, language=language) as at:
        asked = parse_qs(urlsplit(at.page.url).query) or {}
        addresses: list[str] = []
        at.page.on("request", lambda request: addresses.append(f"{request.url} {request.headers}"))
        await identify(at)
        await consent(at)
        await at.page.wait_for_url(house.place + BACK)
        token = str(await session_of(at))
        assert not any(token in address for address in addresses if "/v1/" not in address)
        assert asked.keys() & {"client_secret", "code_verifier"} == set()
        stored = await at.page.evaluate("[Object.keys(sessionStorage), localStorage.length, document.cookie]")
        assert stored == [[SESSION], 0, ""], "the token, in the tab alone"
    me = (await outside(house, token)).json()
    assert (me["organization"]["id"], me["kind"]) == (house.organization, "oidc")
    assert (me["subject"], me["scopes"]) == ("noor", SCOPES.split())


@pytest.mark.nightly
async def test_from_the_dashboard_and_back_to_it_also_when_a_session_has_ended(
    visit: Visits, house: House
) -> None:
    async with visit(at=house.place, others=(house.issuer, FONTS)) as at:
        await at.page.route(f"{FONTS}/**", lambda route: route.abort())
        await at.page.goto(house.place + BACK)
        await at.page.wait_for_selector("#oidc")
        assert await at.violations() == []
        await at.page.click("#oidc")
        await identify(at)
        await consent(at)
        await at.page.wait_for_url(house.place + BACK)
        await at.says("#problem-title", "Er zijn nog geen resultaten")
        token = str(await session_of(at))
        await at.page.evaluate(f"sessionStorage.setItem('{SESSION}', '{token[:-8]}AAAAAAAA')")
        await at.page.reload()
        await back_again(at, house)
        spent = {"status": 401, "json": {"code": "unauthenticated"}}
        await at.page.route("**/v1/metrics/context*", answering(spent), times=1)
        await at.page.click("#retry")
        await back_again(at, house)
        await at.page.click("#leave")
        await at.arrive("out")
        assert await session_of(at) is None
        await at.page.go_back()
        await at.page.wait_for_selector("#oidc")
        assert await session_of(at) is None


@pytest.mark.nightly
async def test_who_manages_signs_in_likewise(visit: Visits, house: House) -> None:
    place = f"{house.place}/manage#people"
    async with visit(at=house.place, others=(house.issuer, FONTS)) as at:
        await at.page.route(f"{FONTS}/**", lambda route: route.abort())
        await at.page.goto(place)
        await at.page.click("#oidc")
        await identify(at)
        await consent(at)
        await at.says("#organization", "Acme")
        await at.page.evaluate(f"sessionStorage.setItem('{SESSION}', 'x')")
        await at.page.reload()
        await at.arrive("signin")
        await at.says("#refused", "Je bent afgemeld")
        assert (at.page.url, await session_of(at)) == (place, None)
        await at.page.click("#oidc")
        await at.says("#organization", "Acme")
        assert at.page.url.startswith(f"{house.place}/manage")
        await at.page.click("#leave")
        await at.arrive("out")
        assert await session_of(at) is None


@pytest.mark.nightly
async def test_a_manager_sees_the_teams_they_lead_and_is_refused_nothing(visit: Visits, house: House) -> None:
    await staff(house.led.client, {"sales": 8, "care": 9})
    await house.led.client.put("/v1/people/mo", json={"name": "Mo", "team": "care"})
    await house.led.client.patch("/v1/teams/sales", json={"lead": "mo"})
    everybody = [name for team, size in (("sales", 8), ("care", 9)) for name in names_of(team, size)]
    await released(house.led, everybody)
    refusals: list[str] = []
    async with visit(at=house.place, others=(house.issuer, FONTS), width=1280) as at:
        await at.page.route(f"{FONTS}/**", lambda route: route.abort())
        at.page.on("response", lambda one: refusals.append(one.url) if one.status in (401, 403) else None)
        await at.page.goto(f"{house.place}/")
        await at.page.click("#oidc")
        await identify(at, "mo")
        await consent(at)
        await at.arrive("results")
        await at.page.wait_for_load_state("networkidle")
        teams = await at.page.eval_on_selector_all("#team option", "all => all.map(one => one.value)")
        assert teams == ["sales"]
        assert "Care" not in await at.text("body")
        assert not await at.page.locator("#manage").is_visible()
        for page in ("manage", "calendar"):
            await at.page.goto(f"{house.place}/{page}")
            await at.arrive("nothing")
    assert refusals == []


async def back_again(at: Visit, house: House) -> None:
    """Their provider knows them still: a press is enough."""
    await at.arrive("signin")
    await at.says("#refused", "Je bent afgemeld")
    assert (at.page.url, await session_of(at)) == (house.place + BACK, None)
    await at.page.click("#oidc")
    await at.page.wait_for_url(house.place + BACK)
    await at.says("#problem-title", "Er zijn nog geen resultaten")


async def outside(house: House, token: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{house.place}/v1/me", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.nightly
async def test_what_is_sent_is_proof_against_others(visit: Visits, house: House) -> None:
    sent: list[dict[str, list[str]]] = []
    async with visit(at=house.place, others=(house.issuer, FONTS)) as at:
        await at.page.route(f"{FONTS}/**", lambda route: route.abort())
        at.page.on("request", lambda request: sent.append(parse_qs(urlsplit(request.url).query)))
        for _ in range(2):
            await at.page.goto(house.place + BACK)
            await leave(at)
    first, second = [one for one in sent if "code_challenge" in one]
    assert (first["code_challenge_method"], first["response_type"]) == (["S256"], ["code"])
    assert first["redirect_uri"] == [f"{house.place}/sign-in"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) == 43
        assert first[name] != second[name]


@pytest.mark.nightly
async def test_an_answer_is_used_once(visit: Visits, house: House) -> None:
    """Also by who has read the address: the code is spent, and was good for nothing without the verifier."""
    async with signing_in(visit, house) as at:
        answers: list[str] = []
        at.page.on("request", lambda request: answers.append(request.url))
        await identify(at)
        await consent(at)
        await at.page.wait_for_url(house.place + BACK)
        await at.says("#problem-title", "Er zijn nog geen resultaten")
        [answer] = {url for url in answers if "/sign-in?" in url}
        await at.page.evaluate("sessionStorage.clear()")
        await at.page.goto(answer)
        await told(at, "stale")
        await at_home(at, house)
        await at.page.route(f"{house.issuer}/auth?**", lambda route: route.fulfill(status=204))
        await at.page.evaluate(LEAVE, BACK)
        attempt = await kept(at)
        code = parse_qs(urlsplit(answer).query)["code"][0]
        await come_back(at, code=code, state=attempt["state"])
        await told(at, "late")


@pytest.mark.nightly
@LANGUAGES
async def test_an_answer_that_this_tab_did_not_ask_for(language: str, visit: Visits, house: House) -> None:
    async with visit(at=house.place, language=language) as at:
        for query in ({"code": "x", "state": "y"}, {"code": "x"}, {"error": "access_denied"}, {"state": ""}):
            await come_back(at, **query)
            await told(at, "stale", language)
        assert await at.violations() == []


@pytest.mark.nightly
async def test_another_state_leaves_the_attempt_as_it_was(visit: Visits, house: House) -> None:
    async with signing_in(visit, house) as at:
        await at_home(at, house)
        attempt = await kept(at)
        await come_back(at, code="x", state=attempt["state"][:-1])
        await told(at, "stale")
        assert await kept(at) == attempt


ANSWERS = [
    ({"code": "x", "iss": "https://evil.example"}, "mismatch"),
    ({"error": "access_denied"}, "denied"),
    ({"error": "server_error"}, "provider"),
    ({"code": ""}, "provider"),
    ({"code": "made-up"}, "late"),
]


@pytest.mark.nightly
@LANGUAGES
@pytest.mark.parametrize(("query", "problem"), ANSWERS, ids=str)
async def test_each_failure_has_a_sentence_of_its_own(
    query: dict[str, str], problem: str, language: str, visit: Visits, house: House
) -> None:
    async with signing_in(visit, house, language=language) as at:
        await at_home(at, house)
        await come_back(at, state=(await kept(at))["state"], **query)
        await told(at, problem, language)
        assert await at.violations() == []
        other = "nl" if language == "en" else "en"
        await at.page.click(f'[data-language="{other}"]')
        await told(at, problem, other)


@pytest.mark.nightly
async def test_what_an_address_says_is_no_word_of_ours(visit: Visits, house: House) -> None:
    async with signing_in(visit, house) as at:
        for error, shown in (("server_error", "server_error"), ("Call%20555%20now", ""), ("<b>x</b>", "")):
            await at_home(at, house)
            await leave(at)
            await at_home(at, house)
            await come_back(at, state=(await kept(at))["state"], error=error)
            await told(at, "provider")
            assert (await at.text("#problem-id")).endswith(shown)
            assert bool(await at.text("#problem-id")) == bool(shown)


@pytest.mark.nightly
async def test_who_breaks_off_at_the_provider_is_told_and_may_begin_again(
    visit: Visits, house: House
) -> None:
    async with signing_in(visit, house) as at:
        await identify(at)
        await at.page.click('a[href$="/abort"]')
        await told(at, "denied")
        await at.page.click("#again")
        await at.page.wait_for_selector('input[name="prompt"]', state="attached")
        await consent(at)
        await at.page.wait_for_url(house.place + BACK)
        assert await session_of(at)


@pytest.mark.nightly
@pytest.mark.parametrize("changed", [{"nonce": "another"}, {"way": {"client_id": "another"}}], ids=str)
async def test_an_identity_that_was_given_to_another_is_not_taken(
    changed: dict[str, Any], visit: Visits, house: House
) -> None:
    async with signing_in(visit, house) as at:
        await identify(at)
        provider = at.page.url
        await at_home(at, house)
        way = (await kept(at))["way"]
        whole = {name: {**way, **value} if name == "way" else value for name, value in changed.items()}
        if "way" in changed:  # the token endpoint would refuse that client: the ID token is what is looked at
            await at.page.route(f"{house.issuer}/token", as_the_page)
        await keep(at, **whole)
        await at.page.goto(provider)
        await consent(at)
        await told(at, "mismatch")


async def as_the_page(route: Any) -> None:
    body = (route.request.post_data or "").replace("client_id=another", "client_id=page")
    await route.continue_(post_data=body)


@pytest.mark.nightly
async def test_a_verifier_that_is_not_ours_opens_nothing(visit: Visits, house: House) -> None:
    async with signing_in(visit, house) as at:
        await identify(at)
        provider = at.page.url
        await at_home(at, house)
        await keep(at, verifier="x" * 43)
        await at.page.goto(provider)
        await consent(at)
        await told(at, "late")


@pytest.mark.nightly
@LANGUAGES
async def test_an_account_that_the_service_does_not_know(language: str, visit: Visits, house: House) -> None:
    async with signing_in(visit, house, language=language) as at:
        await identify(at, "stranger")
        await consent(at)
        await told(at, "refused", language)
        assert await at.violations() == []


@pytest.mark.nightly
@LANGUAGES
async def test_a_provider_that_does_not_answer_the_page(language: str, visit: Visits, house: House) -> None:
    async with signing_in(visit, house, language=language) as at:
        await at.page.route(f"{house.issuer}/token", lambda route: route.abort())
        await identify(at)
        await consent(at)
        await told(at, "unreachable", language)


@pytest.mark.nightly
@LANGUAGES
@pytest.mark.parametrize(("status", "problem"), [(503, "away"), (429, "busy"), (0, "network")])
async def test_a_service_that_does_not_answer(
    status: int, problem: str, language: str, visit: Visits, house: House
) -> None:
    async with visit(at=house.place, language=language) as at:
        await at.page.goto(f"{house.place}/sign-in")
        await at.arrive("ways")
        assert await at.violations() == []

        async def answer(route: Any) -> None:
            await (route.fulfill(status=status, json={"code": "x"}) if status else route.abort())

        await at.page.route("**/v1/sign-in", answer)
        await at.page.click("#go")
        await told(at, problem, language)


async def test_without_a_secure_connection_nobody_leaves(visit: Visits, house: House) -> None:
    async with visit(at=house.place) as at:
        await at.page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
        await at.page.goto(f"{house.place}/sign-in")
        await at.page.click("#go")
        await told(at, "insecure")


@LANGUAGES
async def test_where_there_is_no_provider(language: str, visit: Visits, address: str) -> None:
    async with visit(at=address, language=language) as at:
        await at.page.goto(f"{address}/sign-in")
        await at.page.click("#go")
        await told(at, "none", language)


@pytest.mark.nightly
@LANGUAGES
async def test_signing_out_leaves_nothing_and_says_where_one_still_is(
    language: str, visit: Visits, house: House
) -> None:
    async with visit(at=house.place, language=language) as at:
        await at.page.goto(house.place + BACK)
        await at.page.evaluate(f"sessionStorage.setItem('{SESSION}', 'x')")
        await at.page.goto(f"{house.place}/sign-in")
        await at.arrive("ways")
        await at.page.goto(f"{house.place}/sign-in#out")
        await at.arrive("out")
        assert await session_of(at) is None
        address = await at.page.get_attribute("#there a", "href")
        assert str(address).startswith(f"{house.issuer}/session/end?client_id=page")
        assert house.issuer.removeprefix("http://") in await at.text("#there")
        assert await at.violations() == []


@pytest.mark.parametrize(
    "back", ["https://evil.example/x", "//evil.example/x", "/\\evil.example", "javascript:alert(1)"]
)
async def test_nobody_is_sent_elsewhere_afterwards(back: str, visit: Visits, house: House) -> None:
    async with visit(at=house.place) as at:
        await at.page.goto(f"{house.place}/setup")
        script = "async (back) => (await import('/pages/signin/oidc.js')).ownPlace(back)"
        assert await at.page.evaluate(script, back) == f"{house.place}/"


async def test_the_page_asks_nobody_but_the_service_and_the_provider(visit: Visits, house: House) -> None:
    async with visit(at=house.place) as at:
        await at.page.goto(f"{house.place}/sign-in")
        await at.arrive("ways")
        ask = "(url) => fetch(url).then(() => 'asked', () => 'refused')"
        assert await at.page.evaluate(ask, f"http://127.0.0.1:{free_port()}/") == "refused"
        await until(lambda: any("against the policy connect-src" in fault for fault in at.faults))
        at.faults.clear()
        await at.page.goto(f"{house.place}/setup")
        assert await at.page.evaluate(ask, f"{house.issuer}/.well-known/openid-configuration") == "refused"
        at.faults.clear()
