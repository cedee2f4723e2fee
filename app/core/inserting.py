"""What Citus takes of an INSERT of rows that it selects elsewhere than where they go."""

import re
from functools import cache

PARENTHESES = re.compile(r"\([^()]*\)")
INSERT_OF_SELECTED = re.compile(r"\bINSERT INTO\b(?!.*\b(?:RETURNING|ON CONFLICT)\b).*\bSELECT\b", re.DOTALL)


@cache
def without_copy(sql: str) -> str:
    """Citus writes such rows by COPY, which row-level security refuses, unless the statement returns some."""
    outside, whole = sql, ""
    while outside != whole:
        outside, whole = PARENTHESES.sub("", outside), outside
    return f"{sql.rstrip()}\nRETURNING 1" if INSERT_OF_SELECTED.search(outside) else sql
