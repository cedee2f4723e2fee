"""What the door refuses before a slice sees it, in process and on the wire."""

import asyncio
import copy
import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from app.core import bodies
from app.core.contract import METHODS, contract, query_parameters, templates_of
from app.core.settings import Settings
from app.main import create_app
from app.serving import OPTIONS
from app.surveys.invitations.tokens import new_nonce, token_of
from tests.conftest import SECRET, Tenant
from tests.contract import ContractClient, Operation, operations, resolve
from tests.waiting import PATIENCE, until

WITH_BODY = [one for one in operations() if one.content and one.takes_keys and not one.takes_file]
BY_ID = {operation.id: operation for operation in operations()}
JSON = {"Content-Type": "application/json"}
GZIP = JSON | {"Content-Encoding": "gzip"}
MIB = 2**20
PERSON = "/v1/people/E-1042"


def each(found: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", found, ids=lambda operation: operation.id)


async def send(api: ContractClient, operation: Operation, content: Any, **headers: str) -> httpx.Response:
    return await api.request(operation.method, operation.url(), content=content, headers=JSON | headers)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text[:500]


@pytest.fixture
def api(acme: Tenant) -> ContractClient:
    """Acme's client, which shows the respondents' door an invitation in the place of its key."""
    token = token_of(acme.database.keyring, acme.id, uuid4(), new_nonce())

    async def show(request: httpx.Request) -> None:
        if request.url.path == "/v1/respond":
            request.headers["Authorization"] = f"Bearer {token}"

    acme.client.event_hooks = {"request": [show]}
    return acme.client


# ------------------------------------------------------------------ of every operation


@each(WITH_BODY)
async def test_a_body_that_is_not_json(operation: Operation, api: ContractClient) -> None:
    assert_problem(await send(api, operation, '{"name": "half'), 400, "malformed_json")


@each(WITH_BODY)
async def test_another_media_type(operation: Operation, api: ContractClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        answer = await send(api, operation, json.dumps(operation.body), **{"Content-Type": kind})
        assert_problem(answer, 415, "unsupported_media_type")


@each(WITH_BODY)
async def test_a_declared_size_beyond_the_limit(operation: Operation, api: ContractClient) -> None:
    answer = await send(api, operation, b"{}", **{"Content-Length": str(10 * MIB + 1)})
    assert_problem(answer, 413, "body_too_large")


@each(WITH_BODY)
async def test_an_unknown_member(operation: Operation, api: ContractClient) -> None:
    answer = await send(api, operation, json.dumps(operation.body | {"no/such": 1}))
    assert_problem(answer, 422, "unknown_field")
    assert answer.json()["errors"][0]["pointer"] == "#/no~1such"


@each(WITH_BODY)
async def test_a_body_of_another_kind(operation: Operation, api: ContractClient) -> None:
    for body in ("[]", '"text"', "1", "null", "true"):
        assert (await send(api, operation, body)).status_code == 422, body
    is_needed = operation.node["requestBody"]["required"]
    for body in (*[""][:is_needed], " ", "{}{}", "{'name': 1}", '{"name": 1,}', "\ufeff{}", "nul"):
        assert (await send(api, operation, body.encode())).status_code in (400, 422), body


@each(WITH_BODY)
async def test_a_member_that_comes_twice(operation: Operation, api: ContractClient) -> None:
    name, value = next(iter(operation.body.items()))
    twice = f'{{"{name}": {json.dumps(value)}, "{name}": {json.dumps(value)}}}'
    assert_problem(await send(api, operation, twice), 400, "malformed_json")


@each(WITH_BODY)
async def test_nesting_beyond_reason(operation: Operation, api: ContractClient) -> None:
    for body in ('{"name":' * 1000 + "1" + "}" * 1000, "[" * 100_000, "[" * 1000 + "]" * 1000):
        assert_problem(await send(api, operation, body), 400, "malformed_json")


def words_of(body: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where it has text."""
    if isinstance(body, str):
        yield place
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in members:
        yield from words_of(value, (*place, name))


def with_other(body: Any, place: tuple[str | int, ...], words: str) -> Any:
    changed = copy.deepcopy(body)
    within = changed
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = words
    return changed


UNSEEN = ["\u200b", "\u2060", "\u3164", "\u00ad", "\ufeff", "  "]


@each([operation for operation in WITH_BODY if operation.id != "create_responses_batch"])  # asks its survey
async def test_words_of_which_nothing_can_be_seen(operation: Operation, api: ContractClient) -> None:
    for number, place in enumerate(words_of(operation.body)):
        body = with_other(operation.body, place, UNSEEN[number % len(UNSEEN)])
        answer = await send(api, operation, json.dumps(body))
        told = answer.json()
        if "results" in told:
            assert "problem" in told["results"][int(place[1])], place
        else:
            assert answer.status_code == 422, place


@each(
    [
        operation
        for operation in operations()
        if query_parameters(operation.path, operation.method) is not None
    ]
)
async def test_a_parameter_that_is_not_known(operation: Operation, api: ContractClient) -> None:
    known = query_parameters(operation.path, operation.method) or {}
    content = json.dumps(operation.body) if operation.content else None
    name = f"{next(iter(known), 'tea')}x"
    address = httpx.URL(operation.url()).copy_add_param(name, "1")
    answer = await api.request(operation.method, address, content=content, headers=JSON)
    assert_problem(answer, 422, "unknown_parameter")
    assert answer.json()["errors"][0]["parameter"] == name
    assert all(f"did you mean {one}" in answer.json()["detail"] for one in list(known)[:1])


async def test_a_parameter_that_comes_twice(api: ContractClient) -> None:
    assert_problem(await api.get("/v1/people?limit=1&limit=2"), 422, "repeated_parameter")
    answer = await api.get("/v1/metrics/satisfaction-engagement?by=team&by=organization")
    assert_problem(answer, 404, "no_released_survey")


INTEGERS_OF_PARAMETERS = [
    (operation, node["name"])
    for operation in operations()
    for node in operation.parameters
    if node["schema"].get("type") == "integer"
]


@pytest.mark.parametrize(("operation", "name"), INTEGERS_OF_PARAMETERS, ids=str)
async def test_a_number_beyond_what_is_stored_is_refused(
    operation: Operation, name: str, api: ContractClient
) -> None:
    for number in (2**31, 2**63, 10**30, -(10**30)):
        url = httpx.URL(operation.url()).copy_merge_params({name: str(number)})
        answer = await api.request(operation.method, str(url))
        assert answer.status_code == 422, (number, answer.text)


ENDS_OF_TIME = {
    "date": ["0001-01-01", "9999-12-31", "9999-12-01"],
    "date-time": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T00:00:00+14:00"],
}


def forms_of(schema: Any) -> set[str]:
    inner = [one for member in ("anyOf", "oneOf", "allOf") for one in schema.get(member, [])]
    return {schema.get("format", "")}.union(*map(forms_of, inner)) & ENDS_OF_TIME.keys()


TIMES_OF_PARAMETERS = [
    (operation, node["name"], form)
    for operation in operations()
    for node in operation.parameters
    for form in forms_of(node["schema"])
]


@pytest.mark.parametrize(("operation", "name", "form"), TIMES_OF_PARAMETERS, ids=str)
async def test_a_day_at_the_end_of_time_is_a_day(
    operation: Operation, name: str, form: str, api: ContractClient
) -> None:
    for moment in ENDS_OF_TIME[form]:
        url = httpx.URL(operation.url()).copy_merge_params({name: moment})
        assert (await api.request(operation.method, str(url))).status_code < 500, moment


CHARTS_OF_DAYS = ("calendar", "recognition", "recognition-network")


@pytest.mark.parametrize("name", CHARTS_OF_DAYS)
async def test_a_chart_of_days_at_the_end_of_time(name: str, api: ContractClient) -> None:
    for params in [{one: day} for one in ("from", "to") for day in ENDS_OF_TIME["date"]]:
        assert (await api.get(f"/v1/charts/{name}", params=params)).status_code in (200, 422), params
    last = await api.get("/v1/charts/calendar", params={"from": "9999-12-31"})
    assert last.status_code == 200


@pytest.mark.parametrize("name", ["slack", "teams", "batch"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_word_beside_ids_is_none_of_them(
    method: str, name: str, api: ContractClient, anonymous: ContractClient
) -> None:
    for client in (api, anonymous):
        for sent in ({"json": {}}, {"content": b"x"}, {}):
            answer = await client.request(method, f"/v1/recognitions/{name}", **sent)
            assert_problem(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == "POST"


async def test_an_address_that_opens_by_itself_takes_what_others_add_to_it(anonymous: ContractClient) -> None:
    assert (await anonymous.get("/health/live?now=1")).status_code == 200


WRONG: list[Any] = [{}, [], -1, 1.5, "", "?", None, True, "x" * 5000]
SENTENCE = re.compile(
    "^(Input|Value|Field|String|List|Dictionary|Tuple|Data|Extra|Unable|Datetime|URL|Object|Assertion) "
)


@each(WITH_BODY)
async def test_what_is_wrong_is_told_in_our_words(operation: Operation, api: ContractClient) -> None:
    bodies = [operation.body | {name: value} for name in operation.body for value in WRONG]
    for body in [{}, {"items": [{}]}, operation.body | {"no_such": 1}, *bodies]:
        answer = await send(api, operation, json.dumps(body))
        faults = answer.json()["errors"] if answer.status_code == 422 else []
        assert not [fault["detail"] for fault in faults if SENTENCE.match(fault["detail"])], body


async def test_what_media_types_are_taken_is_said(api: ContractClient) -> None:
    text = {"Content-Type": "text/plain"}
    assert (await api.post("/v1/people/batch", headers=text)).headers["accept-post"] == "application/json"
    patch = await api.patch(PERSON, headers=text)
    assert patch.headers["accept-patch"] == "application/json, application/merge-patch+json"
    assert (await api.put(PERSON, headers=text)).headers["accept"] == "application/json"
    squeezed = await api.put(PERSON, content="{}", headers=JSON | {"Content-Encoding": "br"})
    assert squeezed.headers["accept-encoding"] == "gzip"
    file = await api.post("/v1/imports?kind=people", content="a", headers={"Content-Type": "image/png"})
    described = BY_ID["create_import"].content
    assert set(file.headers["accept-post"].split(", ")) == set(described), "the contract's"


async def test_a_weak_tag_reads_and_does_not_write(api: ContractClient) -> None:
    tag = (await api.put(PERSON, json={"name": "Noor de Wit"})).headers["etag"]
    again = await api.get(PERSON, headers={"If-None-Match": f"W/{tag}"})
    assert again.status_code == 304
    for tags, status in ((f"W/{tag}", 412), (f'W/{tag}, "x"', 412), (f"W/{tag}, {tag}", 200), ("*", 200)):
        answer = await api.put(PERSON, json={"name": "Noor de Wit"}, headers={"If-Match": tags})
        assert answer.status_code == status, tags


def with_bad_parameter(operation: Operation) -> str | None:
    """Its address with a parameter that cannot be; None where it has none that is checked."""
    names = {parameter["name"]: parameter["in"] for parameter in operation.parameters}
    in_path = [name for name, place in names.items() if place == "path"]
    if in_path:
        return operation.url(**{in_path[0]: "a b"})
    bad = next((name for name in ("limit", "survey_id", "from") if name in names), None)
    separator = "&" if "?" in operation.url() else "?"
    return operation.url() + f"{separator}{bad}=0" if bad else None


@each([operation for operation in operations() if with_bad_parameter(operation)])
async def test_a_parameter_that_cannot_be(operation: Operation, api: ContractClient) -> None:
    content = json.dumps(operation.body) if operation.content else None
    url = str(with_bad_parameter(operation))
    answer = await api.request(operation.method, url, content=content, headers=JSON)
    assert answer.status_code == 422
    assert {"parameter"} <= answer.json()["errors"][0].keys()


@each(
    [
        operation
        for operation in operations()
        if "{" in operation.path and "400" in operation.node["responses"]
    ]
)
async def test_an_encoded_slash(operation: Operation, api: ContractClient) -> None:
    names = [parameter["name"] for parameter in operation.parameters if parameter["in"] == "path"]
    url = operation.url(**{names[-1]: "a%2Fb"})
    assert_problem(await api.request(operation.method, url, headers=JSON), 400, "bad_path")


POSTS = [operation for operation in operations() if operation.takes_idempotency_key]


@each(POSTS)
async def test_an_idempotency_key_that_cannot_be(operation: Operation, api: ContractClient) -> None:
    content = json.dumps(operation.body) if operation.content else None
    answer = await send(api, operation, content, **{"Idempotency-Key": "x" * 256})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["header"] == "idempotency-key"


# ------------------------------------------------------------------ values


def leaves(value: Any, kind: type, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all members of exactly this type."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in inner:
        yield from leaves(member, kind, (*path, step))
    if type(value) is kind:
        yield path


def replaced(body: Any, path: tuple[Any, ...], raw: str) -> str:
    """The body as JSON, with this text in the place of one member."""
    changed = copy.deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "PLACE"
    return json.dumps(changed).replace('"PLACE"', raw, 1)


ALONE = [operation for operation in WITH_BODY if not operation.path.endswith("/batch")]
INTEGERS = [(one, path) for one in ALONE for path in leaves(one.body, int)]
TEXTS = [(one, path) for one in ALONE for path in leaves(one.body, str)]


def times_of(operation: Operation) -> dict[str, str]:
    """Members of its body that are a day or a moment."""
    schema = resolve(next(iter(operation.content.values()))["schema"])
    members = {name: forms_of(resolve(one)) for name, one in schema.get("properties", {}).items()}
    return {name: form for name, forms in members.items() for form in forms}


TIMES = [(one, name, form) for one in ALONE for name, form in times_of(one).items()]


@pytest.mark.parametrize(("operation", "name", "form"), TIMES, ids=str)
async def test_what_is_at_the_end_of_time_breaks_nothing(
    operation: Operation, name: str, form: str, acme: Tenant, api: ContractClient
) -> None:
    for moment in ENDS_OF_TIME[form]:
        answer = await send(api, operation, json.dumps(operation.body | {name: moment}))
        assert answer.status_code < 500, moment
        if answer.is_success and "id" in answer.json() and name in ("opens_at", "closes_at"):
            survey = f"/v1/surveys/{answer.json()['id']}"
            assert (await api.get(survey)).status_code == 200
            assert (await api.post(f"{survey}/open")).status_code < 500
            assert (await api.get(f"{survey}/invitations")).status_code < 500
    await acme.work()


def label(value: Any) -> str:
    return value.id if isinstance(value, Operation) else ".".join(map(str, value))


@pytest.mark.parametrize(("operation", "path"), INTEGERS, ids=label)
async def test_only_integers_are_integers(
    operation: Operation, path: tuple[Any, ...], api: ContractClient
) -> None:
    pointer = "#/" + "/".join(map(str, path))
    options = () if path[0] == "answers" else ('"4"', '""')  # an answer may be the key of an option
    for raw in ("true", "false", "3.5", "4.0", "[4]", "{}", "1e3", *options):
        answer = await send(api, operation, replaced(operation.body, path, raw))
        assert answer.status_code == 422, raw
        assert answer.json()["errors"][0]["pointer"].startswith(pointer), raw
    for raw in ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "01", "+1", "0x1", "1" + "0" * 5000):
        answer = await send(api, operation, replaced(operation.body, path, raw))
        assert_problem(answer, 400, "malformed_json")


@pytest.mark.parametrize(("operation", "path"), TEXTS, ids=label)
async def test_text_that_cannot_be_stored(
    operation: Operation, path: tuple[Any, ...], api: ContractClient
) -> None:
    for raw in (r'"a\u0000b"', r'"\ud800"', r'"a\udfffb"'):
        answer = await send(api, operation, replaced(operation.body, path, raw))
        assert_problem(answer, 422, "invalid_text")
    for wrong in ("1", "true", "[]", "{}"):
        answer = await send(api, operation, replaced(operation.body, path, wrong))
        assert answer.status_code == 422, wrong


@pytest.mark.parametrize(
    "raw", [b'{"name": "\xff"}', b'{"name": "\xed\xa0\x80"}', b'{"name": "a\x00b"}', b"\x00"]
)
async def test_bytes_that_are_not_json(raw: bytes, api: ContractClient) -> None:
    assert_problem(await send(api, BY_ID["put_person"], raw), 400, "malformed_json")


async def test_a_pair_of_surrogates_is_one_character(api: ContractClient) -> None:
    await send(api, BY_ID["put_person"], r'{"name": "\ud83c\udf89"}')
    assert (await api.get(PERSON)).json()["name"] == "\U0001f389"


@pytest.mark.parametrize("text", ["%00", "%ed%a0%80", "%ff", "%zz", "%", "%C0%80"])
async def test_text_that_cannot_be_in_path_and_query(text: str, wire: "Wire") -> None:
    for path in (
        f"/v1/people/{text}",
        f"/v1/surveys/{text}",
        f"/v1/people?team={text}",
        f"/v1/people?cursor={text}",
        f"/v1/recognitions?since={text}",
    ):
        assert (await wire.get(path)).status == 422, path


@pytest.mark.parametrize(
    "path", ["/v1/metrics/satisfaction-engagement?series=%00", "/v1/people?updated_after=%00"]
)
async def test_nul_in_free_text_of_a_query(path: str, wire: "Wire") -> None:
    assert (await wire.get(path)).status in (404, 422)


async def test_header_values_of_any_bytes(wire: "Wire") -> None:
    for name in ("If-None-Match", "Accept-Language", "X-Request-Id", "Content-Encoding"):
        answer = await wire.get("/v1/organization", headers=f"{name}: \xff\xfe\x80\r\n")
        assert answer.status in (200, 415), name


# ------------------------------------------------------------------ size and encoding


async def test_a_name_of_ten_megabytes(api: ContractClient) -> None:
    body = json.dumps({"name": "x" * 10 * MIB})
    assert_problem(await send(api, BY_ID["put_person"], body), 413, "body_too_large")


async def test_chunks_are_counted_where_no_length_is_declared(api: ContractClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * MIB

    assert_problem(await send(api, BY_ID["put_person"], chunks()), 413, "body_too_large")


@each([one for one in operations() if "408" in one.node["responses"]])
async def test_a_body_that_stops_coming(
    operation: Operation, api: ContractClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)

    async def half() -> AsyncIterator[bytes]:
        yield b" "
        await asyncio.Event().wait()

    kind = next(iter(operation.content), "application/x-www-form-urlencoded")
    answer = await send(api, operation, half(), **{"Content-Type": kind})
    assert_problem(answer, 408, "body_too_slow")


async def test_gzip_is_taken(api: ContractClient) -> None:
    body = gzip.compress(b'{"name": "Noor"}')
    for encoding in ("gzip", "GZIP", "x-gzip"):
        answer = await send(api, BY_ID["put_person"], body, **{"Content-Encoding": encoding})
        assert answer.json()["name"] == "Noor"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not gzip",
        gzip.compress(b"{}")[:-4],
        gzip.compress(b"{}")[:5],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"{") + gzip.compress(b"}"),
        gzip.compress(b"{}")[:-8] + b"\0" * 8,
    ],
    ids=["empty", "text", "cut", "header", "trailing", "two members", "checksum"],
)
async def test_gzip_that_is_not_one_whole_member(body: bytes, api: ContractClient) -> None:
    answer = await send(api, BY_ID["put_person"], body, **{"Content-Encoding": "gzip"})
    assert_problem(answer, 400, "malformed_gzip")


async def test_a_gzip_bomb(api: ContractClient) -> None:
    bomb = gzip.compress(b" " * (50 * MIB + 1))
    assert len(bomb) < 60_000
    answer = await send(api, BY_ID["put_person"], bomb, **{"Content-Encoding": "gzip"})
    assert_problem(answer, 413, "body_too_large")


async def test_other_encodings(api: ContractClient) -> None:
    for encoding in ("br", "deflate", "zstd", "gzip, gzip", "nonsense"):
        answer = await send(api, BY_ID["put_person"], b"{}", **{"Content-Encoding": encoding})
        assert_problem(answer, 415, "unsupported_encoding")


# ------------------------------------------------------------------ methods, paths, browsers


@pytest.mark.parametrize("path", contract()["paths"])
async def test_other_methods_are_405_with_a_complete_allow(path: str, api: ContractClient) -> None:
    url = next(operation.url() for operation in operations() if operation.path == path)
    items = [contract()["paths"][template] for template in templates_of(url.partition("?")[0])]
    own = {method.upper() for item in items for method in item if method in METHODS}
    own |= {"HEAD"} if "GET" in own else set()
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - own:
        answer = await httpx.AsyncClient.request(api, method, url)
        assert answer.status_code == 405, method
        assert set(answer.headers["allow"].split(", ")) == own
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/peoples", "/v1/people/", "/v1/me/", "/V1/me", "/docs/"])
async def test_unknown_paths_are_problems(path: str, api: ContractClient) -> None:
    assert_problem(await api.get(path), 404, "not_found")


async def test_paths_are_read_as_they_are(wire: "Wire") -> None:
    for path, status in {
        "/v1/people/..": 422,
        "/v1/people/.": 422,
        "/v1/people/%2e%2e": 422,
        "/v1/people/../me": 404,
        "/v1/people/E%2F1": 400,
        "/v1/people/E%2f1/occasions": 400,
        "/v1//people": 400,
        "//v1/me": 400,
        "/v1/people/E-1042/": 404,
    }.items():
        assert (await wire.get(path)).status == status, path


async def test_request_ids_are_kept_where_harmless(api: ContractClient) -> None:
    for value in ("r-1", "A" * 100, "0198f0f2.6c7d_7b21"):
        answer = await api.get("/v1/nothing", headers={"X-Request-Id": value})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == value
    for value in ("", "a b", "A" * 101, "<script>", "a;b", "a,b"):
        answer = await api.get("/v1/nothing", headers={"X-Request-Id": value})
        assert answer.headers["x-request-id"] != value
        assert answer.headers["x-request-id"] == answer.json()["request_id"]


async def test_browsers_are_not_let_in_unless_told(api: ContractClient) -> None:
    origin = {"Origin": "https://app.example.com"}
    preflight = origin | {"Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in (await api.get("/v1/me", headers=origin)).headers
    refused = await httpx.AsyncClient.request(api, "OPTIONS", "/v1/me", headers=preflight)
    assert refused.status_code in (400, 405)
    assert refused.headers["content-type"] == "application/problem+json"
    assert not [name for name in refused.headers if name.startswith("access-control-allow-origin")]


async def test_browsers_of_the_named_origins_are_let_in(acme: Tenant, database_url: str) -> None:
    settings = Settings(
        pseudonym_secret=SecretStr(SECRET), worker_enabled=False, cors_origins=["https://app.example.com"]
    )
    app = create_app(settings, database_url)
    app.state.database = acme.database
    preflight = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "If-Match"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        allowed = {"Origin": "https://app.example.com"}
        opened = await client.options("/v1/people/E-1", headers=allowed | preflight)
        assert opened.status_code == 200
        assert opened.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = await client.get("/v1/me", headers=allowed)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert {"ETag", "Link", "Retry-After"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )
        stranger = await client.get("/v1/me", headers={"Origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_answers_vary_by_what_they_depend_on(api: ContractClient) -> None:
    answer = await api.get("/v1/me")
    assert {"Authorization", "Accept-Language", "Accept-Encoding"} <= set(answer.headers["vary"].split(", "))


# ------------------------------------------------------------------ on the wire


class Reply:
    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ", 2)[1]) if head else 0
        self.head = head.decode("latin-1").lower()


class Wire:
    """A real server; requests are written byte by byte."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key

    async def send(self, raw: bytes, *, hang_up: bool = False) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        await writer.drain()
        if hang_up:
            writer.close()
            await writer.wait_closed()
            return Reply(b"")
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        await writer.wait_closed()
        return Reply(answer)

    def head(self, method: str, path: str, headers: str = "") -> bytes:
        fixed = f"Host: test\r\nAuthorization: Bearer {self.key}\r\nConnection: close\r\n"
        return f"{method} {path} HTTP/1.1\r\n{fixed}{headers}\r\n".encode("latin-1")

    async def get(self, path: str, headers: str = "") -> Reply:
        return await self.send(self.head("GET", path, headers))

    async def put(self, headers: str, body: bytes, *, hang_up: bool = False) -> Reply:
        typed = "Content-Type: application/json\r\n" + headers
        return await self.send(self.head("PUT", PERSON, typed) + body, hang_up=hang_up)


@pytest.fixture(scope="module")
async def server(app: FastAPI) -> AsyncIterator[uvicorn.Server]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", **OPTIONS))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield server
    server.should_exit = server.force_exit = True
    await task


@pytest.fixture
async def wire(server: uvicorn.Server, acme: Tenant) -> Wire:
    return Wire(server.servers[0].sockets[0].getsockname()[1], await acme.key())


BODY = b'{"name": "Noor de Wit"}'


async def test_a_whole_body_is_stored(wire: Wire, api: ContractClient) -> None:
    """The control of those below."""
    assert (await wire.put(f"Content-Length: {len(BODY)}\r\n", BODY)).status == 201
    assert (await api.get(PERSON)).status_code == 200


async def test_a_body_cut_off_half_way_stores_nothing(
    wire: Wire, api: ContractClient, server: uvicorn.Server
) -> None:
    await wire.put(f"Content-Length: {len(BODY) + 100}\r\n", BODY, hang_up=True)
    await wire.put("Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n" % (len(BODY), BODY), hang_up=True)
    await wire.get("/v1/me")  # a door takes callers in their order: by now it took the two before
    taken = server.server_state
    await until(lambda: not taken.connections and not taken.tasks)
    assert (await api.get(PERSON)).status_code == 404


async def test_chunks_are_put_together(wire: Wire, api: ContractClient) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    assert (await wire.put("Transfer-Encoding: chunked\r\n", chunks)).status == 201
    assert (await api.get(PERSON)).json()["name"] == "Noor de Wit"


async def test_a_length_that_lies(wire: Wire, api: ContractClient) -> None:
    assert (await wire.put("Content-Length: 5\r\n", BODY)).status == 400
    assert (await wire.put(f"Content-Length: {11 * MIB}\r\n", BODY)).status == 413
    assert (await wire.put("Content-Length: -1\r\n", BODY)).status == 400
    assert (await wire.put("Content-Length: x\r\n", BODY)).status == 400
    assert (await api.get(PERSON)).status_code == 404


async def test_more_than_the_limit_is_not_read_to_its_end(wire: Wire) -> None:
    chunk = b"%x\r\n%b\r\n" % (MIB, b" " * MIB)
    reply = await wire.put("Transfer-Encoding: chunked\r\n", chunk * 11)
    assert reply.status == 413
    assert "connection: close" in reply.head


async def test_a_head_request_of_a_get_is_answered_without_body(wire: Wire) -> None:
    reply = await wire.send(wire.head("HEAD", "/v1/me"))
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/metrics/overview?by=teams", None),
        ("GET", "/v1/metrics/celebrations?period=autumn", None),
        ("PUT", PERSON, {"name": "Noor", "segments": {"1st": "x"}}),
        ("PUT", PERSON, {"name": "Noor", "locale": "Dutch!"}),
        ("PATCH", "/v1/organization", {"scim": {"team_groups": "some"}}),
        ("PATCH", "/v1/organization", {"scim": {"attributes": {"department": "squad"}}}),
        ("PUT", "/v1/questionnaires/own", {"title": {"EN": "Own"}}),
    ],
)
async def test_a_wrong_form_is_said_in_words(method: str, path: str, body: Any, api: ContractClient) -> None:
    """Not by the expression that checks it."""
    answer = await api.request(method, path, json=body)
    assert answer.status_code == 422
    said = [fault["detail"] for fault in answer.json()["errors"]]
    assert any(words.startswith(("Write ", "Begin ")) for words in said), said
    assert not re.search(r"[\^$\\]|\{\d", answer.text)
