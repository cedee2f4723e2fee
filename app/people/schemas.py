from pydantic import ConfigDict

from app.core.schema import Instant, Schema


class DeletedRecord(Schema):
    """Has no other member, so that a list can be told apart by `deleted_at`."""

    model_config = ConfigDict(extra="forbid")

    external_id: str
    deleted_at: Instant
