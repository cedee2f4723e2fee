"""Files sent as imports, and what became of them."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

import httpx

from tests.conftest import Tenant

TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


def lines(rows: Iterable[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


async def send(
    acme: Tenant, content: Any, kind: str = "people", form: str = "ndjson", **options: Any
) -> httpx.Response:
    headers = {"Content-Type": TYPES[form]} | options.pop("headers", {})
    params = {"kind": kind, **options}
    return await acme.client.post("/v1/imports", content=content, params=params, headers=headers)


async def accepted(acme: Tenant, content: Any, kind: str = "people", **options: Any) -> str:
    answer = await send(acme, content, kind, **options)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    return str(answer.json()["id"])


async def done(acme: Tenant, content: Any, kind: str = "people", **options: Any) -> dict[str, Any]:
    """The import once it has ended."""
    import_id = await accepted(acme, content, kind, **options)
    await acme.work()
    found: dict[str, Any] = (await acme.client.get(f"/v1/imports/{import_id}")).json()
    assert found["finished_at"] is not None
    return found


async def report_of(acme: Tenant, found: dict[str, Any]) -> list[dict[str, Any]]:
    text = (await acme.client.get(f"/v1/imports/{found['id']}/report")).text
    return [json.loads(line) for line in text.splitlines()]


async def csv_report_of(acme: Tenant, found: dict[str, Any]) -> list[list[str]]:
    answer = await acme.client.get(f"/v1/imports/{found['id']}/report", params={"format": "csv"})
    return list(csv.reader(io.StringIO(answer.text)))


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    summary = found["summary"]
    return summary["created"], summary["updated"], summary["unchanged"], summary["failed"]


def faults(report: list[dict[str, Any]]) -> list[tuple[int | None, str | None, str]]:
    return [(line["line"], line["pointer"], line["code"]) for line in report]
