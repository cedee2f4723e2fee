"""What endpoints take from the path, the query and the head alike."""

from typing import Annotated

from fastapi import Header, Path, Query

from app.core.schema import Identifier

Key = Annotated[Identifier, Path()]
ExternalId = Annotated[Identifier, Path()]
WantedIdentifier = Annotated[Identifier | None, Query()]
AcceptLanguage = Annotated[str | None, Header(max_length=1000)]
