from datetime import datetime

from app.core.schema import Schema
from app.organizations.schemas import OrganizationRef


class ErasureConfirmation(Schema):
    organization: OrganizationRef
    confirmation_token: str
    expires_at: datetime
