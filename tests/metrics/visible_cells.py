"""How many cells are told of the newest wave: python -m tests.metrics.visible_cells URL KEY."""

import sys
from collections import Counter

import httpx

from tests.waiting import PATIENCE


def main(url: str, key: str) -> None:
    params = {"by": ["organization", "team"]}
    headers = {"Authorization": f"Bearer {key}"}
    said = httpx.get(f"{url}/v1/metrics/facets", params=params, headers=headers, timeout=PATIENCE)
    groups = [group for group in said.raise_for_status().json()["groups"] if group["status"] == "ok"]
    for kind in ("facets", "questions"):
        told = Counter(entry["status"] for group in groups for entry in group[kind])
        sys.stdout.write(f"{kind}: {told['ok']} of {told.total()} in {len(groups)} groups\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
