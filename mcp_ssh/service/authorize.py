"""Step 1: may this be asked at all? Pure, and before any name is looked up."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_ssh.model.command import Command, Operation, Request
from mcp_ssh.model.errors import (
    HostDisabledError,
    InvalidArgumentError,
    NeedsPosixError,
    PermissionMissingError,
    UnknownHostError,
)
from mcp_ssh.model.fileerrors import FileTooLargeError, NoFilesError, PathRefusedError
from mcp_ssh.model.files import FileWish, named
from mcp_ssh.model.host import Host, Inventory, Shell
from mcp_ssh.model.nodeerrors import HostThereError
from mcp_ssh.model.nodes import NodeAction
from mcp_ssh.model.principal import Permission, Principal
from mcp_ssh.model.question import person_wait_s
from mcp_ssh.model.settings import Settings
from mcp_ssh.policy.files import forbidden, malformed
from mcp_ssh.safety.posix.sudo import asks_by_itself
from mcp_ssh.service.examples import examples_of
from mcp_ssh.service.limits import file_seconds, task_s, within_limits

needs: Mapping[Operation, Permission] = {
    Operation.SYSTEM_INFO: Permission.READ,
    Operation.SERVICE_STATUS: Permission.READ,
    Operation.INSTALL: Permission.INSTALL,
    Operation.ADD_HOST: Permission.MANAGE,
    Operation.REMOVE_HOST: Permission.MANAGE,
    Operation.ROTATE_IDENTITY: Permission.MANAGE,
}
"""What an operation takes that is not to execute something."""

for_posix = frozenset(
    {
        Operation.SYSTEM_INFO,
        Operation.SERVICE_STATUS,
        Operation.INSTALL,
        Operation.REMOVE_HOST,
        Operation.ROTATE_IDENTITY,
    }
)
"""Operations whose commands are those of POSIX hosts."""


key_work_s = 30.0
"""For our key on a host, beside the time for two logins."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """The host that is meant, the command with its limits, and the one deadline of the call."""

    host: Host
    command: Command | None
    timeout_s: float


def authorize(request: Request, inventory: Inventory, settings: Settings) -> Authorized:
    """What is meant, within its limits. Raises an error of its own for each refusal; nothing was sent."""
    host = _meant(request, inventory)
    if not host.enabled:
        mends = "ssh_enable_host" if host.is_added else "its operator can set `enabled: true` in hosts.yaml"
        raise HostDisabledError(f"{host.name} is disabled; nothing was sent", hint=mends)
    if request.operation in for_posix and host.shell is Shell.CLI:
        raise NeedsPosixError(
            f"{host.name} is a cli host, and {request.operation.value} asks posix hosts alone; nothing was sent",
            hint=f"ssh_run gives the device's own commands, such as `{examples_of(host).look}`",
        )
    if request.node is not None:
        return Authorized(host, None, 2 * settings.connect_timeout_s + key_work_s)
    if request.wish is not None:
        _check_text(request, request.wish.text, host, settings)
    if request.file is not None:
        _check_file(request.file, host)
        return Authorized(host, None, file_seconds(request.file, host, settings))
    if request.wish is None:
        return Authorized(host, None, _connect_s(request, host, settings))
    command = within_limits(request.wish, host, settings, _usual_s(request.operation))
    return Authorized(host, command, command.timeout_s)


def _meant(request: Request, inventory: Inventory) -> Host:
    """The host of the inventory, or the one to be; for whom it may be asked."""
    if request.node is None or request.node.action is not NodeAction.ADD:
        host = known_host(request.host, inventory, request.principal)
        check_permission(request.principal, _needed(request))
        return host
    check_permission(request.principal, _needed(request))
    host = request.node.host
    if not request.principal.sees(host):
        raise PermissionMissingError(
            f"{request.principal.name} does not see hosts of the name {host.name!r}, so it adds none; nothing was sent",
            hint="whoever runs mcp-ssh gives tokens their hosts",
        )
    if host.name in inventory.hosts:
        raise HostThereError(f"there is a host {host.name!r} already; nothing was sent", hint="take another name")
    return host


def _connect_s(request: Request, host: Host, settings: Settings) -> float:
    """The transport keeps the connect timeout; the time of a person who may be asked on the way comes beside it."""
    may_ask = request.operation is Operation.CONNECT and request.can_ask
    return (host.ssh.connect_timeout_s or settings.connect_timeout_s) + (person_wait_s if may_ask else 0)


def _needed(request: Request) -> Permission:
    if request.file is not None:
        return Permission.WRITE if request.file.action.writes else Permission.READ
    return needs.get(request.operation, Permission.EXECUTE)


def _check_file(file: FileWish, host: Host) -> None:
    """Refuse what the path alone tells; what it really leads to is looked at on the host."""
    if host.shell is Shell.CLI:
        raise NoFilesError(
            f"{host.name} is a cli host, and the file tools work on posix hosts; nothing was sent",
            hint="ssh_run takes the device's own commands for files, such as `dir` and `copy`",
        )
    wrong = malformed(file.path)
    if wrong:
        raise PathRefusedError(f"{wrong}; nothing was sent", hint="give an absolute path, or one that begins with ~/")
    refuse_closed(file.path, host, "; nothing was sent")
    most = host.files.max_bytes
    if most is not None and file.size is not None and file.size > most:
        raise too_large(file.size, most, host)


def refuse_closed(path: str, host: Host, more: str = "") -> None:
    """Raise `PathRefusedError` for a normal path that the host's rules close; `more` is said behind it."""
    rule = forbidden(path, host.files)
    if rule:
        raise PathRefusedError(f"{named(path)} is closed: {rule}{more}", hint="whoever runs mcp-ssh decides about this")


