"""The other side of the door: `betrokken import` sends a file and waits for what becomes of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BLOCK = 2**16
SECONDS_BETWEEN_LOOKS = 0.3


class SendingFailed(RuntimeError):
    """The message is one line that says what to do."""


@dataclass(frozen=True)
class Delivery:
    """A file, where it goes, and the options of its import."""

    file: Path
    url: str
    key: str
    options: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """By the name of the file; one that ends in .gz is sent as it is."""
        suffixes = self.file.suffixes or [""]
        packed = suffixes[-1] == ".gz"
        plain = suffixes[-2] if packed and len(suffixes) > 1 else suffixes[-1]
        if plain not in FORMATS:
            raise SendingFailed(
                f"{self.file.name} is neither .csv nor .ndjson nor .xlsx, with or without .gz"
            )
        encoding = {"Content-Encoding": "gzip"} if packed else {}
        return {"Content-Type": FORMATS[plain], "Idempotency-Key": str(uuid4()), **encoding}

    def send(self, console: Console) -> dict[str, Any]:
        """The import once it has ended."""
        bar = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        authorization = {"Authorization": f"Bearer {self.key}"}
        try:
            with bar, httpx.Client(base_url=self.url, headers=authorization, timeout=60) as client:
                sending = bar.add_task("sending", total=self.file.stat().st_size)
                answer = client.post(
                    "/v1/imports",
                    params=self.options,
                    headers=self.headers,
                    content=self.blocks(bar, sending),
                )
                return self.wait(client, checked(answer), bar, bar.add_task("reading", total=None))
        except httpx.HTTPError as error:
            raise SendingFailed(
                f"{self.url} cannot be reached ({type(error).__name__}): give --url"
            ) from error

    def blocks(self, bar: Progress, task: TaskID) -> Iterator[bytes]:
        with self.file.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
                bar.advance(task, len(block))

    def wait(
        self, client: httpx.Client, found: dict[str, Any], bar: Progress, task: TaskID
    ) -> dict[str, Any]:
        while found["finished_at"] is None:
            bar.update(task, total=found["size"], completed=found["processed"])
            time.sleep(SECONDS_BETWEEN_LOOKS)
            found = checked(client.get(f"/v1/imports/{found['id']}"))
        bar.update(task, total=found["size"], completed=found["processed"])
        return found

    def save_report(self, found: dict[str, Any], path: Path) -> None:
        form = "csv" if path.suffix == ".csv" else "ndjson"
        url = f"{self.url}/v1/imports/{found['id']}/report?format={form}"
        with httpx.stream("GET", url, headers={"Authorization": f"Bearer {self.key}"}, timeout=60) as answer:
            with path.open("wb") as file:
                file.writelines(answer.iter_bytes())


def checked(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        raise SendingFailed(f"{answer.url} answered {answer.status_code}: is it this service?") from None
    if not answer.is_success:
        raise SendingFailed(f"{answer.status_code} {body.get('code')}: {body.get('detail')}")
    return body


def mapping_of(given: str) -> str:
    """The name of a shipped mapping as it is, or what a file holds."""
    path = Path(given)
    try:
        return json.dumps(json.loads(path.read_text(encoding="utf-8"))) if path.suffix == ".json" else given
    except ValueError:
        raise SendingFailed(f"{given} is not JSON in UTF-8: see --mapping") from None


def summary_of(found: dict[str, Any]) -> str:
    told = ", ".join(f"{number} {what}" for what, number in found["summary"].items() if number is not None)
    return f"Import {found['id']} {found['status']}: {told}"
