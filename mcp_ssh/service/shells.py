"""Whose shells there are: a handle is random and known to its principal alone.

Without a handle a conversation (one connection of a client) has one default shell a host. A shell is known here for
longer than the session that carries it: one that was closed for idleness or lost is opened anew, and that is told.
"""

import secrets
from dataclasses import dataclass, field

from mcp_ssh.model.errors import SessionLimitError, UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.ports import ShellDriver
from mcp_ssh.service.activity import Run
from mcp_ssh.sessions.session import Session

most_shells = 100
"""Of one principal."""


@dataclass(slots=True, eq=False)
class Shell:
    """One shell as its owner sees it: where it was told to be last, and what it runs."""

    owner: str
    host: str
    conversation: str
    handle: str = field(default_factory=lambda: f"s-{secrets.token_hex(8)}")
    session: Session | None = None
    mode: str = ""
    directory: str = ""
    last_command: str = ""
    run: Run | None = None

    @property
    def driver(self) -> ShellDriver | None:
        """What carries it now, if it is open."""
        driver = self.session.shell if self.session is not None else None
        return driver if driver is not None and driver.is_usable else None

    @property
    def active_run(self) -> Run | None:
        """The command that runs in it now."""
        return self.run if self.run is not None and self.run.task is not None else None


class Shells:
    """All shells by handle, the one that was used last behind all others."""

    def __init__(self) -> None:
        self._shells: dict[str, Shell] = {}

    def pick(self, caller: Caller, host: str, handle: str | None) -> Shell:
        """The shell that a call means: the named one, or the conversation's own. Raises `UnknownSessionError`."""
        shell = self._named(caller, host, handle) if handle is not None else self._own(caller, host)
        if shell is None:
            shell = self.new(caller, host, caller.conversation)
        self._shells[shell.handle] = self._shells.pop(shell.handle)
        return shell

    def new(self, caller: Caller, host: str, conversation: str = "") -> Shell:
        """A new shell; without a conversation it is nobody's default. Raises `SessionLimitError`."""
        mine = [shell for shell in self._shells.values() if shell.owner == caller.principal.name]
        if len(mine) >= most_shells:
            unused = next((shell for shell in mine if shell.driver is None and shell.active_run is None), None)
            if unused is None:
                raise SessionLimitError(
                    f"you have {len(mine)} open shells; nothing was sent", hint="close some with ssh_disconnect"
                )
            self.forget(unused)
        shell = Shell(caller.principal.name, host, conversation)
        self._shells[shell.handle] = shell
        return shell

    def known(self, caller: Caller, host: str, handle: str | None) -> Shell | None:
        """The shell that a call means, if there is one. Raises `UnknownSessionError` for a handle that is not known."""
        return self._named(caller, host, handle) if handle is not None else self._own(caller, host)

    def of(self, caller: Caller, host: str | None = None) -> list[Shell]:
        """The caller's shells, all or those on a host."""
        mine = [shell for shell in self._shells.values() if shell.owner == caller.principal.name]
        return [shell for shell in mine if host is None or shell.host == host]

    def forget(self, shell: Shell) -> None:
        """The handle means nothing any more."""
        self._shells.pop(shell.handle, None)

    def _own(self, caller: Caller, host: str) -> Shell | None:
        if not caller.conversation:
            return None
        mine = (shell for shell in self.of(caller, host) if shell.conversation == caller.conversation)
        return next(mine, None)

    def _named(self, caller: Caller, host: str, handle: str) -> Shell:
        shell = self._shells.get(handle)
        if shell is None or shell.owner != caller.principal.name or shell.host != host:
            raise UnknownSessionError(
                f"{host} has no shell {handle[:200]!r}; nothing was sent",
                hint="ssh_list_sessions tells yours; without `session` your own default shell is meant",
            )
        return shell
