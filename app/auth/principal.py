"""Who is asking, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from app.auth.rules import stands


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


Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Proof:
    """What a token leads to: a key of an organisation, or what an identity provider says of its bearer."""

    organization_id: UUID
    key_id: UUID | None = None
    claims: Claims = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    organization_id: UUID
    subject: str
    scopes: frozenset[Scope]
    kind: Literal["api_key", "oidc"]
    teams: tuple[str, ...] | None
    """Sees these teams with those below them, and nothing else; None sees everything."""
    led_since: Mapping[str, datetime] = field(default_factory=dict)
    """Of the teams that are seen because somebody leads them."""
    person: str | None = None
    """Whoever leads them."""

    def teams_of(self, opened_at: datetime, now: datetime) -> tuple[str, ...] | None:
        """Of what was opened then: whoever became a lead after that has not come to see it by that alone."""
        if self.teams is None:
            return None
        since = self.led_since
        return tuple(one for one in self.teams if one not in since or stands(since[one], opened_at, now))
