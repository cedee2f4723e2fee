from app.core.schema import ABSENT, Input, Locale, Name, Schema
from app.organizations.schemas import ApiKeyCreated, OrganizationRef


class FirstOrganizationWrite(Input):
    name: Name
    locale: Locale = ABSENT


class FirstOrganization(Schema):
    organization: OrganizationRef
    api_key: ApiKeyCreated
