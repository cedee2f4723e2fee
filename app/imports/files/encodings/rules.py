"""What a file is, by its bytes: its letters, its line ends, or that it is no table at all."""

import codecs
import io
import re
from dataclasses import dataclass
from typing import Literal

from app.imports.files.rules import FileRefused

Format = Literal["ndjson", "csv", "xlsx"]
Ends = Literal["lf", "crlf", "cr"]
UTF_8 = "utf-8"
MARKS = {
    b"\xef\xbb\xbf": UTF_8,
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
WINDOWS_1252 = ("cp1252", "iso8859-1", "ascii")
"""ISO-8859-1 is what Windows-1252 is often said to be."""
CHARSETS = {
    "utf-8": UTF_8,
    **dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be"), "utf-16"),
    **dict.fromkeys(WINDOWS_1252, "cp1252"),
    **{name: name for name in (f"cp125{number}" for number in range(9) if number != 2)},
    **{name: name for name in (f"iso8859-{number}" for number in range(2, 17) if number != 12)},
    **{
        name: name
        for name in ("mac-roman", "cp437", "cp850", "cp852", "cp858", "cp866", "cp874", "koi8-r", "koi8-u")
    },
    **{name: name for name in ("shift_jis", "cp932", "euc_jp", "gb2312", "gbk", "gb18030", "big5", "cp950")},
    **{name: name for name in ("euc_kr", "cp949", "tis-620")},
}
"""What a sender may say of a file, by the name that Python has for it, and what it is read as."""
CALLED = {"x-mac-roman": "mac-roman", "x-sjis": "shift_jis", "windows-874": "cp874", "windows-949": "cp949"}
OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "of an Excel before 2007, or has a password: save it as .xlsx, without one",
    b"%PDF": "a PDF: export a table instead",
    b"\x1f\x8b": "compressed: send Content-Encoding: gzip with it",
    b"7z\xbc\xaf": "an archive: unpack it first",
    b"Rar!": "an archive: unpack it first",
    b"BZh": "compressed: send it unpacked, or with gzip",
    b"\x28\xb5\x2f\xfd": "compressed: send it unpacked, or with gzip",
    b"\xfd7zXZ": "compressed: send it unpacked, or with gzip",
    b"\x89PNG": "a picture: export a table instead",
    b"\xff\xd8\xff": "a picture: export a table instead",
    b"GIF8": "a picture: export a table instead",
    b"{\\rtf": "a text with its layout (RTF): export a table instead",
    b"PAR1": "of a database (Parquet): export it as CSV UTF-8",
    b"SQLite format": "a database: export a table of it as CSV UTF-8",
}
JSON_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?:[{\[]|\])")
JSON_TEXT = re.compile(rb'\s*"[^"\r\n]*\\n[^\r\n]*"\s*')
"""A whole file in the quotes of JSON, its line ends escaped: some generated clients make that of a text."""
MARKUP = re.compile(rb"\s*<(?:!doctype|\?xml|html|table|head|meta|style)", re.IGNORECASE)
ZIP = b"PK\x03\x04"
ESCAPED = re.compile("[\udc80-\udcff]")
FOREIGN = re.compile("[^\x00-\x7f\udc80-\udcff]")
NOT_1252 = re.compile(
    rb"[A-Za-z][\x81-\x84\x86-\x89\x8b\x8d\x8f\x90\x98\x99\x9b\x9d][a-z]"
    rb"|[A-Za-z][\x8a\x8c\x8e\x9f][a-z]"
    rb"|[a-z](?:[\x8a\x8c\x8e\x91\x93-\x95\x9f]|[\xa1-\xa9\xab\xac\xae-\xb3\xb5\xb6\xb8\xb9\xbb-\xbf])[a-z\xe0-\xff]"
    rb"|([\xa1-\xff])(?!\1)[\xa1-\xff]{3}"
)
"""Signs or capitals in the middle of a word, and words of accents alone: the bytes are letters elsewhere."""
LOW, HIGH = re.compile(rb"[a-z][\x80-\x9f]"), re.compile(rb"[a-z][\xc0-\xff]")
"""Letters of Mac OS Roman, and of Windows-1252, after another."""
QUOTED = re.compile(rb'"[^"]*"')
LINE_END = re.compile(rb"\r\n|\n|\r")


