"""The pure parts: what a document says, what of it changed, what a filter demands, and deviations."""

from typing import Any
from uuid import UUID

import pytest
from scim2_models import ScimFilter

from app.scim.deviations import operations_of
from app.scim.filters import NOBODY, Demand, Equal, Joined, demand_of
from app.scim.schemas import ENTERPRISE, PEOPLE, Person
from app.scim.users.mapping import changes, language_of, shared_of

ID = "2819c223-7f76-453a-919d-413861904646"
MANAGER = f"{ENTERPRISE}:manager"


def said(**attributes: Any) -> Any:
    return shared_of(Person.model_validate({"userName": "u", **attributes}))


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({}, "u"),
        ({"name": {"givenName": "Ada", "familyName": "Lo"}}, "Ada Lo"),
        ({"name": {"givenName": "Ada", "middleName": "M", "familyName": "Lo"}}, "Ada M Lo"),
        ({"name": {"givenName": "Ada", "formatted": "Dr Ada Lo"}}, "Dr Ada Lo"),
        ({"displayName": "Ada!", "name": {"formatted": "Dr Ada Lo"}}, "Ada!"),
    ],
)
def test_the_name_is_the_one_meant_for_display(attributes: dict[str, Any], name: str) -> None:
    assert said(**attributes).name == name


@pytest.mark.parametrize(
    ("emails", "address"),
    [
        (None, None),
        ([], None),
        ([{"value": "a"}], "a"),
        ([{"value": "a", "type": "home"}, {"value": "b", "type": "work"}], "b"),
        ([{"value": "a", "type": "work"}, {"value": "b", "type": "home", "primary": True}], "b"),
        ([{"value": "a", "type": "home"}, {"value": "b", "type": "other"}], "a"),
    ],
)
def test_mails_go_to_the_primary_address_else_that_of_work(emails: Any, address: str | None) -> None:
    assert said(emails=emails).email == address


@pytest.mark.parametrize(
    ("sent", "language"),
    [
        ("nl", "nl"),
        ("en-US", "en-US"),
        ("en_US", "en-US"),
        ("NL-be", "nl-be"),
        ("nl-NL,nl;q=0.8,en;q=0.5", "nl-NL"),
        ("", None),
        (None, None),
        ("English", None),
        ("e", None),
    ],
)
def test_languages_are_read_as_they_are_sent(sent: str | None, language: str | None) -> None:
    assert language_of(sent) == language


def test_our_extension_speaks_before_the_core() -> None:
    core = {"preferredLanguage": "de", "locale": "fr-FR"}
    assert said(**core).locale == "de"
    assert said(**core, **{PEOPLE: {"locale": "nl"}}).locale == "nl"
    assert said(locale="fr-FR").locale == "fr-FR"


def test_a_time_zone_is_one_of_iana_or_none() -> None:
    assert said(timezone="Europe/Amsterdam").time_zone == "Europe/Amsterdam"
    assert said(timezone="W. Europe Standard Time").time_zone is None


def test_only_what_a_sender_changed_is_written() -> None:
    before = said(displayName="Ada", timezone="Europe/Amsterdam")
    assert changes(before, before) == {}
    after = said(displayName="Ada", active=False)
    assert changes(before, after) == {"time_zone": None, "active": False}
    assert changes(None, said(displayName="Ada")) == {"name": "Ada", "active": True}


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ('userName eq "Ada@X.nl"', Equal("user_name", "Ada@X.nl")),
        ('externalId eq "E-1"', Equal("external_id", "E-1")),
        (f'id eq "{ID}"', Equal("id", UUID(ID))),
        ('id eq "nonsense"', Equal("id", NOBODY)),
        (r'userName eq "a\u0000"', Equal("id", NOBODY)),
        (r'userName eq "a\ud800"', Equal("id", NOBODY)),
        ('userName eq "o\'brien@x.nl"', Equal("user_name", "o'brien@x.nl")),
        ('displayName eq "Zoë Ünal"', Equal("name", "Zoë Ünal")),
        ('emails eq "a@x.nl"', Equal("email", "a@x.nl")),
        ('emails[type eq "work"].value eq "a@x.nl"', Joined("INTERSECT", (Equal("email", "a@x.nl"),))),
        ('emails[type eq "work" and value eq "a@x.nl"]', Joined("INTERSECT", (Equal("email", "a@x.nl"),))),
        (
            'userName eq "a" and externalId eq "b" and title pr',
            Joined("INTERSECT", (Equal("user_name", "a"), Equal("external_id", "b"))),
        ),
        (
            'userName eq "a" or externalId eq "b"',
            Joined("UNION", (Equal("user_name", "a"), Equal("external_id", "b"))),
        ),
        ('userName eq "a" or title pr', None),
        ('not (userName eq "a")', None),
        ('userName ne "a"', None),
        ('userName sw "a"', None),
        ('title eq "a"', None),
        (f'{ENTERPRISE}:department eq "a"', None),
        (f'{PEOPLE}:locale eq "a"', None),
    ],
)
def test_what_a_filter_demands(tried: str, expected: Demand | None) -> None:
    assert demand_of(ScimFilter[Person](tried)) == expected


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        (
            [{"op": "Add", "path": MANAGER, "value": "x"}],
            [{"op": "Add", "path": MANAGER, "value": {"value": "x"}}],
        ),
        (
            [{"op": "add", "path": MANAGER, "value": [{"value": "x"}]}],
            [{"op": "add", "path": MANAGER, "value": {"value": "x"}}],
        ),
        (
            [{"op": "replace", "value": {"title": "t", 'emails[type eq "work"].value': "x"}}],
            [
                {"op": "replace", "value": {"title": "t"}},
                {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x"},
            ],
        ),
        (
            [{"op": "Remove", "path": "members", "value": [{"value": "x", "$ref": None, "display": "X"}]}],
            [{"op": "Remove", "path": "members", "value": [{"value": "x"}]}],
        ),
        (
            [
                {"op": "remove", "path": 'members[value eq "x"]'},
                {"op": "remove", "path": 'members[value eq "y"]'},
                {"op": "add", "path": "members", "value": [{"value": "x"}]},
            ],
            [
                {"op": "remove", "path": "members", "value": [{"value": "x"}, {"value": "y"}]},
                {"op": "add", "path": "members", "value": [{"value": "x"}]},
            ],
        ),
        (["nonsense", None, {"op": 3}], ["nonsense", None, {"op": 3}]),
    ],
)
def test_deviations_are_undone(sent: list[Any], plain: list[Any]) -> None:
    assert operations_of(sent, Person) == plain
