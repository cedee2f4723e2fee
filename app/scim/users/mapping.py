"""Between a SCIM user and the person of the directory.

The document of a user is kept as it was sent. Of what the directory holds too, the document decides only as
long as it says the same: where another writer has changed the person since, the person is shown.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import available_timezones

import scim2_models as scim
from scim2_models import Context

from app.scim.mapping import EXTERNAL_ID, external_id_to_keep, identify, location_of
from app.scim.schemas import (
    ENTERPRISE,
    PEOPLE,
    Birthday,
    Email,
    EnterpriseUser,
    Manager,
    PeopleUser,
    Person,
    User,
)

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
OF_THE_DIRECTORY = {"schemas", "id", "meta", "userName", "active", "groups", "password", PEOPLE}
"""Never kept in the document: the tables of people have it, or nobody should."""


class Shared(NamedTuple):
    """What SCIM and /v1/people both write, under the names of /v1/people."""

    name: str | None
    email: str | None
    locale: str | None
    time_zone: str | None
    active: bool
    """Unless a client says no."""
    manager: str | None
    """To SCIM the id of a person, or whatever names one who is still to come."""
    starts_on: str | None
    ends_on: str | None


class Membership(NamedTuple):
    id: str
    name: str


class Stored(NamedTuple):
    """A person as the tables have it."""

    id: UUID
    external_id: str
    user_name: str
    document: Mapping[str, Any]
    shared: Shared
    manager_id: UUID | None
    groups: Sequence[Membership]
    """The team they are in comes first."""
    birthday: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime


@cache
def time_zones() -> frozenset[str]:
    """Found out once: it takes as long as a request."""
    return frozenset(available_timezones())


def key_of(user_name: str) -> str:
    """A user name as comparisons see it: RFC 7643 has it case-insensitive."""
    return scim.default_comparison_key(scim.Path[User[Any]]("userName").resolve(), user_name)


def shared_of(user: User[Any]) -> Shared:
    people, enterprise = user[PeopleUser], user[EnterpriseUser]
    return Shared(
        name=name_of(user),
        email=user.emails[chosen_email(user.emails)].value if user.emails else None,
        locale=(people and people.locale) or language_of(user.preferred_language) or language_of(user.locale),
        time_zone=user.timezone if user.timezone in time_zones() else None,
        active=user.active is not False,
        manager=enterprise.manager.value if enterprise and enterprise.manager else None,
        starts_on=people and people.start_date,
        ends_on=people and people.end_date,
    )


def name_of(user: User[Any]) -> str | None:
    name = user.name or scim.Name()
    parts = " ".join(part for part in (name.given_name, name.middle_name, name.family_name) if part)
    return user.display_name or name.formatted or parts or user.user_name


def chosen_email(emails: Sequence[Email]) -> int:
    """Which of the addresses mails go to: the primary one, else one for work, else the first."""
    ranks = [(not email.primary, email.type != Email.Type.work, place) for place, email in enumerate(emails)]
    return min(ranks)[-1]


def language_of(sent: str | None) -> str | None:
    """The first language of an Accept-Language, also as en_US; None where that is none."""
    first = (sent or "").partition(",")[0].partition(";")[0].strip().replace("_", "-")
    language, dash, rest = first.partition("-")
    tag = language.lower() + dash + rest
    return tag if LANGUAGE.fullmatch(tag) else None


def changes(before: Shared | None, after: Shared) -> dict[str, Any]:
    """What a sender changed of what is shared: what they repeat they did not write."""
    sent = after._asdict()
    if before is None:
        return {name: value for name, value in sent.items() if value is not None}
    return {name: value for name, value in sent.items() if value != getattr(before, name)}


def document_of(user: User[Any], own_external_id: str) -> dict[str, Any]:
    """What is kept of a user beside the person."""
    document = user.model_dump(scim_ctx=Context.DEFAULT)
    kept = {name: value for name, value in document.items() if name not in {*OF_THE_DIRECTORY, EXTERNAL_ID}}
    enterprise = {name: value for name, value in kept.pop(ENTERPRISE, {}).items() if name != "manager"}
    if enterprise:
        kept[ENTERPRISE] = enterprise
    if user[PeopleUser] and user[PeopleUser].locale:
        kept[PEOPLE] = {"locale": user[PeopleUser].locale}
    if user.active is None:
        kept["active"] = None
    return kept | external_id_to_keep(user, own_external_id)


def user_of(stored: Stored, base: str) -> Person:
    user = Person.model_validate({EXTERNAL_ID: stored.external_id, **stored.document})
    user.user_name = stored.user_name
    said = shared_of(user)
    follow_directory(user, said, stored.shared)
    is_said_by_core = user[PeopleUser] is None and said.locale == stored.shared.locale
    user[PeopleUser] = PeopleUser(
        start_date=stored.shared.starts_on,
        end_date=stored.shared.ends_on,
        locale=None if is_said_by_core else stored.shared.locale,
        birthday=None if stored.birthday is None else Birthday.model_validate(stored.birthday),
    )
    if stored.shared.manager:
        user[EnterpriseUser] = user[EnterpriseUser] or EnterpriseUser()
        user[EnterpriseUser].manager = manager_of(stored, base)
    is_unsaid = stored.document.get("active", True) is None
    user.active = None if is_unsaid and stored.shared.active else stored.shared.active
    user.groups = [membership(group, base) for group in stored.groups] or None
    identify(user, "User", stored, base)
    return user


def follow_directory(user: Person, said: Shared, held: Shared) -> None:
    """Corrects the document where it no longer says what the directory holds."""
    if said.name != held.name:
        user.display_name = held.name
        if user.name and user.name.formatted:
            user.name.formatted = held.name
    if said.email != held.email:
        user.emails = with_email(user.emails or [], held.email)
    if said.time_zone != held.time_zone:
        user.timezone = held.time_zone


def with_email(emails: list[Email], address: str | None) -> list[Email] | None:
    if not emails:
        return [Email(value=address, type=Email.Type.work, primary=True)]
    chosen = chosen_email(emails)
    corrected = emails[chosen].model_copy(update={"value": address})
    before, after = emails[:chosen], emails[chosen + 1 :]
    return [*before, *([corrected] if address else []), *after] or None


def manager_of(stored: Stored, base: str) -> Manager:
    """Whom a client has deleted, or who is still to come, has no address here."""
    manager = stored.shared.manager
    reference = location_of("User", str(stored.manager_id), base) if stored.manager_id else None
    return Manager(value=manager, ref=reference)  # type: ignore[arg-type]  # it becomes a Reference


def membership(group: Membership, base: str) -> scim.GroupMembership:
    address = location_of("Group", group.id, base)
    return scim.GroupMembership(
        value=group.id,
        ref=address,  # type: ignore[arg-type]  # it becomes a Reference
        display=group.name,
        type="direct",
    )
