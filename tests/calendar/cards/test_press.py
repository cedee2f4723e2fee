"""Making a card ends, and disturbs nobody meanwhile."""

import asyncio
import gc
import json
import os
import subprocess
import threading
import weakref
from dataclasses import asdict, replace
from uuid import uuid4

import pytest

from app.calendar.cards.press import PRESS, printed
from app.calendar.cards.rendering import rendered
from app.calendar.cards.templates import TemplateRefused, built_in
from app.core import press
from tests.calendar.cards.test_rendering import NOOR, OURS, svg

OURSELVES = uuid4()
COVERED = svg(
    '<rect width="2400" height="2400" fill="red" opacity=".1"/>' * 4000, 'width="2400" height="2400"'
)
"""Legal by every shape, and minutes of work."""


async def test_what_is_made_elsewhere_is_the_same() -> None:
    template = built_in("birthday", "en")
    assert await printed(template, NOOR, OURSELVES) == rendered(template, NOOR)
    assert await printed(replace(template, picture=None), NOOR, OURSELVES) == rendered(
        replace(template, picture=None), NOOR
    )


async def test_a_refusal_comes_back_with_its_code() -> None:
    with pytest.raises(TemplateRefused, match="there is no config") as refused:
        await printed(replace(OURS, text="{{ config }}"), NOOR, OURSELVES)
    assert refused.value.code == "unknown_variable"


@pytest.mark.nightly
async def test_a_picture_that_takes_too_long_is_given_up_and_the_loop_goes_on() -> None:
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    other = asyncio.create_task(turning())
    with pytest.raises(TemplateRefused) as refused:
        await printed(replace(OURS, picture=COVERED), NOOR, OURSELVES)
    other.cancel()
    assert refused.value.code == "template_too_costly"
    assert turns > 100
    assert (await printed(OURS, NOOR, OURSELVES)).subject == "Hi Noor"


@pytest.mark.nightly
async def test_a_mail_that_takes_too_much_memory_is_given_up() -> None:
    greedy = "{% for wish in wishes %}" + "{{ wish.text }}" * 5000 + "{% endfor %}"
    wishes = [replace(NOOR.wishes[0], text="x" * 500)] * 500
    with pytest.raises(TemplateRefused) as refused:
        await printed(replace(OURS, html=greedy), replace(NOOR, wishes=wishes), OURSELVES)
    assert refused.value.code == "template_too_costly"


async def test_who_waits_for_the_processor_too_long_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(press, "PATIENCE", 0)
    with pytest.raises(TemplateRefused):
        await printed(replace(OURS, picture=COVERED), NOOR, OURSELVES)


def test_of_processes_that_died_nothing_is_left() -> None:
    for _ in range(3):
        process = PRESS.hand.running()
        process.kill()
        process.wait()
    running = PRESS.hand.running()
    mine = [one.peek() for one in gc.get_objects() if isinstance(one, weakref.finalize) and one.alive]
    ends = [found for found in mine if found[1] is press.end and found[0] is threading.current_thread()]
    assert [found[2] for found in ends] == [(running,)]


@pytest.mark.nightly
async def test_a_template_that_cannot_be_filled_in_ends_no_process() -> None:
    before = PRESS.hand.make(json.dumps([asdict(OURS), asdict(NOOR)]).encode())
    process = PRESS.hand.running()
    refused = json.loads(
        PRESS.hand.make(json.dumps([asdict(replace(OURS, text="{{ 3 | length }}")), asdict(NOOR)]).encode())
    )
    assert refused["code"] == "template_syntax"
    assert PRESS.hand.running() is process
    assert PRESS.hand.make(json.dumps([asdict(OURS), asdict(NOOR)]).encode()) == before


@pytest.mark.nightly
def test_the_process_has_no_secrets_and_ends_with_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETROKKEN_PSEUDONYM_SECRET", "very secret")
    found: list[tuple[subprocess.Popen[bytes], bytes]] = []

    def look() -> None:
        PRESS.hand.make(json.dumps([asdict(OURS), asdict(NOOR)]).encode())
        process = PRESS.hand.running()
        with open(f"/proc/{process.pid}/environ", "rb") as environment:
            found.append((process, environment.read()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    del thread
    (process, environment) = found[0]
    assert b"secret" not in environment
    assert b"PYTHONPATH" in environment
    assert process.wait(60) is not None
    assert not os.path.exists(f"/proc/{process.pid}")
