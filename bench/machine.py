"""On what was measured: a figure without its machine and its versions says nothing."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from tests.support.parts import require
from tests.support.routers import zebra

packages = "asyncssh", "cryptography", "ssh2-python", "paramiko", "netmiko", "scrapli"


def facts() -> dict[str, object]:
    """The processor, its cores, and the kernel."""
    return {"cpu": cpu_model(Path("/proc/cpuinfo").read_text()), "cores": os.cpu_count(), "kernel": platform.release()}


def cpu_model(cpuinfo: str) -> str:
    """The first processor's name in the text of /proc/cpuinfo; the architecture where it has none, as on ARM."""
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def versions() -> Mapping[str, str]:
    """OpenSSH, FRR, Python, and every package that is measured, where it is installed."""
    return {
        "openssh": said([require("ssh"), "-V"]),
        "frr": said([zebra, "--version"]),
        "python": platform.python_version(),
        "libssh2": libssh2_version(),
        **{name: version for name in packages if (version := version_of(name))},
    }


def version_of(package: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def libssh2_version() -> str:
    """The library's own, by ssh2-python; empty without it."""
    if not version_of("ssh2-python"):
        return ""
    from ssh2.utils import version  # noqa: PLC0415  only the venv of the bench has it

    return str(version().decode())


def said(words: Sequence[str]) -> str:
    """The first line that a program says."""
    program = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return next(iter(program.stdout.splitlines()), "")
