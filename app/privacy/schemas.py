from typing import Literal

from app.core.schema import Schema


class Missing(Schema):
    """Something of the person that a right does not reach, and why."""

    what: Literal[
        "confidential_answers",
        "anonymous_answers",
        "comments",
        "texts",
        "released_numbers",
        "former_names",
        "names_of_things",
        "audit_log",
        "undelivered_events",
        "database_files",
    ]
    reason: Literal[
        "by_link_only",
        "cannot_be_found",
        "found_until_closed",
        "never_recomputed",
        "not_known",
        "not_looked_for",
        "keyed_hash",
        "until_delivered",
        "until_cleaned",
    ]
