"""Calendar programs that are not ours: what each of them makes of a feed, as (UID, date).

khal and vdirsyncer need versions of their own, so they have an environment of their own.
"""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import recurring_ical_events
from icalendar import Calendar

from tests.installed import node_modules_in, reader_programs

Found = set[tuple[str, str]]
EXPAND = """
import fs from "node:fs";
import ICAL from "ical.js";
const [file, first, last] = process.argv.slice(2);
const found = [];
const calendar = new ICAL.Component(ICAL.parse(fs.readFileSync(file, "utf8")));
const isMoved = (component) => component.hasProperty("recurrence-id");
const all = calendar.getAllSubcomponents("vevent");
for (const component of all.filter((component) => !isMoved(component))) {
  const uid = component.getFirstPropertyValue("uid");
  const exceptions = all.filter((other) => isMoved(other) && other.getFirstPropertyValue("uid") === uid);
  const event = new ICAL.Event(component, { exceptions });
  const dates = event.iterator();
  for (let next; (next = dates.next()) && next.toString() <= last;) {
    const day = event.getOccurrenceDetails(next).startDate.toString();
    if (day >= first) found.push([event.uid, day]);
  }
}
console.log(JSON.stringify(found));
"""
SYNC = """
[general]
status_path = "{folder}/status"
[pair feed]
a = "local"
b = "remote"
collections = null
conflict_resolution = "b wins"
[storage local]
type = "filesystem"
path = "{folder}/events"
fileext = ".ics"
[storage remote]
type = "http"
url = "{url}"
"""
LIST = """
[calendars]
[[feed]]
path = {folder}/events
[sqlite]
path = {folder}/khal.db
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
default_timezone = UTC
local_timezone = UTC
"""


def by_icalendar(body: bytes, first: date, last: date) -> Found:
    events = recurring_ical_events.of(Calendar.from_ical(body)).between(first, last + timedelta(days=1))
    return {(str(event["UID"]), event["DTSTART"].dt.isoformat()) for event in events}


async def by_khal(url: str, folder: Path, first: date, last: date) -> Found:
    """vdirsyncer fetches the address into one file an event, with other UIDs; khal lists their titles."""
    programs = reader_programs()
    (folder / "events").mkdir()
    config = folder / "vdirsyncer.conf"
    config.write_text(SYNC.format(folder=folder, url=url), encoding="utf-8")
    for step in ("discover", "sync"):
        await run(programs / "vdirsyncer", "-c", config, step)
    (folder / "khal.conf").write_text(LIST.format(folder=folder), encoding="utf-8")
    days = (first.isoformat(), (last + timedelta(days=1)).isoformat())
    listed = await run(
        programs / "khal", "-c", folder / "khal.conf", "list", "--day-format", "", "--format",
        "{start-date}\t{title}", *days,
    )  # fmt: skip
    rows = [line.split("\t") for line in listed.splitlines() if line]
    return {(title, day) for day, title in rows if day <= last.isoformat()}


async def by_ical_js(file: Path, first: date, last: date) -> Found:
    script = node_modules_in(file.parent).with_name("expand.mjs")
    script.write_text(EXPAND, encoding="utf-8")
    printed = await run("node", script, file, first.isoformat(), last.isoformat())
    return {(uid, day) for uid, day in json.loads(printed)}


async def run(*command: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode() + out.decode()
    return out.decode()
