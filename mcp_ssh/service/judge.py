"""Steps 1 to 4: what is found out about a request before anything is recorded or sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.command import Command, Operation, Request
from mcp_ssh.model.decision import Assumes, Decision, Effect, Finding, Layer, Level, Verdict
from mcp_ssh.model.errors import ResolveError
from mcp_ssh.model.files import FileWish
from mcp_ssh.model.host import Host, Way
from mcp_ssh.model.nodes import NodeAction, NodeWish
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.policy.decide import decide
from mcp_ssh.ports import Resolver
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.authorize import Authorized, authorize
from mcp_ssh.service.guards import Guards


class Configured(Protocol):
    """Whoever holds the current configuration."""

    @property
    def current(self) -> Snapshot:
        """The snapshot that is in force now."""
        ...


class Tunnels(Protocol):
    """Whoever knows the hosts that have dialled in."""

    def address(self, host: Host) -> str:
        """Where it has dialled in from. Raises `TunnelAwayError`."""
        ...


class NoTunnels:
    """Those of a process that takes no devices."""

    def address(self, host: Host) -> str:
        """There is none."""
        raise TunnelAwayError(
            f"{host.name} dials in by itself, and only the daemon that takes it knows from where; nothing was sent",
            hint="ask by a client of that daemon",
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """A request with all that was found about it. `addresses` are those that may be dialled, and no others.

    `hops` are those of each host on the way, the first that is dialled first.
    """

    request: Request
    host: Host
    command: Command | None
    addresses: Sequence[str]
    verdict: Verdict | None
    decision: Decision
    hops: Sequence[Sequence[str]] = ()

    @property
    def told(self) -> str:
        """What would be done, to the byte: the command, or what becomes of which file."""
        file = self.request.file
        if file is not None:
            return f"{file.told}\nsha256 {file.sha256}" if file.sha256 else file.told
        if self.request.node is not None:
            return self.request.node.told
        return self.command.text if self.command is not None else ""


class Judge:
    """Carries a request through the four steps under the configuration that is in force."""

    def __init__(self, configuration: Configured, resolver: Resolver, tunnels: Tunnels | None = None) -> None:
        self._configuration = configuration
        self._resolver = resolver
        self._tunnels = tunnels or NoTunnels()
        self._guards = Guards()

    async def addresses(self, host: Host) -> Sequence[str]:
        """Step 2 alone. None, where another program says where to go: that of a console, or ssh's configuration."""
        if host.way is Way.COMMAND:
            return ()
        if host.tunnel is not None:
            return (self._tunnels.address(host),)
        try:
            return await self._resolver.resolve(host.address, host.port)
        except ResolveError as error:
            if host.way is Way.OPENSSH:
                return ()
            if host.jump is not None:
                fact = f"{error.message} here, and its jump host {host.jump.name} is not asked for one"
                raise ResolveError(fact, hint="write its IP address as `host:`, or let this machine know it") from error
            raise

    async def hops(self, host: Host) -> Sequence[Sequence[str]]:
        """Step 2 for each host on the way. Names are looked up here: what a jump host would make of one is not judged.

        Raises `ResolveError`.
        """
        return [await self._on_the_way(hop, host) for hop in host.hops]

    async def _on_the_way(self, hop: Host, host: Host) -> Sequence[str]:
        try:
            return await self.addresses(hop)
        except ResolveError as error:
            raise error.on_the_way(host.name, hop.name) from error

    def authorized(self, request: Request) -> Authorized:
        """Step 1 alone."""
        snapshot = self._configuration.current
        return authorize(request, snapshot.inventory, snapshot.settings)

    def decided(
        self, request: Request, authorized: Authorized, addresses: Sequence[str], hops: Sequence[Sequence[str]] = ()
    ) -> Judged:
        """Steps 3 and 4, without anybody's approval."""
        host, command = authorized.host, authorized.command
        verdict: Verdict | None = None
        if request.file is not None:
            verdict = file_verdict(self._guard(host), request.file, host)
        elif request.node is not None:
            verdict = node_verdict(request.node)
        elif command is not None:
            verdict = self._verdict(request, host, command)
            command = _as_judged(command, verdict)
        return Judged(
            request,
            host,
            command,
            addresses,
            verdict,
            decide(request, host, verdict, self._configuration.current.policy, addresses, hops=hops),
            hops,
        )

    def with_word(self, judged: Judged, by: str, refused: str) -> Judged:
        """Step 4 again, for what a person said yes or no to; `refused` is why it was no."""
        if refused:
            no = Layer("approval", Effect.DENY, "approval", refused)
            trace = (*judged.decision.trace, no)
            return replace(judged, decision=Decision(no.effect, no.name, no.rule, no.reason, trace))
        policy = self._configuration.current.policy
        decision = decide(judged.request, judged.host, judged.verdict, policy, judged.addresses, by, judged.hops)
        return replace(judged, decision=decision)

    def _verdict(self, request: Request, host: Host, command: Command) -> Verdict | None:
        """What safety says: of the command, or of the one whose question is answered."""
        context, snapshot = request.context, self._configuration.current
        if request.operation is not Operation.SEND:
            verdict = self._guards.classify(host, snapshot, command.text, context.mode, context.directory)
            return replace(verdict, assumes=Assumes(mode=context.mode, directory=context.directory))
        if context.stops:
            return None
        if context.answers is None:
            return self._guard(host).interactive(command.text, host=host.name)
        return replace(
            self._guards.classify(host, snapshot, context.answers), assumes=Assumes(question=context.question)
        )

    def _guard(self, host: Host) -> Guard:
        return self._guards.of(host, self._configuration.current)


def _as_judged(command: Command, verdict: Verdict | None) -> Command:
    """The command with what its driver should know of the verdict."""
    if verdict is None:
        return command
    return replace(command, parsed=verdict.parsed, reads_only=verdict.level is Level.READ_ONLY)


def node_verdict(node: NodeWish) -> Verdict:
    """What safety says of a host to be, bound to all that is asked; our own key on a host is no danger to it."""
    found = Finding("nodes.add", Level.DANGEROUS, "it adds a host that the operator has not written down", (0, 0))
    findings = (found,) if node.action is NodeAction.ADD else ()
    level = Level.DANGEROUS if findings else Level.MUTATING
    digest = hashlib.sha256(f"{node.host.name}\0{node.told}".encode("utf-8", "surrogatepass")).hexdigest()
    return Verdict(level, findings, (), parsed=True, digest=digest)


def file_verdict(guard: Guard, file: FileWish, host: Host) -> Verdict:
    """What safety says of the command that would do the same, bound to all that is really asked.

    What is written is judged as well, by what it plants and by the operator's patterns; which characters a file may
    hold is no question of safety.
    """
    verdict = guard.classify(file.line, host=host.name)
    if file.script is not None:
        whole = guard.classify(file.script, host=host.name)
        more = [found for found in whole.findings if not found.rule.startswith(("bytes.", "base.seen"))]
        level = Level.DANGEROUS if any(found.level is Level.DANGEROUS for found in more) else verdict.level
        known = {found.rule for found in verdict.findings}
        findings = (*verdict.findings, *(found for found in more if found.rule not in known))
        verdict = replace(verdict, level=level, findings=findings, secrets=())
    bound = f"{host.name}\0{file.line}\0{file.binding}".encode("utf-8", "surrogatepass")
    return replace(verdict, digest=hashlib.sha256(bound).hexdigest())
