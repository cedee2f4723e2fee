"""What a cluster's folder tells about its server, and how to stop that."""

import logging
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from app.embedded.errors import EmbeddedUnavailable
from app.embedded.sockets import PORT, is_listening

MAJOR = "18"
NAME = "betrokken"  # of the database, and of the role that owns it
PATIENCE = 300.0  # seconds; recovery after a power cut may take minutes
ORDERLY = 30.0
ORDERLY_END, ABRUPT_END = signal.SIGINT, signal.SIGQUIT
"""Disconnects everybody and writes a checkpoint; or leaves that to the next start, which then recovers."""
GRACE = 2.0  # where the system does not tell whose the process number is

log = logging.getLogger("betrokken.embedded")


@dataclass(frozen=True)
class Cluster:
    folder: Path

    @property
    def server_log(self) -> Path:
        return self.folder / "server.log"

    @property
    def next(self) -> Path:
        """Where a whole one waits for this place."""
        return self.folder.with_name("postgres.next")

    def major(self) -> str:
        return (self.folder / "PG_VERSION").read_text().strip()

    def require_own_major(self) -> None:
        if (major := self.major()) != MAJOR:
            raise EmbeddedUnavailable(
                f"{self.folder} was made by PostgreSQL {major} and this release brings {MAJOR}: run "
                "`betrokken upgrade-embedded`, or set BETROKKEN_DATA_DIR to another folder"
            )

    def is_ready(self) -> bool:
        """Waits while a server is on its way up or down; False when there is none."""
        deadline = time.monotonic() + PATIENCE
        silent_until = time.monotonic() + GRACE
        while status := self._status():
            if status == "ready":
                return True
            if status == "silent" and not self._may_be_starting(silent_until):
                log.info("stale_process_number_removed", extra={"folder": str(self.folder)})
                self._process_file.unlink()
            if time.monotonic() > deadline:
                raise EmbeddedUnavailable(f"PostgreSQL is still {status}; look into {self.server_log}")
            time.sleep(0.02)
        return False

    def _may_be_starting(self, silent_until: float) -> bool:
        """On a busy machine a server takes a while from writing its process number to opening its socket."""
        try:
            words = Path(f"/proc/{self._process()}/cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            return time.monotonic() < silent_until
        return os.fsencode(self.folder) in words

    def stop(self) -> None:
        """Orderly if it can: one that crashed just now, on a full disk, may never come to the end of that."""
        if self._status() in ("", "silent"):
            return
        socket_folder = self.socket_folder()
        if not self._is_gone_after(ORDERLY_END, ORDERLY) and not self._is_gone_after(ABRUPT_END, PATIENCE):
            raise EmbeddedUnavailable(f"PostgreSQL does not stop; look into {self.server_log}")
        if socket_folder != self.folder:
            shutil.rmtree(socket_folder, ignore_errors=True)
        log.debug("postgres_stopped", extra={"folder": str(self.folder)})

    def _is_gone_after(self, ending: signal.Signals, patience: float) -> bool:
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self._process(), ending)
        deadline = time.monotonic() + patience
        while self._status() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._status()

    def url(self, database: str = NAME) -> str:
        address = urlencode({"host": self.socket_folder(), "port": PORT}, safe="/")
        return f"postgresql://{NAME}@/{database}?{address}"

    def socket_folder(self) -> Path:
        return Path(self._process_lines()[4])

    @property
    def _process_file(self) -> Path:
        return self.folder / "postmaster.pid"

    def _process_lines(self) -> list[str]:
        """Process number, folder, start time, port, socket folder, listen address, shared memory, status."""
        return os.fsdecode(self._process_file.read_bytes()).splitlines()

    def _process(self) -> int:
        return int(self._process_lines()[0])

    def _status(self) -> str:
        """`starting`, `ready`, `stopping`; `silent`: a living process without a socket; or empty: none."""
        try:
            lines = self._process_lines()
        except FileNotFoundError:
            return ""
        if not lines or not _is_alive(int(lines[0])):
            return ""
        if len(lines) < 5 or not is_listening(Path(lines[4])):
            return "silent"
        return lines[7].strip() if len(lines) > 7 else "starting"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
