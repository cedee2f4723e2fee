"""Which groups of an identity provider are teams."""

from fnmatch import fnmatchcase


def is_team(team_groups: str, name: str, external_id: str | None) -> bool:
    """`team_groups` is `all`, `none`, or a pattern for the name or the identifier."""
    what, _, pattern = team_groups.partition(":")
    if what == "name":
        return fnmatchcase(name.casefold(), pattern.casefold())
    if what == "external_id":
        return fnmatchcase(external_id or "", pattern)
    return what == "all"
