"""`mcp-ssh hosts pending` and `adopt`: who wants to dial in, and the operator's word that it is a host.

The daemon never takes a device by itself. A key that somebody offered proves nothing: the operator compares its
fingerprint with the one that the device shows.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_ssh.config.devicekeys import DeviceKeyError, DeviceKeys, fingerprint_of
from mcp_ssh.config.edit import HostsDocument
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.paths import Paths
from mcp_ssh.config.snapshot import Configuration
from mcp_ssh.face.hygiene import clean
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.transport.sightings import Sightings, Stranger
from mcp_ssh_drivers.registry import known

first_port, last_port = 22_222, 65_535


def pending(*, as_json: bool) -> int:
    """Show them, the latest first."""
    rows = _strangers(Environment.from_environ(os.environ, Path.home()))
    if as_json:
        for row in rows:
            print(json.dumps(asdict(row)))  # noqa: T201
        return 0
    if not rows:
        _say("no key that is no device's has come to the tunnel listener")
        return 0
    for row in rows:
        times = "once" if row.times == 1 else f"{row.times} times"
        print(f"{row.fingerprint}  {clean(row.user) or 'nobody'} from {row.address}, {times}, last {_time(row.last)}")  # noqa: T201
    _say("compare a fingerprint with what the device itself shows; then: mcp-ssh hosts adopt FINGERPRINT NAME --user …")
    return 0


def adopt(options: Namespace) -> int:
    """Write the device's key, and an entry of hosts.yaml for it: both, or neither."""
    environment = Environment.from_environ(os.environ, Path.home())
    stranger = _named(environment, options.fingerprint)
    document = HostsDocument(environment.config, known)
    if options.name in document.hosts:
        raise InvalidArgumentError(
            f"there is a host {options.name!r}; nothing was written",
            hint="a device that was replaced: write its new key into the file that the entry names",
        )
    port = options.port or _free_port(document.hosts)
    document.put(options.name, _entry(options, port))
    document.check()
    file = _write_key(environment, document, options.name, stranger)
    try:
        document.save()
    except BaseException:
        file.unlink()
        raise
    _say(f"{options.name} is a host now; its key is in {file}")
    _say(f"a running daemon takes it by itself; the device dials in with: ssh -N -R {port}:localhost:22 …")
    return 0


def _strangers(environment: Environment) -> tuple[Stranger, ...]:
    """Those that have not become a device's meanwhile."""
    configuration = Configuration(lambda: load(environment, known))
    keys = DeviceKeys(configuration)
    keys.look()
    found = Sightings(configuration.current.settings.state_dir).strangers
    return tuple(each for each in found if not keys.has(each.fingerprint))


def _named(environment: Environment, text: str) -> Stranger:
    wanted = text if text.startswith("SHA256:") else f"SHA256:{text}"
    for each in _strangers(environment):
        if each.fingerprint == wanted and _is_its_key(each):
            return each
    raise InvalidArgumentError(
        f"no key with the fingerprint {text[:100]!r} has come to the tunnel listener; nothing was written",
        hint="mcp-ssh hosts pending tells them; the fingerprint is given whole",
    )


def _is_its_key(stranger: Stranger) -> bool:
    try:
        return fingerprint_of(stranger.key) == stranger.fingerprint
    except DeviceKeyError as error:
        raise InvalidArgumentError(f"what came {error}; nothing was written") from None


def _free_port(hosts: Mapping[str, Mapping[str, Any]]) -> int:
    taken = {(entry.get("tunnel") or {}).get("port") for entry in hosts.values() if isinstance(entry, Mapping)}
    return next(port for port in range(first_port, last_port) if port not in taken)


def _entry(options: Namespace, port: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "connect": "tunnel",
        "tunnel": {"port": port, "device_key_file": f"{options.name}.pub"},
        "user": options.user,
        "credentials": options.credentials,
    }
    if options.key:
        entry["auth"] = {"method": "key", "key_path": options.key}
    elif options.auth:
        entry["auth"] = {"method": options.auth}
    return entry


def _write_key(environment: Environment, document: HostsDocument, name: str, stranger: Stranger) -> Path:
    """Where the entry looks for it; nothing that is there is written over."""
    paths = Paths(environment.home, environment.config.parent)
    found = paths.key(f"{name}.pub", environment.keys_dir or document.keys_dir)
    assert found is not None  # noqa: S101  a plain name stays in every folder
    kind, blob = stranger.key.split()[:2]
    try:
        with Path(found).open("x", encoding="ascii") as file:
            file.write(f"{kind} {blob} {name}\n")
    except OSError as error:
        raise InvalidArgumentError(
            f"the key cannot be written to {found}: {error.strerror}; nothing was written",
            hint="move away what is there, or take another name",
        ) from None
    Path(found).chmod(0o644)
    return Path(found)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
