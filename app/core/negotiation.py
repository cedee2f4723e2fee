"""Which of the forms of an answer an Accept header prefers (RFC 9110, 12.5.1)."""

from collections.abc import Mapping, Sequence

Aliases = Mapping[str, Sequence[str]]
"""What a media type is too, for whoever does not know its own name."""


def preferred(accept: str | None, kinds: Sequence[str], aliases: Aliases | None = None) -> str | None:
    """The first of those that are wanted most; None where none is wanted."""
    wanted = [_range(part) for part in (accept or "*/*").split(",") if part.strip()]
    names = {kind: (kind, *(aliases or {}).get(kind, ())) for kind in kinds}
    weights = {kind: max(_weight(name, wanted) for name in names[kind]) for kind in kinds}
    best = max(kinds, key=lambda kind: weights[kind])
    return best if weights[best] > 0 else None


def _range(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    given = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return kind, float(given)
    except ValueError:
        return kind, 0.0


def _weight(kind: str, wanted: Sequence[tuple[str, float]]) -> float:
    """What the most particular range says of it."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [weight for one, weight in wanted if one == name]
        if found:
            return max(found)
    return 0.0