def charset_named(label: str) -> str | None:
    """What is read where a sender says this; None where nothing is."""
    try:
        return CHARSETS.get(codecs.lookup(CALLED.get(label, label)).name)
    except (LookupError, ValueError):
        return None


def format_of(head: bytes, said: Format | None) -> Format:
    """What was said, unless it is a workbook whatever was said; by its first sign where nothing was said."""
    if head.startswith(ZIP):
        return "xlsx"
    if said is not None:
        return said
    return "ndjson" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def refuse_other_files(head: bytes, form: Format) -> None:
    other = next((words for start, words in OTHER_FILES.items() if head.startswith(start)), None)
    if other is None and MARKUP.match(head):
        other = "a page of HTML or XML, whatever its name says: open it, and save it as .xlsx or as CSV UTF-8"
    if other is None and JSON_LIST.match(head):
        other = "a list of JSON: send each of its items as a line, as application/x-ndjson"
    if other is None and JSON_TEXT.fullmatch(head):
        other = "in the quotes of a JSON text: send its bytes as they are"
    if other is None and form == "xlsx" and not head.startswith(ZIP):
        other = "no workbook, whatever its name says: open it, and save it as .xlsx or as CSV UTF-8"
    if other is not None:
        raise FileRefused("not_a_table", f"The file is {other}.")


@dataclass
class Letters:
    """Which letters a file is written in, from all of its bytes in their order."""

    head: bytes = b""
    escaped: bool = False
    foreign: bool = False
    not_1252: bool = False
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder(UTF_8)("surrogateescape")

    def see(self, chunk: bytes) -> None:
        self.head = self.head or chunk
        text = self.decoder.decode(chunk)
        if chunk.isascii():
            return
        self.escaped = self.escaped or ESCAPED.search(text) is not None
        self.foreign = self.foreign or FOREIGN.search(text) is not None
        self.not_1252 = self.not_1252 or NOT_1252.search(chunk) is not None
        self.low += len(LOW.findall(chunk))
        self.high += len(HIGH.findall(chunk))

    def encoding(self, said: str | None) -> str:
        """Where letters of UTF-8 stand among others, it is UTF-8 with faults, which rows are told."""
        wide = wide_encoding(self.head)
        if wide is not None:
            return wide
        if said is not None and self.escaped:
            return said
        if self.foreign or not self.escaped:
            return UTF_8
        if line_ends(self.head) == "cr" and (self.not_1252 or self.low > self.high):
            return "mac-roman"
        if self.not_1252:
            raise FileRefused(
                "unknown_encoding",
                "The letters of the file are neither UTF-8 nor Windows-1252: save it as CSV UTF-8,"
                " or say its charset in Content-Type.",
            )
        return "cp1252"


def wide_encoding(head: bytes) -> str | None:
    """By its mark, or by its NULs: of ASCII every second byte is one."""
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return None if marked == UTF_8 else marked
    start = head[:64]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 > len(start) > 1 and min(even, odd) * 4 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def line_ends(head: bytes) -> Ends:
    """By the first that is not in quotes."""
    found = LINE_END.search(QUOTED.sub(b"", head))
    ends: dict[bytes, Ends] = {b"\r\n": "crlf", b"\r": "cr"}
    return ends.get(found.group(), "lf") if found else "lf"


class Transcriber:
    """A file as UTF-8 with lines that end in LF, a chunk at a time. What cannot be read stays what it is."""

    def __init__(self, encoding: str, ends: Ends) -> None:
        errors = "surrogatepass" if encoding.startswith("utf-") else "surrogateescape"
        plain = codecs.getincrementaldecoder(encoding)("surrogateescape" if encoding == UTF_8 else errors)
        self.decoder = io.IncrementalNewlineDecoder(plain, translate=True) if ends == "cr" else plain
        self.is_wide = errors == "surrogatepass" and encoding != UTF_8

    def add(self, chunk: bytes, is_last: bool) -> bytes:
        try:
            text = self.decoder.decode(chunk, is_last)
        except UnicodeDecodeError:
            raise FileRefused(
                "unknown_encoding", "The file breaks off in the middle of a letter: save it as CSV UTF-8."
            ) from None
        return text.encode(UTF_8, "surrogatepass" if self.is_wide else "surrogateescape")
