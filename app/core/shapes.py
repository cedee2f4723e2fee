"""Texts of a certain form, and words for it: who writes one need not read the expression that checks it."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function


@dataclass(frozen=True)
class Shaped:
    """A text that the pattern fits; the words say what to write instead of one that it does not."""

    pattern: str
    words: str

    def check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise PydanticCustomError("invalid_value", self.words)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {**handler(schema), "pattern": self.pattern}


KEY = Shaped(
    r"^[A-Za-z][A-Za-z0-9_.-]{0,49}$",
    "Begin with a letter; then up to 49 letters, digits or any of _ . - may follow.",
)
"""The name of a segment or a facet."""
TOKEN = Shaped(
    r"^[A-Za-z0-9_=-]{1,100}$", "Take the address as it was sent: a part of it is missing or changed."
)
"""A secret that stands in an address."""
