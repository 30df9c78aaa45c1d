"""Hosts that dial in, as hosts.yaml says it: the listener, and each device's key and port."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from mcp_ssh.config.check import Checker
from mcp_ssh.config.fields import Entry
from mcp_ssh.config.lines import Path
from mcp_ssh.model.host import Host
from mcp_ssh.model.settings import TunnelListener

Port = Annotated[int, Field(ge=1, le=65_535)]

most_devices = 1_000


class TunnelEntry(Entry):
    """How a device dials in."""

    port: Port = Field(description="The port that the device asks for, and no other: ssh -R PORT:localhost:22")
    device_key_file: str = Field(
        min_length=1, description="File with the one public key that the device logs in with; relative as key_path is"
    )


class TunnelListenerEntry(Entry):
    """The SSH server that devices dial in to."""

    enabled: bool = False
    host: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        "127.0.0.1", description="The address that is listened on; 0.0.0.0 for all of this machine"
    )
    port: Port = 2222


def listener_of(checker: Checker, top: Mapping[str, Any]) -> TunnelListener:
    """The listener as the file has it."""
    entry = checker.validate(TunnelListenerEntry, top.get("tunnel_listener", {}), ("tunnel_listener",))
    return TunnelListener(entry.enabled, entry.host, entry.port) if entry is not None else TunnelListener()


def check_ends(checker: Checker, data: Any, path: Path) -> None:
    """A host has an address, or it dials in: then by its tunnel alone."""
    if not isinstance(data, Mapping):
        return
    if data.get("connect") != "tunnel":
        if "host" not in data:
            checker.add((*path, "host"), "is required")
        if data.get("tunnel") is not None:
            checker.add((*path, "tunnel"), "counts only with connect: tunnel")
        return
    if data.get("tunnel") is None:
        checker.add(
            (*path, "tunnel"), "is required for connect tunnel, such as {port: 22222, device_key_file: NAME.pub}"
        )
    for key in ("host", "port", "jump"):
        if data.get(key):
            checker.add((*path, key), "has no meaning for connect tunnel: the host dials in")
    for key in ("transport", "command"):
        if data.get(key) not in (None, "asyncssh"):
            checker.add((*path, key), "has no meaning for connect tunnel: what comes through is SSH in process")


def check_apart(checker: Checker, hosts: Sequence[Host]) -> None:
    """One key, one host, one port: whoever shares one of them could be taken for the other."""
    devices = [(host.name, host.tunnel) for host in hosts if host.tunnel is not None]
    _check_each_its_own(checker, "port", [(name, terms.port) for name, terms in devices])
    _check_each_its_own(checker, "device_key_file", [(name, terms.device_key_file) for name, terms in devices])
    if len(devices) > most_devices:
        checker.add(("hosts",), f"{len(devices)} hosts dial in, and {most_devices} can")


def _check_each_its_own(checker: Checker, key: str, values: Sequence[tuple[str, int | str]]) -> None:
    owners: dict[int | str, str] = {}
    for name, value in values:
        owner = owners.setdefault(value, name)
        if owner != name:
            checker.add(("hosts", name, "tunnel", key), f"is that of {owner}; every device has its own")
