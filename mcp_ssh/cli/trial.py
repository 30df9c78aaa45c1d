"""A profile on a real device: it is logged in to, Enter is pressed, and no command is sent. The login is recorded."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from mcp_ssh.app import SystemClock
from mcp_ssh.audit.disk.opened import audit_log
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.secrets import DaemonSecrets, secret_names
from mcp_ssh.config.snapshot import Configuration
from mcp_ssh.model.command import Operation
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.host import Host, Shell
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.model.refusals import DeniedError
from mcp_ssh.platforms import in_terminal
from mcp_ssh.ports import Connection, Secrets, Through
from mcp_ssh.service.evidence import RecordedTransport
from mcp_ssh.service.judge import Judge
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.request import request_of
from mcp_ssh.transport.resolve import CachingResolver
from mcp_ssh.transport.ways import Ways
from mcp_ssh_drivers.draft import drafted, relatives
from mcp_ssh_drivers.exchange import Standing
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.registry import console_login, generic, known, login_name, profile_for

enters = 3
login_s = 30.0
enter_s = 10.0
any_prompt = r"\S.{0,120}[>#$%\]:]"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is connected to."""

    host: Host
    connection: Connection
    secrets: Secrets
    profiles: Mapping[str, Profile]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a device showed: one prompt for the login and one for each Enter."""

    prompts: Sequence[str]
    mode: str


def try_on(profile: Profile, name: str) -> int:
    """Whether the device's prompts are ones that the profile knows; 0 if they are."""
    try:
        shown = asyncio.run(_tried(profile, name))
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if profile.modes and not shown.mode:
        modes = ", ".join(profile.modes)
        print(f"{name}: the prompt {shown.prompts[0]!r} is none of the modes {modes}", file=sys.stderr)  # noqa: T201
        return 1
    mode = f" (mode {shown.mode})" if shown.mode else ""
    print(f"{name}: logged in, {enters} times Enter, each answered with {shown.prompts[0]!r}{mode}")  # noqa: T201
    print("no command was sent; modes, pagers, questions and errors are tried by their examples alone")  # noqa: T201
    return 0


def new(name: str) -> int:
    """Print a draft of a profile for the host's device; 1 if nothing could be learned."""
    try:
        shown, version, profiles = asyncio.run(_watched(name))
        data = drafted(name.lower().replace("-", "_").replace(".", "_"), shown.prompts[0], profiles)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    near = relatives(shown.prompts[0], version, profiles)
    print(f"# Drafted from the prompt of {name}; nothing but Enter was sent.")  # noqa: T201
    if version:
        print(f"# Its SSH server says {version}.")  # noqa: T201
    if near:
        print(f"# These know the prompt as well: {', '.join(near)}. Try one before you go on.")  # noqa: T201
    print("# To do: the other modes and `enter`, `pager`, `questions`, `errors`, `safe`, each with examples.")  # noqa: T201
    print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), end="")  # noqa: T201
    return 0


async def _tried(profile: Profile, name: str) -> Shown:
    async with _reached(name) as device:
        of_host = replace(device.host, platform=profile.name, prompt_regex=None)  # it alone must know the prompt
        return await _look(device, profile_for(of_host, {**device.profiles, profile.name: profile}))


async def _watched(name: str) -> tuple[Shown, str, Mapping[str, Profile]]:
    async with _reached(name) as device:
        bare = generic(any_prompt, device.profiles).model_copy(update={"login": console_login})
        return await _look(device, bare), device.connection.peer.version, device.profiles


async def _look(device: Device, profile: Profile) -> Shown:
    """Log in and press Enter. Raises `ValueError` for an Enter that brings no prompt, or another one each time."""
    pty = PtyDriver(profile, device.host.charset)
    await pty.open(device.connection, login_s, in_terminal(device.host, device.secrets))
    try:
        prompts = [pty.prompt]
        for _ in range(enters):
            result = await pty.run("", enter_s, at_once=True)
            if result.standing is not Standing.DONE:
                raise ValueError(f"{device.host.name}: after Enter came no prompt but {pty.tail[-200:]!r}")
            prompts.append(pty.prompt)
    finally:
        pty.close()
    if len(set(prompts)) > 1:
        raise ValueError(f"{device.host.name}: what was taken for a prompt changes: {', '.join(map(repr, prompts))}")
    return Shown(prompts, pty.mode)


@asynccontextmanager
async def _reached(name: str) -> AsyncIterator[Device]:
    """The host by its own way, judged and recorded as any connection is."""
    environment = Environment.from_environ(os.environ, Path.home())
    configuration, clock = Configuration(lambda: load(environment, known)), SystemClock()
    settings = configuration.current.settings
    caller = Caller(Principal("stdio:you", Via.STDIO))
    judge = Judge(configuration, CachingResolver(clock))
    request = request_of(caller, Operation.CONNECT, name)
    authorized = judge.authorized(request)
    host = authorized.host
    if host.shell is not Shell.CLI:
        raise ValueError(f"{name} is a POSIX host, which needs no profile; write `shell: cli` for a device")
    judged = judge.decided(request, authorized, await judge.addresses(host), await judge.hops(host))
    if judged.decision.effect is not Effect.ALLOW:
        raise DeniedError(f"{name}: {judged.decision.reason}", decision=judged.decision)
    profiles = known(settings.profiles_dir)
    daemon_secrets = DaemonSecrets(
        os.environ, lambda: configuration.current.settings, lambda: secret_names(configuration.current, os.environ)
    )
    keyrings = Keyrings(daemon_secrets, daemon_secrets.fetch)
    await daemon_secrets.fetch([settings.audit.key_env] if settings.audit.key_env else [])
    await keyrings.fetch(caller.principal, host)
    secrets = keyrings.of(caller.principal)
    async with audit_log(settings, clock, daemon_secrets, keyrings.known) as audit, AsyncExitStack() as stack:
        transport = RecordedTransport(Ways(settings, os.environ), audit)
        dialled = replace(host, user=login_name(host, profiles))
        since, through = asyncio.get_running_loop().time(), None
        for each, addresses in zip((*host.hops, dialled), (*judged.hops, judged.addresses), strict=True):
            connection = await transport.connect(each, addresses, secrets, through)
            stack.push_async_callback(connection.close)
            through = Through(connection, since)
        yield Device(host, connection, secrets, profiles)