def too_large(size: int, most: int, host: Host) -> FileTooLargeError:
    """What is said of a file beyond the host's limit."""
    return FileTooLargeError(
        f"the file has {size} bytes, and `files.max_bytes` of {host.name} is {most}",
        hint="take a part of it with ssh_run, or ask whoever runs mcp-ssh for a higher limit",
    )


def _usual_s(operation: Operation) -> float | None:
    return task_s if operation is Operation.RUN_ASYNC else None


def known_host(name: str, inventory: Inventory, principal: Principal) -> Host:
    """The host of that name, and only that: never a guess, never a default. One that is not seen is not known."""
    host = inventory.hosts.get(name)
    if host is not None and principal.sees(host):
        return host
    seen = [each.name for each in inventory.hosts.values() if principal.sees(each)]
    near = difflib.get_close_matches(name, seen, n=1)
    guess = f", did you mean {near[0]!r}?" if near else ""
    raise UnknownHostError(
        f"unknown host {name[:100]!r}{guess}",
        hint="ssh_list_hosts tells the hosts; only configured hosts can be reached",
    )


def check_permission(principal: Principal, permission: Permission = Permission.EXECUTE) -> None:
    """Raise `PermissionMissingError` for a principal that may not do that kind of thing."""
    if not principal.may(permission):
        raise PermissionMissingError(
            f"{principal.name} may not {permission.value} anything; nothing was sent",
            hint="whoever runs mcp-ssh gives permissions to tokens",
        )


def _check_text(request: Request, text: str, host: Host, settings: Settings) -> None:
    if request.operation is Operation.SEND:
        refuse_hidden(text)
        return
    _check_command(text, settings)
    if request.wish is not None and request.wish.mode is not None and host.shell is Shell.POSIX:
        raise InvalidArgumentError(
            f"{host.name} is a posix host and has no modes; nothing was sent", hint="leave `mode` out"
        )
    if request.wish is not None and request.wish.secret is not None:
        _check_secret(request.wish.secret, text, host)
    takes_several = host.multiline and request.operation is Operation.SHELL
    if host.shell is Shell.CLI and not takes_several:
        _check_line(text)


def _check_secret(name: str, command: str, host: Host) -> None:
    if host.shell is Shell.CLI:
        raise InvalidArgumentError(
            f"{host.name} is a cli host, where commands read no input; nothing was sent",
            hint="ssh_shell tells when it asks, and ssh_send gives the secret",
        )
    if name != host.sudo_env:
        raise InvalidArgumentError(
            f"{host.name} has no secret {name[:100]!r}; nothing was sent",
            hint="only the name under `sudo_env` of the host can be given",
        )
    refuse_unless_sudo_reads(command, host, from_stdin=True)


def refuse_unless_sudo_reads(command: str, host: Host, *, from_stdin: bool) -> None:
    """A secret for a posix host goes to sudo and to nothing else: what else reads it could show it."""
    if host.shell is Shell.POSIX and not asks_by_itself(command, from_stdin=from_stdin):
        form = "sudo -k -S -p '' PROGRAM …" if from_stdin else "sudo -k PROGRAM …"
        raise InvalidArgumentError(
            f"the secret is given to one command of the form `{form}` alone; nothing was sent",
            hint="-k makes sudo itself ask, before it runs anything",
        )


def refuse_hidden(text: str) -> None:
    """What is said to a program is one line that is seen whole; Enter and other keys have names."""
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in text):
        raise InvalidArgumentError(
            "the text holds a control character or half of one; nothing was sent", hint="say one line, or name a `key`"
        )


def _check_line(text: str) -> None:
    if "\n" in text or "\r" in text:
        raise InvalidArgumentError(
            "the command has several lines, and a cli host takes one at a time; nothing was sent",
            hint="call once for each line; for ssh_shell the operator can set `multiline: true`",
        )


def _check_command(text: str, settings: Settings) -> None:
    if not text.strip():
        raise InvalidArgumentError("the command is empty; nothing was sent", hint="give the command to run")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "the command holds half of a character (a lone surrogate); nothing was sent",
            hint="give the command as valid Unicode text",
        ) from None
    if len(text) > settings.max_command_chars:
        raise InvalidArgumentError(
            f"the command has {len(text)} characters, the limit is {settings.max_command_chars}; nothing was sent",
            hint="split it, put it into a script on the host, or raise settings.max_command_chars",
        )
