from functools import cache
from pathlib import Path

from app.core.shipped import read_yaml
from app.recognition.rules import PhraseLists

FILE = Path(__file__).parent / "words.yaml"


@cache
def words() -> PhraseLists:
    """The lists of words.yaml; read once."""
    lists = read_yaml(FILE)
    generic = tuple(sorted(lists.pop("generic"), key=len, reverse=True))
    return PhraseLists(generic=generic, **{name: frozenset(phrases) for name, phrases in lists.items()})
