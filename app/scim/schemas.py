"""The SCIM resources of this service, and how it describes them to its clients."""

from datetime import date
from typing import Annotated, Any

import scim2_models as scim
from pydantic import AfterValidator, BeforeValidator, Field
from scim2_models import CaseExact, Mutability, Required, Returned, Uniqueness

from app.core.schema import one_spelling

PEOPLE = "urn:betrokken:params:scim:schemas:extension:people:1.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEFAULT_RESULTS, MAX_RESULTS = 100, 500
POLICY = scim.ScimPolicy(
    unknown=scim.ScimPolicy.Unknown.ignore,
    remove_value_as_filter=scim.ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=scim.ScimPolicy.UnmatchedPathFilter.create,
)
"""Identity providers send schemas of their own, values in a remove, and paths to what is not there."""


def _iso_date(value: str) -> str:
    return date.fromisoformat(value[:10]).isoformat()


def _as_reference(value: Any) -> Any:
    """A manager named by a bare string, or named nobody."""
    named = value.get("value") if isinstance(value, dict) else value
    if named is None or named == [] or (isinstance(named, str) and not named.strip()):
        return None
    return {"value": value} if isinstance(value, str) else value


IsoDate = Annotated[str, AfterValidator(_iso_date)]


OneSpelling = AfterValidator(lambda address: address and one_spelling(address))


class Email(scim.Email):
    value: Annotated[str | None, OneSpelling] = None
    """An address; not checked, as directories hold internal ones too."""


class Manager(scim.ComplexAttribute):
    value: Annotated[str | None, Required.true, CaseExact.true] = None
    """The id of the manager; the identifier of one who is still to come is kept."""

    ref: scim.Reference["User"] | None = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the manager."""


class EnterpriseUser(scim.EnterpriseUser):
    """The enterprise extension of RFC 7643."""

    manager: Annotated[Manager | None, BeforeValidator(_as_reference)] = None  # type: ignore[assignment]
    """The user's manager."""


class Birthday(scim.ComplexAttribute):
    month: Annotated[int | None, Required.true] = Field(None, ge=1, le=12, examples=["2", "11"])
    """1 to 12."""

    day: Annotated[int | None, Required.true] = Field(None, ge=1, le=31, examples=["1", "28"])
    """1 to 31. The year is not kept."""

    consent: Annotated[bool | None, Required.true] = None
    """Whether the person agreed to have it celebrated; without it nobody is told."""


class PeopleUser(scim.Extension):
    """What a calendar of people needs and SCIM lacks."""

    __schema__ = scim.URN(PEOPLE)

    start_date: IsoDate | None = Field(None, examples=["2021-03-01", "2024-09-01"])
    """The first day of the present employment, as an ISO 8601 date."""

    end_date: IsoDate | None = Field(None, examples=["2030-12-31", "2031-08-31"])
    """The last day employed, as an ISO 8601 date."""

    birthday: Birthday | None = None
    """Day and month of birth; read and written with the scope people:dates."""

    locale: str | None = Field(None, examples=["en", "nl", "nl-BE"])
    """The language the person is addressed in, as a BCP 47 tag."""


class User(scim.User[scim.AnyExtension]):
    """A person."""

    user_name: Annotated[str | None, Uniqueness.server, Required.true, OneSpelling] = Field(
        None, min_length=1, max_length=320
    )
    """The name the person signs in with, unique in the organisation whatever its case."""

    emails: list[Email] | None = None  # type: ignore[assignment]
    """The primary one, else the first of type work, else the first is the address mails go to."""


class GroupMember(scim.ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true, Required.true] = None
    """The id of a user."""

    ref: Annotated[scim.Reference["User"] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Users only: the tree of teams is kept by /v1/teams."""

    display: Annotated[str | None, Mutability.read_only, Returned.request] = None
    """The name of the user, where it is asked for."""


class Group(scim.Resource[Any]):
    """A team, or a group that makes none. Of several teams a person is in the deepest, else in the first."""

    __schema__ = scim.URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The name of the team or group."""

    members: list[GroupMember] | None = None
    """Those whom the client has named, and whoever is in the team."""


Person = User[EnterpriseUser | PeopleUser]
"""The composed model of /Users."""


def _config() -> scim.ServiceProviderConfig:
    return scim.ServiceProviderConfig(
        patch=scim.Patch(supported=True),
        bulk=scim.Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=scim.Filter(supported=True, max_results=MAX_RESULTS),
        change_password=scim.ChangePassword(supported=False),
        sort=scim.Sort(supported=False),
        etag=scim.ETag(supported=True),
        pagination=scim.Pagination(
            cursor=False, index=True, default_page_size=DEFAULT_RESULTS, max_page_size=MAX_RESULTS
        ),
        authentication_schemes=[
            scim.AuthenticationScheme(
                type=scim.AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="An API key with the scopes people:read and people:write.",
                primary=True,
            )
        ],
    )


PROVIDER = scim.ScimProvider(
    models=[User, EnterpriseUser, PeopleUser, Group],
    resource_types=[scim.ResourceType.from_resource(Person), scim.ResourceType.from_resource(Group)],
    config=_config(),
    policy=POLICY,
)


def published_schemas() -> list[scim.Schema]:
    """Without `password`: none is kept."""
    schemas = [schema.model_copy(deep=True) for schema in PROVIDER.schemas]
    for schema in schemas:
        schema.attributes = [one for one in schema.attributes or [] if one.name != "password"]
    return schemas
