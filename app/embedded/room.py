"""Room on the disk of a data folder: PostgreSQL stops answering where it cannot write its log."""

import logging
import shutil
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailable

MB = 2**20
FOR_A_NEW_CLUSTER = 64 * MB
FOR_THE_NEXT_PIECE_OF_LOG = 32 * MB
"""It takes 16 MB at a time, and the rows of the while come beside it."""

log = logging.getLogger("betrokken.embedded")


def require_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FOR_A_NEW_CLUSTER:
        raise EmbeddedUnavailable(
            f"the disk of {folder} has {free // MB} MB left and a new PostgreSQL takes "
            f"{FOR_A_NEW_CLUSTER // MB}: make room, or set BETROKKEN_DATA_DIR to another folder"
        )


def is_short(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FOR_THE_NEXT_PIECE_OF_LOG
    except FileNotFoundError:
        return False


class Gauge:
    """Says once when room runs out, and once when there is some again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.was_short = False

    def look(self) -> None:
        if is_short(self.folder) == self.was_short:
            return
        self.was_short = not self.was_short
        if self.was_short:
            free = shutil.disk_usage(self.folder).free // MB
            log.error("disk_full", extra={"folder": str(self.folder), "free_mb": free, "do": "make room"})
        else:
            log.warning("disk_has_room", extra={"folder": str(self.folder)})
