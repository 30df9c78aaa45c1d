"""Which driver speaks to a host, and what else its platform's profile says, for parts that know no profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from mcp_ssh.audit.scrub import Known
from mcp_ssh.model.host import Host, Shell
from mcp_ssh.model.settings import Settings
from mcp_ssh.outputs.scrubbed import ScrubbedDriver, ScrubbedShell
from mcp_ssh.ports import Connection, Driver, Secrets, ShellDriver, Through, Transport
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.pool import DriverFactory, Reconnect
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.clishell import CliShell
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.execshell import Login, LoginShell
from mcp_ssh_drivers.posixshell import PosixShell
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.registry import detected, login_name, profile_for


@dataclass(frozen=True, slots=True)
class LoginNames:
    """A `Transport` that logs in by the name that a platform wants, such as RouterOS with its terminal's switches."""

    transport: Transport
    profiles: Mapping[str, Profile]

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """As the transport does."""
        named = replace(host, user=login_name(host, self.profiles))
        return await self.transport.connect(named, addresses, secrets, through)


def idle_timeout_s(host: Host, settings: Settings, profiles: Mapping[str, Profile]) -> float:
    """When an idle session closes: as hosts.yaml says, and without a word there before the device does it itself."""
    profile = profiles.get(host.platform or "")
    own = profile.idle_s if profile is not None and settings.shortens_idle else None
    return settings.idle_timeout_s if own is None else min(own, settings.idle_timeout_s)


def scrubbing(make: DriverFactory, known_secrets: Known) -> DriverFactory:
    """Drivers whose outputs hold none of our secrets."""

    def driver_for(seat: Seat, connection: Connection, reconnect: Reconnect, secrets: Secrets) -> Driver:
        driver = make(seat, connection, reconnect, secrets)
        if seat.shell:
            return ScrubbedShell(cast("ShellDriver", driver), known_secrets)
        return ScrubbedDriver(driver, known_secrets)

    return driver_for


def drivers(profiles: Mapping[str, Profile]) -> DriverFactory:
    """How to talk to a host: posix hosts have exec channels, all others a command line of some platform."""
    changes: dict[str, Changes] = {}

    def driver_for(seat: Seat, connection: Connection, reconnect: Reconnect, secrets: Secrets) -> Driver:
        host = seat.host
        if host.shell is Shell.POSIX:
            counted = changes.setdefault(host.name, Changes())
            if seat.shell:
                return PosixShell(connection, profiles["linux"], counted)
            return ExecDriver(connection, reconnect, fast=host.fast, changes=counted)
        found = detected(host, connection.peer.version, profiles)
        profile = profile_for(found, profiles)
        if profile.exec and not seat.shell:
            return ExecDriver(connection, reconnect, Login(LoginShell.UNKNOWN))
        name = host.enable_env
        enable = None if name is None else lambda: secrets.get(name)
        kind = CliShell if seat.shell else CliDriver
        return kind(connection, profile, host.charset, enable, lambda: in_terminal(host, secrets))

    return driver_for


def in_terminal(host: Host, secrets: Secrets) -> dict[str, str]:
    """What a device is told that asks for the login inside of its terminal."""
    name = host.auth.password_env
    return {"user": host.user} | ({"password": secrets.get(name).reveal()} if name is not None else {})
