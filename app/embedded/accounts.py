"""The OS user as whom PostgreSQL runs: ourselves, or one made for it where we are root."""

import fcntl
import logging
import os
import pwd
import subprocess
from contextlib import suppress
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailable
from app.embedded.words import gist

SERVER_ACCOUNT = "betrokken-db"

log = logging.getLogger("betrokken.embedded")


def account_of(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedUnavailable(
            f"PostgreSQL needs a name for the OS user {uid}: add it to /etc/passwd, or set DATABASE_URL"
        ) from None


def server_account(cluster: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: so the cluster's owner does, at first an account made for it."""
    if os.geteuid() != 0:
        account_of(os.geteuid())
        return None
    if cluster.exists():
        return account_of(cluster.stat().st_uid)
    with Path("/etc/passwd").open() as passwd:
        fcntl.flock(passwd, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_ACCOUNT)
        _add_system_account(SERVER_ACCOUNT)
    log.info("os_user_added", extra={"os_user": SERVER_ACCOUNT, "why": "PostgreSQL does not run as root"})
    return pwd.getpwnam(SERVER_ACCOUNT)


def _add_system_account(name: str) -> None:
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run(["useradd", *options, name], check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = (
            gist(error.stderr) if isinstance(error, subprocess.CalledProcessError) else "there is no useradd"
        )
        raise EmbeddedUnavailable(
            f"root needs the OS user {name} to run PostgreSQL and cannot add it ({reason}): "
            "add it by hand, start as an ordinary user, or set DATABASE_URL"
        ) from error


def let_through(account: pwd.struct_passwd, path: Path) -> None:
    """Lets one account pass through folders only root could enter: as their group, without listing them."""
    for folder in reversed(path.parents):
        status = folder.stat()
        if _may_enter(account, status):
            continue
        if status.st_mode & 0o070 and status.st_gid != 0:
            raise EmbeddedUnavailable(
                f"the OS user {account.pw_name}, as whom root runs PostgreSQL, may not enter {folder}: "
                f"chmod o+x {folder}, or use a folder elsewhere"
            )
        os.chown(folder, -1, account.pw_gid)
        folder.chmod(status.st_mode & 0o7707 | 0o010)
        log.info("folder_opened", extra={"folder": str(folder), "os_user": account.pw_name})


def _may_enter(account: pwd.struct_passwd, status: os.stat_result) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
