from app.core.schema import Instant, Schema


class DeletedRecord(Schema):
    external_id: str
    deleted_at: Instant
