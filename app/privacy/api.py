"""What the paths of these rooms have in common."""

from typing import Annotated

from fastapi import Depends, Path

from app.auth.dependencies import requires
from app.auth.principal import Principal, Scope
from app.core.schema import Identifier

PrivacyManager = Annotated[Principal, Depends(requires(Scope.PRIVACY_MANAGE))]
ExternalId = Annotated[Identifier, Path()]
