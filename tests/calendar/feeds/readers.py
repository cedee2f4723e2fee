"""Calendar programs that are not ours: what each of them makes of a feed, as (UID, date).

khal and vdirsyncer need versions of their own, so they are installed into a venv under pytest's cache;
ical.js comes from npm into a folder there. What cannot be had is skipped, with the reason.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import recurring_ical_events
from icalendar import Calendar

Found = set[tuple[str, str]]
READERS = ("khal==0.14.1", "vdirsyncer==0.21.0")
ICAL_JS = "ical.js@2.2.1"
EXPAND = """
import fs from "node:fs";
import ICAL from "ical.js";
const [file, first, last] = process.argv.slice(2);
const found = [];
const calendar = new ICAL.Component(ICAL.parse(fs.readFileSync(file, "utf8")));
for (const component of calendar.getAllSubcomponents("vevent")) {
  const event = new ICAL.Event(component);
  const dates = event.iterator();
  for (let next; (next = dates.next()) && next.toString() <= last;) {
    if (next.toString() >= first) found.push([event.uid, next.toString()]);
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


def installed_khal(cache: Path) -> Path:
    """The folder of khal's and vdirsyncer's programs."""
    programs = cache / "venv" / "bin"
    if not (programs / "khal").exists():
        subprocess.run([sys.executable, "-m", "venv", cache / "venv"], check=True)
        done = subprocess.run(
            [programs / "pip", "install", "--quiet", *READERS], capture_output=True, check=False
        )
        if done.returncode:
            shutil.rmtree(cache / "venv")
            pytest.skip("khal and vdirsyncer cannot be installed here: no Python package index")
    return programs


async def by_khal(programs: Path, url: str, folder: Path, first: date, last: date) -> Found:
    """vdirsyncer fetches the address into one file an event, with other UIDs; khal lists their titles."""
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


def installed_ical_js(cache: Path) -> Path:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("ical.js needs node and npm, which are not installed here")
    if not (cache / "node_modules" / "ical.js").exists():
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", cache, ICAL_JS]
        if subprocess.run(npm, capture_output=True, check=False).returncode:
            pytest.skip("ical.js cannot be installed here: no npm registry")
    (cache / "expand.mjs").write_text(EXPAND, encoding="utf-8")
    return cache / "expand.mjs"


async def by_ical_js(script: Path, file: Path, first: date, last: date) -> Found:
    printed = await run("node", script, file, first.isoformat(), last.isoformat())
    return {(uid, day) for uid, day in json.loads(printed)}


async def run(*command: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode() + out.decode()
    return out.decode()
