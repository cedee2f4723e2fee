"""Where the server's socket lies: in the cluster's folder, or where its path does not fit, in a short one."""

import os
import pwd
import re
import socket
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailable

PORT = 5432  # names the socket file; nothing listens on it
ADDRESSABLE = re.compile(r"[\w./~+-]{1,89}", re.ASCII)  # a socket's path may have 103 bytes, its name has 14
SHORT_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 a folder of its own there, checked to be ours
IMPATIENT = 2.0


def socket_folder_for(cluster: Path, account: pwd.struct_passwd | None) -> Path:
    """The same at every start: who was connected before comes back by the address it knows."""
    if ADDRESSABLE.fullmatch(str(cluster)):
        return cluster
    name = "betrokken-" + sha256(os.fsencode(cluster)).hexdigest()[:16]
    for place in SHORT_PLACES:
        if _is_made(Path(place) / name, account):
            return Path(place) / name
    raise EmbeddedUnavailable(
        f"the path of {cluster} is too long for a socket, or has other characters than A-Z a-z 0-9 ._~+-, "
        f"and none of {', '.join(SHORT_PLACES)} can be written: set BETROKKEN_DATA_DIR to a short path"
    )


def _is_made(folder: Path, account: pwd.struct_passwd | None) -> bool:
    """It is there, the server's own and closed to others: somebody else may have taken the name."""
    uid, gid = (account.pw_uid, account.pw_gid) if account else (os.geteuid(), os.getegid())
    with suppress(OSError):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, gid)
        status = folder.lstat()
        return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o077
    return False


def is_listening(folder: Path) -> bool:
    """Also a server too busy to take us."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(IMPATIENT)
        try:
            probe.connect(str(folder / f".s.PGSQL.{PORT}"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except (TimeoutError, BlockingIOError):
            return True
    return True
