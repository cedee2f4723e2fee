from typing import Any
from uuid import UUID, uuid4

from app.auth import queries as auth
from app.auth.dependencies import API_KEY
from app.auth.principal import Principal
from app.core import audit
from app.core.conditional import Preconditions
from app.core.database import AsyncSession, Database, TenantSession
from app.core.errors import MissingScope
from app.core.patches import merge_patch
from app.core.secrets import Keyring, new_api_key, token_hash
from app.organizations import queries, schemas
from app.organizations.errors import MinimumGroupSizeLocked, NarrowedTwice, UnknownOrganization, UnknownTeam
from app.organizations.setup.queries import end_links
from app.tables import ApiKey, Organization

READ_ONLY = {"id", "created_at", "updated_at"}
DEFAULTS: dict[str, Any] = {
    "locale": "en",
    "time_zone": "Europe/Amsterdam",
    "minimum_group_size": 5,
    "minimum_comment_group_size": 10,
    "leap_day_rule": "feb_28",
    "working_days": [1, 2, 3, 4, 5],
    "recognition_edit_minutes": 15,
    "milestone_months": [12, 60, 120, 150, 300, 480],
    "weekend_rule": "same_day",
    "cards_enabled": True,
    "cards_approval": False,
    "cards_time": "08:00",
    "newsletter_day": 1,
}
DOORS = {
    "minimum_group_size",
    "minimum_comment_group_size",
    "recognition_edit_minutes",
    "answers_months",
    "leavers_months",
    "benchmark_epsilon",
    "benchmark_budget",
    "cards_enabled",
    "cards_approval",
}
"""Settings that decide what is shown, kept or sent."""
LEAST_AFTER_OPENING = 5


def represent(row: Organization) -> schemas.Organization:
    retention = schemas.Retention(answers_months=row.answers_months, leavers_months=row.leavers_months)
    milestones = [months / 12 for months in row.milestone_months]
    cards = schemas.Cards(enabled=row.cards_enabled, approval=row.cards_approval, time=row.cards_time)
    benchmark = schemas.Benchmark(epsilon=row.benchmark_epsilon, budget=row.benchmark_budget)
    metrics = schemas.MetricsChoices.model_validate(
        {name: getattr(row, f"metrics_{name}") for name in schemas.MetricsChoices.model_fields}
    )
    scim = schemas.Scim(team_groups=row.scim_team_groups, attributes=row.scim_attributes)
    nested = {
        "retention": retention,
        "milestones": milestones,
        "cards": cards,
        "benchmark": benchmark,
        "metrics": metrics,
        "scim": scim,
    }
    return schemas.Organization.model_validate({**row.model_dump(), **nested})


def represent_key(row: ApiKey) -> schemas.ApiKey:
    return schemas.ApiKey.model_validate(row.model_dump())


async def create_organization(session: AsyncSession, name: str, keyring: Keyring, **settings: Any) -> UUID:
    """Called with a system session: the organisation does not exist until it is there."""
    await end_links(session)
    organization_id = uuid4()
    own = {"id": organization_id, "name": name, "sealed_key": keyring.new_key(organization_id)}
    session.add(Organization(**{**DEFAULTS, **settings, **own}))
    await session.flush()
    return organization_id


async def found(database: Database, name: str, actor: str) -> UUID:
    """An organisation, and the entry that says who made it: both or neither."""
    async with database.system_session(reason="create an organisation") as session:
        organization_id = await create_organization(session, name, database.keyring)
        async with database.tenant_within(session, organization_id) as tenant:
            await audit.record(tenant, actor, "create_organization", str(organization_id))
    return organization_id


async def update_organization(
    session: TenantSession, patch: schemas.OrganizationPatch, conditions: Preconditions
) -> schemas.Organization:
    row = await queries.organization(session, lock=True)
    conditions.check(represent(row))
    sent = patch.model_dump(exclude_unset=True, exclude=READ_ONLY)
    retention, milestones = sent.pop("retention", {}), in_months(sent.pop("milestones", None))
    cards = {f"cards_{name}": value for name, value in sent.pop("cards", {}).items()}
    benchmark = {f"benchmark_{name}": value for name, value in sent.pop("benchmark", {}).items()}
    metrics = {f"metrics_{name}": value for name, value in sent.pop("metrics", {}).items()}
    scim = scim_settings(row, sent.pop("scim", {}))
    wanted = sent | retention | milestones | cards | benchmark | metrics | scim
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    least = min(LEAST_AFTER_OPENING, row.minimum_group_size)
    is_lowered = changes.get("minimum_group_size", least) < least
    if is_lowered and await queries.has_opened_a_survey(session):
        raise MinimumGroupSizeLocked.at("#/minimum_group_size")
    if changes:
        tell_of_doors(session, row, changes)
        await queries.change_organization(session, changes)
        if "cards_approval" in changes:
            await queries.hold_cards(session, is_held=changes["cards_approval"])
    return represent(await queries.organization(session))


def tell_of_doors(session: TenantSession, row: Organization, changes: dict[str, Any]) -> None:
    """From what to what a number or a switch goes; no text that people wrote."""
    told = {name: [getattr(row, name), value] for name, value in changes.items() if name in DOORS}
    if told:
        audit.tell_more(session, changed=told)


def scim_settings(row: Organization, sent: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are not named stay as they were, and null ends one."""
    if "attributes" in sent:
        sent = sent | {"attributes": merge_patch(row.scim_attributes, sent["attributes"])}
    return {f"scim_{name}": value for name, value in sent.items()}


def in_months(milestones: list[float] | None) -> dict[str, list[int]]:
    """Milestones are kept in months, in order; nothing where none were sent."""
    return {} if milestones is None else {"milestone_months": sorted(round(12 * one) for one in milestones)}


async def issue_api_key(session: TenantSession, wanted: schemas.ApiKeyWrite) -> schemas.ApiKeyCreated:
    if wanted.teams is not None and wanted.person is not None:
        raise NarrowedTwice.at("#/person")
    if unknown := await queries.unknown_teams(session, wanted.teams or ()):
        raise UnknownTeam.at(
            "#/teams", f"There is no team {unknown[0]}: check the identifier, or create the team first."
        )
    secret = new_api_key(wanted.environment)
    row = ApiKey(
        organization_id=session.organization_id,
        id=uuid4(),
        name=wanted.name,
        environment=wanted.environment,
        scopes=list(wanted.scopes),
        teams=wanted.teams,
        person=wanted.person,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await auth.add_credential(
        session,
        {
            "token_hash": token_hash(secret),
            "kind": API_KEY,
            "credential_id": row.id,
        },
    )
    return schemas.ApiKeyCreated(**represent_key(row).model_dump(), key=secret)


async def create_api_key(
    session: TenantSession, who: Principal, wanted: schemas.ApiKeyWrite
) -> schemas.ApiKeyCreated:
    """A key gives no more than its maker has."""
    beyond = set(wanted.scopes) - who.scopes
    if beyond:
        raise MissingScope(
            f"Your own key lacks {', '.join(sorted(beyond))}, so it cannot give them.", *beyond
        )
    limit = "teams" if wanted.teams is not None else "person" if wanted.person is not None else None
    audit.tell_more(session, scopes=sorted(wanted.scopes), limited_to=limit)
    return await issue_api_key(session, wanted)


async def require_organization(session: TenantSession) -> None:
    if await session.get(Organization, session.organization_id) is None:
        raise UnknownOrganization(
            f"No organisation {session.organization_id}: create one with `betrokken organizations create`."
        )
