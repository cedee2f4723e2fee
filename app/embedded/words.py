import re


def gist(output: str) -> str:
    """The one line of a program's output that tells why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"No space left|FATAL|PANIC|[Ee]rror:", line)]
    return (telling or lines[-1:] or ["no reason given"])[0]
