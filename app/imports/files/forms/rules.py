"""The file in a form (multipart/form-data, RFC 7578), as it comes in."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from app.imports.files.rules import FileRefused

BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))', re.IGNORECASE)
FILE_NAME = re.compile(rb"^content-disposition:.*;\s*filename\*?=", re.IGNORECASE | re.MULTILINE)
CONTENT_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
MOST_HEAD = 2**16
"""Bytes before the file: fields of the form, and the head of its part."""


class NoFile(FileRefused):
    def __init__(self) -> None:
        super().__init__("no_file", "The form has no file: send it in a field with a file name.")


class CutShort(FileRefused):
    def __init__(self) -> None:
        super().__init__("body_cut_off", "The form ends before its file does.")


@dataclass(frozen=True)
class FormFile:
    content_type: str
    pieces: AsyncIterator[bytes]


async def file_in(content_type: str, pieces: AsyncIterator[bytes]) -> FormFile:
    """The first part with a file name; the fields around it are passed over."""
    said = BOUNDARY.search(content_type)
    if said is None:
        raise NoFile
    boundary = b"\r\n--" + (said[1] or said[2]).encode()
    window = b"\r\n"
    async for piece in pieces:
        window += piece
        while (found := _part(window, boundary)) is not None:
            head, window = found
            if FILE_NAME.search(head):
                kind = CONTENT_TYPE.search(head)
                said_kind = kind[1].decode("latin-1").strip() if kind else ""
                return FormFile(said_kind, _until(boundary, window, pieces))
        if len(window) > MOST_HEAD:
            break
    raise NoFile


def _part(window: bytes, boundary: bytes) -> tuple[bytes, bytes] | None:
    """The head of the next part, and what follows it; None where more must come."""
    start = window.find(boundary)
    end = -1 if start < 0 else window.find(b"\r\n\r\n", start + len(boundary))
    return None if end < 0 else (window[start + len(boundary) : end], window[end + 4 :])


async def _until(boundary: bytes, window: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file; what may be the beginning of a boundary waits for what follows. The rest is read and left."""
    while (end := window.find(boundary)) < 0:
        keep = min(len(window), len(boundary) - 1)
        if ready := window[: len(window) - keep]:
            yield ready
        try:
            window = window[len(window) - keep :] + await anext(pieces)
        except StopAsyncIteration:
            raise CutShort from None
    if end:
        yield window[:end]
    async for _ in pieces:
        pass
