"""`betrokken demo` as a stranger meets it: a process in a terminal, what it prints, and HTTP."""

import asyncio
import codecs
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.demo.asking import MAILED
from app.demo.comments import sentences
from app.demo.company import Company, found_company, script
from app.demo.results import FEWEST, kpi_values, kpis
from app.demo.screen import OLDER, SHORTLY
from app.demo.service import EARLIER_WAVE, ORGANIZATION_ID
from app.demo.thanks import recognitions
from app.demo.waves import WAVES, Wave, responses
from app.embedded.server import embedded_postgres
from app.recognition.rules import months_before
from app.surveys.questionnaires.built_in import built_in
from tests.acceptance.process import Api
from tests.clock import today
from tests.conftest import SECRET, on_database, own_name, run_sql
from tests.embedded.servers import fetch, is_stopped, servers_below
from tests.waiting import PATIENCE, as_in_a_terminal

REPOSITORY = Path(__file__).parents[1]
READY = "Ctrl-C ends it."
STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CUT = 62.5
SENT_NAMES = ("external_id", "name", "series")
TODAY = date(2026, 11, 23)
NEW_NAME = "[/b] :smile:"
UNDO_RELEASES = (
    f"SET app.organization_id = '{ORGANIZATION_ID}'",
    "DELETE FROM releases",
    f"UPDATE surveys SET status = 'closed', released_at = NULL, name = '{NEW_NAME}'"
    " WHERE status = 'released'",
)
"""As if it had been killed before it made them."""
HOLD_UP_FILLING = (
    "CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM pg_sleep(3600); RETURN NEW; END'",
    "CREATE TRIGGER hold_up BEFORE INSERT ON responses FOR EACH ROW EXECUTE FUNCTION hold_up()",
)


class Terminal:
    """A demo process in a terminal of its own; `shown` is what it has written there, without colours."""

    def __init__(self, folder: Path, **environment: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("BETROKKEN_")}
        ours.pop("DATABASE_URL", None)
        self.screen, other_end = pty.openpty()
        command = [sys.executable, "-m", "app", "demo", "--port", "0", "--data-dir", str(folder)]
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=ours | {"TERM": "xterm", "COLUMNS": "80"} | environment,
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            start_new_session=True,
            preexec_fn=as_in_a_terminal,  # noqa: PLW1509 nothing of ours runs in another thread
        )
        os.close(other_end)
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.shown = ""

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while words not in self.shown:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self.screen], [], [], left)[0], f"waited in vain for {words}: {self.shown}"
            self.shown = STYLES.sub("", self.shown + self._read()).replace("\r\n", "\n")
        return self.shown

    def _read(self) -> str:
        try:
            return self.decoder.decode(os.read(self.screen, 65536))
        except OSError as error:  # nobody has the terminal open any more
            raise AssertionError(f"it ended with {self.process.wait(PATIENCE)}: {self.shown}") from error

    def interrupt(self) -> int:
        """Ctrl-C reaches the whole process group; says the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def curl_line(self) -> str:
        return next(line for line in self.shown.splitlines() if line.startswith("curl "))

    @property
    def key(self) -> str:
        found = re.search(r"^API key +(btk_test_\w+)$", self.shown, re.MULTILINE)
        assert found
        return found[1]

    def address(self, name: str) -> str:
        found = re.search(rf"^{name} +(http://127\.0\.0\.1:\d+/\S*)$", self.shown, re.MULTILINE)
        assert found
        return found[1]

    def api(self) -> Api:
        base = self.address("API").removesuffix("/v1/me")
        return Api(base_url=base, headers={"Authorization": f"Bearer {self.key}"}, timeout=PATIENCE)

    def curl(self) -> Any:
        done = subprocess.run(["sh", "-c", self.curl_line], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return json.loads(done.stdout)


@contextmanager
def terminal(folder: Path, **environment: str) -> Iterator[Terminal]:
    opened = Terminal(folder, **environment)
    try:
        yield opened
    finally:
        with suppress(ProcessLookupError):
            os.killpg(opened.process.pid, signal.SIGKILL)
        opened.process.wait(PATIENCE)
        os.close(opened.screen)
        for server in servers_below(folder):
            os.kill(server, signal.SIGKILL)


@dataclass(frozen=True)
class FirstStart:
    folder: Path
    shown: str
    key: str
    numbers: Any


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> FirstStart:
    """A demo that was filled, shown and ended by Ctrl-C; of its releases one is undone, as if by a kill."""
    folder = tmp_path_factory.mktemp("demo")
    with terminal(folder) as opened:
        opened.wait_for(READY)
        made = FirstStart(folder, opened.shown, opened.key, opened.curl())
        assert opened.interrupt() == 0
    assert is_stopped(folder)
    with embedded_postgres(folder) as url:
        asyncio.run(run_sql(url, *UNDO_RELEASES))
    return made


@pytest.fixture(scope="module")
def demo(first: FirstStart) -> Iterator[Terminal]:
    """A later start."""
    with terminal(first.folder) as opened:
        opened.wait_for(READY)
        yield opened


@pytest.fixture(scope="module")
def api(demo: Terminal) -> Iterator[Api]:
    with demo.api() as client:
        yield client


def everything(api: Api, path: str, **query: Any) -> list[Any]:
    """The items of all pages."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.sent("GET", path, params={"limit": 200} | query | cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


