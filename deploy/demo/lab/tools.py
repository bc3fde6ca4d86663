"""What the laboratory needs on its machine, checked before anything is touched."""

from __future__ import annotations

import os
import shutil

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.processes import run

# program: Debian package
TOOLS = {
    "podman": "podman",
    "runc": "runc",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "auditd": "auditd",
    "auditctl": "auditd",
    "etcd": "etcd-server",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "ip": "iproute2",
    "go": "golang",
}


def check_machine() -> None:
    """Raise ``LabError`` unless this is root on a machine with the tools and nothing of ours would disturb it."""
    if os.geteuid() != 0:
        raise LabError("the laboratory needs root (containers, audit rules): run it with sudo")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise LabError(f"missing on this machine: apt-get install {' '.join(missing)}")
    if run(["auditctl", "-l"]).strip() != "No rules":
        raise LabError("this machine has audit rules of its own; the laboratory would disturb them: use another one")
    if containers := run(["podman", "ps", "--all", "--format", "{{.Names}}"]).split():
        raise LabError(f"containers exist and would be recorded too: podman rm --force {' '.join(containers)}")
