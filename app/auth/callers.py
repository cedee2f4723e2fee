"""Who may call, by what they were allowed to do: `who: PeopleReader` in an endpoint's signature."""

from typing import Annotated

from fastapi import Depends

from app.auth.dependencies import requires
from app.auth.principal import Principal, Scope

Auditor = Annotated[Principal, Depends(requires(Scope.AUDIT_READ))]
CalendarReader = Annotated[Principal, Depends(requires(Scope.CALENDAR_READ))]
CalendarWriter = Annotated[Principal, Depends(requires(Scope.CALENDAR_WRITE))]
DatesKeeper = Annotated[Principal, Depends(requires(Scope.PEOPLE_DATES))]
Inviter = Annotated[Principal, Depends(requires(Scope.CALENDAR_WRITE, Scope.METRICS_READ))]
"""Whoever invites shows numbers, so they must be allowed to see them."""
KeyManager = Annotated[Principal, Depends(requires(Scope.KEYS_MANAGE))]
KpiWriter = Annotated[Principal, Depends(requires(Scope.KPIS_WRITE))]
MetricsReader = Annotated[Principal, Depends(requires(Scope.METRICS_READ))]
"""Reads of the whole organisation; who sees some teams only is refused."""
OrganizationEraser = Annotated[Principal, Depends(requires(Scope.ORGANIZATION_WRITE, Scope.PRIVACY_MANAGE))]
OrganizationWriter = Annotated[Principal, Depends(requires(Scope.ORGANIZATION_WRITE))]
PeopleReader = Annotated[Principal, Depends(requires(Scope.PEOPLE_READ))]
PeopleWriter = Annotated[Principal, Depends(requires(Scope.PEOPLE_WRITE))]
PrivacyManager = Annotated[Principal, Depends(requires(Scope.PRIVACY_MANAGE))]
RecognitionReader = Annotated[Principal, Depends(requires(Scope.RECOGNITIONS_READ))]
RecognitionWriter = Annotated[Principal, Depends(requires(Scope.RECOGNITIONS_WRITE))]
ResponseReader = Annotated[Principal, Depends(requires(Scope.RESPONSES_READ))]
ResponseWriter = Annotated[Principal, Depends(requires(Scope.RESPONSES_WRITE))]
SurveyReader = Annotated[Principal, Depends(requires(Scope.SURVEYS_READ))]
SurveyWriter = Annotated[Principal, Depends(requires(Scope.SURVEYS_WRITE))]
TeamMetricsReader = Annotated[Principal, Depends(requires(Scope.METRICS_READ, by_team=True))]
WebhookManager = Annotated[Principal, Depends(requires(Scope.WEBHOOKS_MANAGE))]