# ------------------------------------------------------------------------------------- what it prints


@pytest.mark.nightly
@pytest.mark.acceptance
def test_the_progress_of_filling_is_shown(first: FirstStart) -> None:
    for task in ("Teams and people", "Birthdays and weddings", "Answers 20", "Recognition events", "Results"):
        assert re.search(rf"{task}.*━ (\d+)/\1 ", first.shown), task


@pytest.mark.nightly
@pytest.mark.acceptance
def test_the_table_shows_what_the_api_answers(demo: Terminal) -> None:
    groups = demo.curl()["groups"]
    assert len(groups) > 30
    for group in groups:
        name = re.escape(group["group"]["name"])
        row = re.search(rf"^ *{name} +(.*)$", demo.shown, re.MULTILINE)
        assert row, name
        if group["status"] == "suppressed":
            assert row[1].strip() == SHORTLY[group["reason"]]
        else:
            shown = [f"{group[score]['score']:.0f}" for score in ("satisfaction", "engagement")]
            n, *scores = re.findall(r"^(\d+) +(\d+) \(\d+-\d+\) +(\d+) \(\d+-\d+\) ", row[1])[0]
            assert (int(n), scores) == (group["n"], shown)


@pytest.mark.nightly
@pytest.mark.acceptance
def test_a_demo_of_today_is_not_called_older(demo: Terminal) -> None:
    assert OLDER not in demo.shown


@pytest.mark.nightly
@pytest.mark.acceptance
def test_the_addresses_answer_and_the_key_may_do_everything(demo: Terminal, api: Api) -> None:
    for name in ("Dashboard", "API", "API page", "Prometheus", "Health"):
        assert api.get(demo.address(name)).is_success, name
    page, _, key = demo.address("Dashboard").partition("#")
    assert page.endswith("/")
    assert key == re.search(r"^API key +(\S+)$", demo.shown, re.MULTILINE)[1]
    me = api.sent("GET", "/v1/me")
    assert me["organization"]["name"] == "Betrokken Demo"
    assert len(me["scopes"]) == 18


