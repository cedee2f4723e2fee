"""What endpoints take from the path and the head alike."""

from typing import Annotated

from fastapi import Header, Path

from app.core.schema import Identifier

Key = Annotated[Identifier, Path()]
ExternalId = Annotated[Identifier, Path()]
AcceptLanguage = Annotated[str | None, Header(max_length=1000)]
