"""The image as `buildah --isolation chroot` builds it, where there is no engine and no registry.

In the place of Python's image is a Debian of debootstrap, with the Python of that. So this proves the
Dockerfile and what runs of it, and not the base.
"""

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BASE = "localhost/python:3.13-slim-trixie"
IMAGE = "localhost/betrokken:test"
PACKAGES = "python3,python3-venv,ca-certificates"
OF_THE_MACHINE = ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf", "etc/resolv.conf")
"""How one gets out from here."""


def missing() -> str | None:
    """Why it cannot be built here."""
    if os.geteuid() != 0:
        return "an image is built as root here"
    tools = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    return f"{' and '.join(tools)} not installed (Debian's packages)" if tools else None


class Builder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options = ["--storage-driver", "vfs", "--root", folder / "store", "--runroot", folder / "run"]

    def buildah(self, *arguments: str | Path) -> str:
        command = ["buildah", *self.options, *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"buildah {arguments[0]}: {(done.stdout + done.stderr)[-3000:]}"
        return done.stdout.strip()

    def make_base(self) -> None:
        root = self.folder / "debian"
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root]
        subprocess.run(command, check=True, capture_output=True)
        (root / "usr/bin/python").symlink_to("python3")
        for name in OF_THE_MACHINE:
            if Path("/", name).exists():
                shutil.copy(Path("/", name), root / name)
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, root, "/")
        self.buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        self.buildah("commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(root)

    def build(self) -> None:
        """In the format that has health checks."""
        own = ("--isolation", "chroot", "--pull=never", "--format", "docker")
        self.buildah("build", *own, "--tag", IMAGE, ".")

    def mounted(self) -> Path:
        """The root of a container of the image."""
        return Path(self.buildah("mount", self.buildah("from", "--pull=never", IMAGE)))