@pytest.mark.acceptance
def test_whoever_is_asked_comes_by_link_or_mail_to_a_page_where_they_can_answer(
    first: FirstStart, demo: Terminal, api: Api
) -> None:
    """At the port that the demo was given, and in a survey that ends."""
    mails = [
        message_from_bytes(file.read_bytes(), policy=default) for file in first.folder.glob("mail/*.eml")
    ]
    texts = [mail.get_body(("plain",)).get_content() for mail in mails]
    links = [link for text in texts for link in re.findall(r"http://127.0.0.1:\d+/respond#bti_\S+", text)]
    assert len(links) == MAILED
    assert links[0].startswith(re.search(r"^Answer +(\S+)#", first.shown, re.MULTILINE)[1] + "#")
    assert demo.address("Answer") != re.search(r"^Answer +(\S+)", first.shown, re.MULTILINE)[1]
    for link in (links[0], demo.address("Answer")):
        headers = {"Authorization": f"Bearer {link.partition('#')[2]}"}
        form = api.sent("GET", "/v1/respond", headers=headers)
        assert (form["organization"], len(form["questions"])) == ("Betrokken Demo", 33)
        assert form["closes_at"] is not None
    assert "mail_written_to_folder" not in first.shown, "files are what is meant, so nothing is warned of"
    assert str(first.folder / "mail") in first.shown.replace("\n", "")
    page = httpx.get(demo.address("Answer"), timeout=PATIENCE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"


# ---------------------------------------------------------------------------------- what is filled in


@pytest.mark.acceptance
def test_about_240_people_speak_two_languages_in_a_tree_of_three_levels(api: Api) -> None:
    people = everything(api, "/v1/people")
    assert 220 <= len(people) <= 260
    assert len({person["name"] for person in people}) == len(people)
    assert {person["locale"] for person in people} == {"nl", "en"}
    assert not [person for person in people if person["unresolved"]]
    parents = {team["external_id"]: team["parent"] for team in everything(api, "/v1/teams")}
    assert {len(line_above(team, parents)) for team in parents} == {1, 2, 3}
    staffed = {person["team"] for person in people}
    assert {len(line_above(team, parents)) for team in staffed if team} == {2, 3}


def line_above(team: str | None, parents: dict[str, str | None]) -> list[str]:
    return [team, *line_above(parents[team], parents)] if team else []


@pytest.mark.acceptance
def test_two_surveys_a_quarter_apart_are_released_and_one_is_open(api: Api) -> None:
    surveys = everything(api, "/v1/surveys")
    assert [survey["status"] for survey in surveys] == ["open", "released", "released"]
    assert {survey["mode"] for survey in surveys} == {"confidential"}
    assert {survey["series"] for survey in surveys} == {"kwartaal"}
    assert {tuple(survey["report_by"]) for survey in surveys} == {("location",)}
    opened = [datetime.fromisoformat(survey["opened_at"]) for survey in surveys]
    assert [newer - older for newer, older in pairwise(opened)] == [timedelta(91)] * 2
    taken = api.sent("GET", f"/v1/surveys/{surveys[0]['id']}/participation")
    assert 40 < taken["responded"] < taken["invited"] < 240
    for survey in surveys[1:]:
        path = "/v1/metrics/participation"
        [whole] = api.sent("GET", path, params={"survey_id": survey["id"]})["groups"]
        assert 0.7 < whole["response_rate"] < 0.95


@pytest.mark.acceptance
@pytest.mark.parametrize("external_id", ["ronde-1", "ronde-2"])
def test_small_teams_are_suppressed_and_one_for_their_sake(api: Api, external_id: str) -> None:
    reasons = {
        group["group"]["id"]: group["reason"]
        for group in groups_of(api, external_id)
        if group["status"] == "suppressed"
    }
    assert reasons == {
        "begroting": "below_minimum",
        "salarissen": "complementary",
        "opleidingen": "below_minimum",
        "arbo": "below_minimum",
    }


@pytest.mark.acceptance
def test_shown_teams_lie_in_each_quadrant(api: Api) -> None:
    shown = [group for group in groups_of(api, "ronde-2") if group["status"] == "ok"]
    places = [
        tuple(group[score]["score"] >= CUT for score in ("satisfaction", "engagement"))
        for group in shown
        if group["group"]["kind"] == "team"
    ]
    assert min(places.count(place) for place in set(places)) >= 3
    assert len(set(places)) == 4


@pytest.mark.acceptance
def test_the_second_wave_is_held_against_the_first_and_what_was_recognised_between(api: Api) -> None:
    [whole] = api.sent("GET", "/v1/metrics/trends")["groups"]
    assert {change["measure"] for change in whole["changes"]} == {"satisfaction", "engagement", "gap", "enps"}
    [group] = api.sent("GET", "/v1/metrics/recognition-engagement")["groups"]
    assert group["status"] == "ok"
    assert group["n"] >= 100
    assert group["association"]["points"] > 0
    assert len(group["doses"]) >= 2


def groups_of(api: Api, external_id: str) -> list[Any]:
    surveys = {survey["external_id"]: survey["id"] for survey in everything(api, "/v1/surveys")}
    query = {"survey_id": surveys[external_id], "by": ["organization", "team"]}
    groups: list[Any] = api.sent("GET", "/v1/metrics/satisfaction-engagement", params=query)["groups"]
    return groups


@pytest.mark.acceptance
def test_18_months_of_recognition_in_both_languages(api: Api) -> None:
    events = everything(api, "/v1/recognitions")
    assert len(events) > 1_000
    moments = [datetime.fromisoformat(event["occurred_at"]) for event in events]
    now = datetime.now(UTC)
    assert timedelta(545) < now - min(moments) < timedelta(553)
    assert timedelta(0) < now - max(moments) < timedelta(5)
    months = {(moment.year, moment.month) for moment in moments}
    assert len(months) >= 18
    assert {len(event["receivers"]) for event in events} == {1, 2, 3}
    messages = "\n".join(event["message"] for event in events)
    assert "Dank je wel" in messages
    assert "Thank you" in messages


def twelve_months() -> dict[str, str]:
    """Parameters of a calendar from this month on, with each day of the year once, 29 February too."""
    first = today().replace(day=1)
    last = months_before(first, -12) - timedelta(1)
    return {"from": first.isoformat(), "to": last.isoformat()}


@pytest.mark.acceptance
def test_the_calendar_has_days_of_every_kind_and_a_29_february(api: Api) -> None:
    days = everything(api, "/v1/calendar", **twelve_months())
    assert {day["kind"] for day in days} == {"birthday", "wedding", "family_birthday", "work_anniversary"}
    leap = api.sent("GET", "/v1/people/E-0012/occasions/birthday")
    assert (leap["month"], leap["day"]) == (2, 29)
    [kept] = [day for day in days if day["person"]["external_id"] == "E-0012" and day["kind"] == "birthday"]
    assert kept["date"][5:] in ("02-28", "02-29")


@pytest.mark.acceptance
def test_some_consent_to_their_birthday_and_some_do_not(api: Api) -> None:
    days = everything(api, "/v1/calendar", **twelve_months())
    celebrated = {day["person"]["external_id"] for day in days if day["kind"] == "birthday"}
    people = [f"E-{number:04}" for number in range(1, 41)]
    birthdays = {person: api.sent("GET", f"/v1/people/{person}/occasions/birthday") for person in people}
    silent = {person for person, birthday in birthdays.items() if not birthday["consent"]}
    assert silent
    assert not silent & celebrated
    assert celebrated & birthdays.keys()


# ----------------------------------------------------------------------------------- what is sold


@pytest.mark.acceptance
def test_comments_are_shown_of_the_organisation_and_some_teams_and_none_is_said_twice(api: Api) -> None:
    query = {"by": ["organization", "team"]}
    groups = api.sent("GET", "/v1/metrics/comments", params=query)["groups"]
    shown = [group for group in groups if group["status"] == "ok"]
    assert shown[0]["group"]["kind"] == "organization"
    assert len(shown) > 5
    assert len(shown) < len(groups)
    assert min(len(group["comments"]) for group in shown) >= 10
    everybody = shown[0]["comments"]
    assert len(set(everybody)) == len(everybody) > 100
    assert {language_of(comment) for comment in everybody} == {"nl", "en"}


def language_of(comment: str) -> str:
    [language] = (
        language
        for language, parts in sentences().items()
        if comment in {f"{a} {b}" for a, b in product(chain(*parts.values()), repeat=2)}
    )
    return language


@pytest.mark.acceptance
def test_kpis_lie_beside_the_scores_of_teams_in_each_wave(api: Api) -> None:
    kpis = api.sent("GET", "/v1/metrics/outcomes")["kpis"]
    assert [kpi["kpi"]["key"] for kpi in kpis] == ["klacht-binnen-een-dag", "op-tijd", "ziekteverzuim"]
    for kpi in kpis:
        assert kpi["wave"]["status"] == "ok"
        assert kpi["wave"]["n"] == len(kpi["wave"]["points"]) >= 10
        assert kpi["across_waves"]["waves"] == 2
        values = everything(api, f"/v1/kpis/{kpi['kpi']['key']}/values")
        assert len({value["period"] for value in values}) == 12
        assert None in {value["team"] for value in values}
    on_time, absence = kpis[1]["wave"], kpis[2]["wave"]
    assert on_time["engagement"]["r"] > 0.5
    assert absence["satisfaction"]["r"] < -0.3


@pytest.mark.acceptance
def test_each_location_is_shown_and_no_more_is_hidden_for_it(api: Api) -> None:
    path = "/v1/metrics/satisfaction-engagement"
    groups = api.sent("GET", path, params={"by": "segment:location"})["groups"]
    assert {group["group"]["name"] for group in groups} == {"Antwerpen", "Bristol", "Groningen", "Utrecht"}
    assert {group["status"] for group in groups} == {"ok"}


@pytest.mark.acceptance
def test_enough_left_for_turnover_to_say_something(api: Api) -> None:
    path = "/v1/metrics/outcomes"
    query = {"survey_id": survey_id(api, "ronde-1"), "by": ["organization", "team"]}
    turnover = api.sent("GET", path, params=query)["turnover"]
    assert turnover["association"]["status"] == "ok"
    assert turnover["association"]["satisfaction"]["hazard_ratio"]["ratio"] < 1
    rates = {group["group"]["id"]: group["rate"] for group in turnover["groups"] if group["status"] == "ok"}
    assert 0 < rates["techniek"] < rates[None] < rates["logistiek"] < 1


def survey_id(api: Api, external_id: str) -> str:
    [found] = (one["id"] for one in everything(api, "/v1/surveys") if one["external_id"] == external_id)
    return str(found)


@pytest.mark.acceptance
def test_teams_thank_in_ways_of_their_own(api: Api) -> None:
    groups = api.sent("GET", "/v1/metrics/recognition", params={"by": "team"})["groups"]
    shown = [group for group in groups if group["status"] == "ok"]
    assert len(shown) >= 10
    crossing = [group["cross_team"]["share"] for group in shown]
    mutual = [group["network"]["reciprocity"] for group in shown]
    concentrated = [group["concentration"]["gini"] for group in shown]
    for values in (crossing, mutual, concentrated):
        known = [value for value in values if value is not None]
        assert max(known) - min(known) > 0.2


@pytest.mark.acceptance
def test_a_feed_and_reminders_are_set_up(api: Api) -> None:
    feeds = everything(api, "/v1/calendar/feeds")
    assert {feed["scope"] for feed in feeds} == {"organization", "team", "manager"}
    for feed in feeds:
        address = api.sent("POST", f"/v1/calendar/feeds/{feed['id']}/token")["url"]
        assert "BEGIN:VEVENT" in api.get(httpx.URL(address).path).text
    reminders = everything(api, "/v1/reminders")
    assert {reminder["recipient"] for reminder in reminders} == {"manager", "team", "person"}


@pytest.mark.acceptance
def test_the_webhook_is_an_example_and_sends_nothing(api: Api) -> None:
    [webhook] = everything(api, "/v1/webhooks")
    assert httpx.URL(webhook["url"]).host == "example.com"
    assert (webhook["enabled"], webhook["disabled_reason"]) == (False, "requested")
    assert everything(api, f"/v1/webhooks/{webhook['id']}/deliveries") == []


# --------------------------------------------------------------------------- starting, ending, starting


@pytest.mark.acceptance
def test_a_later_start_has_the_same_data_and_the_releases_that_were_missing(
    first: FirstStart, demo: Terminal
) -> None:
    assert "Teams and people" not in demo.shown
    assert NEW_NAME in demo.shown, "a name is shown as it is, and not taken for marks of the terminal"
    assert demo.key == first.key
    again = demo.curl()
    assert (again["release"], again["groups"]) == (first.numbers["release"], first.numbers["groups"])
    assert (first.folder / "demo-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.nightly  # interrupts, and fills a demo again
@pytest.mark.acceptance
def test_ctrl_c_while_it_fills_is_an_interrupt_that_leaves_nothing(tmp_path: Path) -> None:
    """The database holds the filling up in its midst, so that the interrupt finds it there on any machine."""
    served = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = served | {"BETROKKEN_DATA_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "app", "migrate"], cwd=REPOSITORY, env=environment, check=True)
    with embedded_postgres(tmp_path, durable=False) as url:
        asyncio.run(run_sql(url, *HOLD_UP_FILLING))
    with terminal(tmp_path, BETROKKEN_DATABASE_STATEMENT_TIMEOUT="3600") as opened:
        opened.wait_for("Answers 20")
        assert opened.interrupt() == 128 + signal.SIGINT
        assert is_stopped(tmp_path)
    with embedded_postgres(tmp_path, durable=False) as url:
        assert fetch(url, "SELECT count(*) FROM people") == 0


@pytest.mark.nightly  # kills, and fills a demo again
@pytest.mark.acceptance
def test_a_start_after_a_kill_has_the_same_data(tmp_path: Path) -> None:
    with terminal(tmp_path) as killed:
        killed.wait_for(READY)
        numbers = killed.curl()
        killed.kill()
        assert servers_below(tmp_path)
        with terminal(tmp_path) as later:
            later.wait_for(READY)
            assert later.curl() == numbers
            assert later.interrupt() == 0
            assert is_stopped(tmp_path)


@pytest.mark.nightly  # kills, and fills a demo again
@pytest.mark.acceptance
def test_a_start_killed_half_way_left_nothing_and_the_next_fills_it(tmp_path: Path) -> None:
    with terminal(tmp_path) as killed:
        killed.wait_for("Answers 20")
        killed.kill()
        with terminal(tmp_path) as second:
            assert "Teams and people" in second.wait_for(READY)
            with second.api() as api:
                assert len(everything(api, "/v1/people")) == 240
                assert len(everything(api, "/v1/surveys")) == 3
            second.interrupt()


@pytest.mark.nightly  # fills a demo again
@pytest.mark.acceptance
def test_a_database_of_ones_own_is_used(tmp_path: Path, server_url: str) -> None:
    name = own_name("demo")
    asyncio.run(run_sql(server_url, f"CREATE DATABASE {name} TEMPLATE template0"))
    environment = {"DATABASE_URL": on_database(server_url, name), "BETROKKEN_PSEUDONYM_SECRET": SECRET}
    migrate = [sys.executable, "-m", "app", "migrate"]
    subprocess.run(migrate, cwd=REPOSITORY, env=os.environ | environment, check=True)
    with terminal(tmp_path, **environment) as opened:
        opened.wait_for(READY)
        numbers = opened.curl()
        assert opened.interrupt() == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["demo-key", "mail"]
    renamed = f"UPDATE surveys SET external_id = '{EARLIER_WAVE}' WHERE external_id = 'ronde-1'"
    enter = f"SET app.organization_id = '{ORGANIZATION_ID}'"
    asyncio.run(run_sql(environment["DATABASE_URL"], enter, renamed))
    with terminal(tmp_path, **environment) as again:
        assert OLDER in again.wait_for(READY)
        assert again.curl() == numbers
        assert again.interrupt() == 0
    asyncio.run(run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.mark.acceptance
def test_a_taken_port_is_said_in_one_line(demo: Terminal, tmp_path: Path) -> None:
    port = demo.address("API").split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "app", "demo", "--port", port, "--data-dir", str(tmp_path / "new")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr == (
        f"betrokken: cannot listen on 127.0.0.1, port {port} (address already in use): "
        f"give another --port, such as --port {int(port) + 1}\n"
    )
    assert not (tmp_path / "new").exists()


# ----------------------------------------------------------------------------------- always the same


def test_the_cast_and_their_answers_are_the_same_on_any_day() -> None:
    now, later = found_company(TODAY), found_company(TODAY + timedelta(100))
    assert [(person.name, person.post) for person in now.people] == [
        (person.name, person.post) for person in later.people
    ]
    assert [person.name for person in now.people[:2]] == ["Fatima Kuipers", "Hanneke Yilmaz"]
    for wave in WAVES:
        assert answered(wave, now, TODAY) == answered(wave, later, TODAY + timedelta(100))


def test_no_relative_is_called_as_somebody_at_work() -> None:
    """Nor a father Karin."""
    company = found_company(TODAY)
    relatives = {
        (day["relation"], day["label"])
        for person in company.people
        for day in person.occasions.values()
        if day["kind"] == "family_birthday"
    }
    assert len(relatives) >= 10
    assert {label for _, label in relatives} & {person.name.split()[0] for person in company.people} == set()
    of_one = [{label for relation, label in relatives if relation == one} for one in ("vader", "moeder")]
    assert not of_one[0] & of_one[1]


def answered(wave: Wave, company: Company, today: date) -> list[tuple[int, list[dict[str, Any]]]]:
    invited = company.employed(today - timedelta(wave.opened_days_ago))
    return responses(wave, invited, built_in().content["questions"])


def test_joiners_and_leavers_miss_a_wave() -> None:
    company = found_company(TODAY)
    first, second, _ = (
        {person.external_id for person in company.employed(TODAY - timedelta(wave.opened_days_ago))}
        for wave in WAVES
    )
    assert len(first - second) >= 15
    assert len(second - first) >= 5


ENGLISH = re.compile(
    r"\b(accounting|control|culture|customer|data|demo|design|engagement|engineering|events|finance|mobile"
    r"|payroll|people|planning|quarterly|sales|services?|shift|wave|web)\b",
    re.IGNORECASE,
)


def test_the_company_is_dutch_from_names_to_identifiers() -> None:
    names = [text for team in found_company(TODAY).teams for text in (team.id, team.name)]
    names += [wave.as_sent(datetime(2026, 11, 23, tzinfo=UTC))[name] for wave in WAVES for name in SENT_NAMES]
    names += [key for key, _ in kpis()] + script()["values"]
    assert [name for name in names if ENGLISH.search(name)] == []


@pytest.mark.parametrize(
    "day", [date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2027, 3, 31), date(2031, 11, 30)]
)
def test_the_company_and_its_numbers_can_be_made_on_any_day(day: date) -> None:
    company = found_company(day)
    values = kpi_values(company, day)
    last = months_before(day, 1)
    assert max(value["period"] for value in values) == f"{last:%Y-%m}"
    assert len({value["period"] for value in values}) == 12
    usual = kpi_values(found_company(TODAY), TODAY)
    assert [value["value"] for value in values] == [value["value"] for value in usual]
    assert {value["team"] for value in values} == {
        None,
        *(team.id for team in company.teams if team.size >= FEWEST),
    }
    assert all(event["occurred_at"].date() < day for event in recognitions(company, day))


def test_no_comment_is_given_twice() -> None:
    company = found_company(TODAY)
    given = [
        item["comment"]
        for wave in WAVES
        for _, items in answered(wave, company, TODAY)
        for item in items
        if item["comment"]
    ]
    assert len(given) > 200
    assert len(set(given)) == len(given)


@pytest.mark.nightly
def test_nobody_thanks_themselves_or_somebody_who_is_not_there() -> None:
    company = found_company(TODAY)
    events = recognitions(company, TODAY)
    assert events == recognitions(company, TODAY)
    days = {event["occurred_at"].date() for event in events}
    present = {day: {person.external_id for person in company.employed(day)} for day in days}
    for event in events:
        assert {event["giver"], *event["receivers"]} <= present[event["occurred_at"].date()]
        assert event["giver"] not in event["receivers"]
