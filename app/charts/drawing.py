"""A specification, drawn: inside a process of its own, since the library holds on to the interpreter.

What it draws may stand in a page beside others and under a strict policy: it has no style, no script and no
link, its ids are its own, and what a screen reader says of it is what the specification says.
"""

import base64
import json
import math
import re
import resource
import struct
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from html import escape
from typing import IO, Any

import vl_convert

from app.charts.negotiation import Format
from app.charts.parts import Json

VERSION = "6.1"
"""Of Vega-Lite."""
SCALE = 2
"""Pixels of a picture for each of the specification: sharp on screens that have many."""
SECONDS = 30
MEMORY = 2 << 30
"""Bytes that are written to: of addresses alone the library takes more than any machine has."""
POINTS = b"IDAT"
TAG = re.compile(r'<[a-zA-Z](?:[^">]|"[^"]*")*>')
"""What of a drawing is not text: what somebody is called is let be, whatever it looks like."""
SPOKEN = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
IDS = re.compile(r'(?<= id="|url\(#)(?=clip\d)')
TOP = re.compile(r"<svg[^>]*>")


def drawn(specification: Json, wanted: Format, mark: str) -> bytes:
    given: dict[str, Any] = {"vl_spec": specification, "vl_version": VERSION, "allowed_base_urls": []}
    if wanted == "png":
        return smaller(vl_convert.vegalite_to_png(**given, scale=SCALE))
    svg: str = vl_convert.vegalite_to_svg(**given)
    return tidied(svg, specification, mark).encode()


def smaller(png: bytes) -> bytes:
    """The same picture, whose points are packed well: a third of what is made in haste."""
    parts = list(chunks(png))
    points = zlib.decompress(b"".join(data for kind, data in parts if kind == POINTS))
    head, *rest = [part for part in parts if part[0] != POINTS]
    packed = [head, (POINTS, zlib.compress(points, 9)), *rest]
    return png[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in packed
    )


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data (PNG 1.2, section 3.2)."""
    place = 8
    while place < len(png):
        (long,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + long]
        place += 12 + long


def tidied(svg: str, specification: Json, mark: str) -> str:
    """With its title and what it shows in words, once; `mark` makes its ids its own."""
    title = " ".join(specification["title"]["text"])
    plain = TAG.sub(lambda tag: IDS.sub(f"{mark}-", SPOKEN.sub("", tag[0])), svg)
    found = TOP.match(plain)
    assert found is not None
    named = f'<title id="{mark}-title">{escape(title)}</title>'
    said = f'<desc id="{mark}-desc">{escape(specification["description"])}</desc>'
    head = f'{found[0][:-1]} role="img" aria-labelledby="{mark}-title" aria-describedby="{mark}-desc">'
    return head + named + said + plain[found.end() :]


def main(orders: IO[bytes], answers: IO[bytes], allow: Callable[[], None]) -> None:
    """An order that cannot be drawn is answered with nothing, and costs the others nothing."""
    for order in orders:
        allow()
        answers.write(base64.b64encode(attempt(order)) + b"\n")
        answers.flush()


def attempt(order: bytes) -> bytes:
    try:
        return drawn(*json.loads(order))
    except Exception:  # whatever the library raises
        traceback.print_exc()
        return b""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_seconds() -> None:
    """Of the processor, so that a busy machine ends no drawing."""
    spent = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))


if __name__ == "__main__":
    limited()
    main(sys.stdin.buffer, sys.stdout.buffer, allow_seconds)
