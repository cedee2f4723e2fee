from app.core.schema import Instant, Schema
from app.privacy.schemas import Missing


class Erasure(Schema):
    erased_at: Instant
    not_erased: list[Missing]
