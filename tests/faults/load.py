"""Clients that repeat what was not acknowledged, and a ledger of what was."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.acceptance.process import Service, environment_of
from tests.acceptance.steps import open_survey, put_all
from tests.faults.site import Site

IMPATIENCE = 15.0
GIVERS = 4
KINDS = ("person", "recognition", "batch", "response", "invited")
STORED = {
    "person": "SELECT external_id FROM people WHERE external_id LIKE 'person-%'",
    "recognition": "SELECT message FROM recognitions WHERE message LIKE 'recognition-%'",
    "batch": "SELECT name FROM people WHERE name LIKE 'batch-%'",
    "response": "SELECT p.external_id FROM responses r JOIN people p ON p.id = r.respondent_key"
    " WHERE r.survey_id = '{survey}'",
    "invited": "SELECT p.external_id FROM responses r JOIN people p ON p.id = r.respondent_key"
    " WHERE r.survey_id = '{invited}'",
}
OF_A_BATCH = 20
ANSWERS = {"answers": {"S01": 3, "E01": 4}}


@dataclass(frozen=True)
class Given:
    """What the load has to work with: a key for everything, and an open survey for each door to answer by."""

    key: str
    survey: str
    survey_of_invited: str
    tokens: Mapping[str, str]
    """Of everybody who may answer: by name."""


@dataclass
class Ledger:
    given: Given
    acknowledged: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, name: str, answer: httpx.Response | None, is_repeat: bool = False) -> bool:
        with self.lock:
            if answer is None:
                self.statuses["cut"] += 1
                return False
            self.statuses[str(answer.status_code)] += 1
            if answer.is_success or (kind == "invited" and is_repeat and is_used(answer)):
                self.acknowledged[kind].add(name)
                return True
            if not is_for_later(answer):
                self.wrong.append(f"{kind} {name}: {answer.status_code} {answer.text[:300]}")
            return False

    def faults(self, site: Site) -> list[str]:
        """What was acknowledged and is not there, is there twice, or half."""
        found = list(self.wrong)
        surveys = {"survey": self.given.survey, "invited": self.given.survey_of_invited}
        for kind in KINDS:
            with self.lock:
                acknowledged = set(self.acknowledged[kind])
            stored = Counter(row[0] for row in site.sql(STORED[kind].format(**surveys))[0])
            times = {OF_A_BATCH} if kind == "batch" else {1}
            found += [f"{name} was acknowledged and is lost" for name in acknowledged - set(stored)]
            found += [f"{name} is there {n} times" for name, n in stored.items() if n not in times]
        return found


def is_for_later(answer: httpx.Response) -> bool:
    """Or a repetition that came while the request itself was in hand, which the contract has a code for."""
    if answer.status_code in (503, 429):
        return int(answer.headers.get("retry-after", 0)) > 0
    return answer.status_code == 409 and answer.json()["code"] == "idempotency_in_progress"


def is_used(answer: httpx.Response) -> bool:
    """Told to who repeats what was stored, and was not heard of: an invitation can be used once."""
    return answer.status_code == 409 and answer.json()["code"] == "already_responded"


class Load:
    """Some threads, each with one request in hand after another."""

    def __init__(self, site: Site, given: Given, kinds: Sequence[str] = KINDS, threads: int = 5) -> None:
        self.site, self.given, self.kinds = site, given, kinds
        self.ledger = Ledger(given)
        self.is_over = threading.Event()
        self.numbers = count()
        self.left = {"response": iter(given.tokens), "invited": iter(given.tokens)}
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    @property
    def acknowledged(self) -> Counter[str]:
        return Counter({kind: len(self.ledger.acknowledged[kind]) for kind in self.kinds})

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self.given.key}"}
        with httpx.Client(base_url=self.site.url, headers=headers, timeout=IMPATIENCE) as client:
            while not self.is_over.is_set():
                number = next(self.numbers)
                self.keep_sending(client, self.kinds[number % len(self.kinds)], number)
                time.sleep(0.05)

    def keep_sending(self, client: httpx.Client, kind: str, number: int) -> None:
        """Until it is acknowledged, under one key."""
        name = f"{kind}-{number}"
        if kind in self.left:
            name = next(self.left[kind], "")
            if not name:
                return
        is_repeat = False
        while not self.is_over.is_set():
            if self.ledger.note(kind, name, self.send(client, kind, name), is_repeat):
                return
            is_repeat = True
            time.sleep(0.2)

    def send(self, client: httpx.Client, kind: str, name: str) -> httpx.Response | None:
        if kind == "invited":
            return sent(client, "POST", "/v1/respond", ANSWERS, token=self.given.tokens[name])
        return sent(client, *self.request(kind, name), key=name)

    def request(self, kind: str, name: str) -> tuple[str, str, Any]:
        if kind == "person":
            return "PUT", f"/v1/people/{name}", {"name": "Somebody"}
        if kind == "batch":
            items = [{"external_id": f"{name}.{place}", "name": name} for place in range(OF_A_BATCH)]
            return "POST", "/v1/people/batch", {"items": items}
        if kind == "recognition":
            people = {"giver": "giver-0", "receivers": ["giver-1"]}
            return "POST", "/v1/recognitions", {"message": name, **people}
        return "POST", f"/v1/surveys/{self.given.survey}/responses", {"respondent": name, **ANSWERS}


def sent(
    client: httpx.Client, method: str, path: str, body: Any, *, key: str = "", token: str = ""
) -> httpx.Response | None:
    """None where the line was cut. With a token it comes of who was invited, who sends nothing else."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if key and method == "POST":
        headers["Idempotency-Key"] = key
    try:
        return client.request(method, path, json=body, headers=headers)
    except httpx.TransportError:
        return None


def organization(site: Site, respondents: int) -> Given:
    """Each of them may answer twice: over the API, and with their invitation to another survey."""
    with Service(site.url, environment_of(site.database)).organization("Faults") as api:
        givers = [f"giver-{number}" for number in range(GIVERS)]
        people = [*givers, *(f"respondent-{number}" for number in range(respondents))]
        put_all(api, "/v1/people", [{"external_id": name, "name": "Somebody"} for name in people])
        surveys = [open_survey(api, questionnaire="betrokken-33", mode="attributed") for _ in range(2)]
        asked = api.sent("POST", f"/v1/surveys/{surveys[1]}/invitations", json={"send": False})
        tokens = {each["respondent"]: each["token"] for each in asked["invitations"]}
        key = api.headers["authorization"].removeprefix("Bearer ")
        return Given(key, surveys[0], surveys[1], tokens)
