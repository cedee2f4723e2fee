import re

NO_ROOM = "No space left"


def gist(output: str) -> str:
    """The one line of a program's output that tells why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(rf"{NO_ROOM}|FATAL|PANIC|[Ee]rror:", line)]
    line = (telling or lines[-1:] or ["no reason given"])[0]
    return f"{line}: make room on its disk" if NO_ROOM in line else line
