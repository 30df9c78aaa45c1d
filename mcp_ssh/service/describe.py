"""One host in detail: what stands in the configuration, what would be said of commands there, what is open to it."""

from dataclasses import dataclass

from mcp_ssh.model.command import Command, Operation, Wish
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Confirm
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import SessionView
from mcp_ssh.policy.confirm import confirm_of
from mcp_ssh.service.authorize import known_host
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.examples import examples_of
from mcp_ssh.service.judge import Configured, Judge
from mcp_ssh.service.limits import longest_s, within_limits
from mcp_ssh.service.plan import planned
from mcp_ssh.service.request import request_of


@dataclass(frozen=True, slots=True)
class Said:
    """What would be said of one command: the answer with the rule and the reason that decide it."""

    command: str
    answer: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Described:
    """A host as its caller meets it. `default` is a command with the limits that it has where a call gives none."""

    host: Host
    confirm: Confirm
    default: Command
    longest_s: float
    said: tuple[Said, ...]
    sessions: tuple[SessionView, ...]


class Describer:
    """Describes hosts. Touches none of them."""

    def __init__(self, configuration: Configured, judge: Judge, commands: Commands) -> None:
        self._configuration = configuration
        self._judge = judge
        self._commands = commands

    async def describe(self, caller: Caller, name: str) -> Described:
        """The host of that name. Raises `UnknownHostError`."""
        current = self._configuration.current
        host = known_host(name, current.inventory, caller.principal)
        return Described(
            host=host,
            confirm=confirm_of(host, caller.principal),
            default=within_limits(Wish(""), host, current.settings),
            longest_s=host.limits.max_seconds or longest_s,
            said=tuple([await self._said(caller, host, command) for command in examples_of(host)]),
            sessions=tuple(view for view in self._commands.sessions(caller) if view.host == host.name),
        )

    async def _said(self, caller: Caller, host: Host, command: str) -> Said:
        request = request_of(caller, Operation.PLAN, host.name, Wish(command))
        try:
            plan = await planned(self._judge, request)
        except McpSshError as error:
            return Said(command, "refused", error.code, error.message)
        decision = plan.judged.decision
        denied = next((layer for layer in plan.trace if layer.effect is Effect.DENY), None) or decision
        return Said(command, denied.effect.value, denied.rule, denied.reason)
