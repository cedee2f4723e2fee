"""What a client does to get from people to numbers."""

from collections.abc import Sequence
from typing import Any

from tests.acceptance.process import Api, eventually
from tests.metrics.golden import texts

Json = dict[str, Any]
BATCH = 1000


def rows(file: str, *columns: str) -> list[dict[str, str]]:
    """The rows of a golden file."""
    values = zip(*(texts(file, column).tolist() for column in columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def put_all(api: Api, path: str, items: Sequence[Json]) -> None:
    """Sends the items in batches, each of which must be new."""
    for start in range(0, len(items), BATCH):
        part = list(items[start : start + BATCH])
        summary = api.sent("POST", f"{path}/batch", json={"items": part})["summary"]
        assert summary == {"created": len(part), "updated": 0, "unchanged": 0, "failed": 0}, path


def open_survey(api: Api, **members: Any) -> str:
    survey_id: str = api.sent("POST", "/v1/surveys", json={"name": "Autumn", **members})["id"]
    assert api.sent("POST", f"/v1/surveys/{survey_id}/open")["status"] == "open"
    return survey_id


def release(api: Api, survey_id: str) -> None:
    api.sent("POST", f"/v1/surveys/{survey_id}/close")
    eventually(lambda: api.sent("GET", f"/v1/surveys/{survey_id}")["status"] == "released")


def groups(api: Api, metric: str, survey_id: str, *by: str) -> dict[str, Json]:
    """What is said of each group, by its id; the organisation's is empty."""
    answer = api.sent("GET", f"/v1/metrics/{metric}", params={"survey_id": survey_id, "by": list(by)})
    return {group["group"]["id"] or "": group for group in answer["groups"]}
