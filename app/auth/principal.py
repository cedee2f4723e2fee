"""Who is asking, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Scope(StrEnum):
    ORGANIZATION_WRITE = "organization:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    PEOPLE_DATES = "people:dates"
    SURVEYS_READ = "surveys:read"
    SURVEYS_WRITE = "surveys:write"
    RESPONSES_READ = "responses:read"
    RESPONSES_WRITE = "responses:write"
    RECOGNITIONS_READ = "recognitions:read"
    RECOGNITIONS_WRITE = "recognitions:write"
    CALENDAR_READ = "calendar:read"
    CALENDAR_WRITE = "calendar:write"
    KPIS_WRITE = "kpis:write"
    METRICS_READ = "metrics:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    KEYS_MANAGE = "keys:manage"
    PRIVACY_MANAGE = "privacy:manage"
    AUDIT_READ = "audit:read"


@dataclass(frozen=True)
class Principal:
    organization_id: UUID
    subject: str
    scopes: frozenset[Scope]
    kind: Literal["api_key", "oidc"]
    teams: tuple[str, ...] | None
    """Sees these teams with those below them, and nothing else; None sees everything."""
