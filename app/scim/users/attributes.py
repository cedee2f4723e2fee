"""What attributes of an identity provider's user are here, by the organisation's setting."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

TEAM = "team"
Document = Mapping[str, Any]


class Meant(NamedTuple):
    """What a user's attributes say, where they say anything or have ceased to."""

    segments: dict[str, str | None]
    team: str | None
    has_team: bool


def meant(before: Document | None, after: Document, attributes: Mapping[str, str]) -> Meant:
    """An attribute that was there and is gone ends what it was; one that was never sent says nothing."""
    said = dict(changes(before or {}, after, attributes))
    segments = {target.partition(":")[2]: value for target, value in said.items() if target != TEAM}
    return Meant(segments, said.get(TEAM), TEAM in said)


def changes(
    before: Document, after: Document, attributes: Mapping[str, str]
) -> Iterator[tuple[str, str | None]]:
    for path, target in attributes.items():
        value = value_at(after, path)
        if value is not None or value_at(before, path) is not None:
            yield target, value


def value_at(document: Document, path: str) -> str | None:
    """Of `department` or `addresses.work.locality`, in the core or in any extension."""
    urn, _, rest = path.rpartition(":")
    extensions = [part for name, part in document.items() if name.lower().startswith(urn.lower() or "urn:")]
    places = extensions if urn else [document, *extensions]
    found = (walked(place, rest.lower().split(".")) for place in places)
    return next((value for value in found if value is not None), None)


def walked(value: Any, steps: list[str]) -> str | None:
    if isinstance(value, list):
        return walked(*chosen(value, steps)) if value else None
    if isinstance(value, dict):
        step, rest = (steps[0], steps[1:]) if steps else ("value", [])
        return walked({name.lower(): part for name, part in value.items()}.get(step), rest)
    return said(value) if not steps else None


def said(value: Any) -> str | None:
    text = str(value).lower() if isinstance(value, bool) else str(value or "").strip()
    return text or None


def chosen(entries: list[Any], steps: list[str]) -> tuple[Any, list[str]]:
    """Of a list the entry of that type, else the primary one, else the first."""
    objects = [entry for entry in entries if isinstance(entry, dict)]
    of_type = [entry for entry in objects if steps and str(entry.get("type")).lower() == steps[0]]
    if of_type:
        return of_type[0], steps[1:]
    primary = [entry for entry in objects if entry.get("primary")]
    return [*primary, *entries][0], steps
