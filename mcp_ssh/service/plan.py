"""What would happen to a command: everything that is found out before anything is recorded or sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.errors import ResolveError
from mcp_ssh.model.host import Host
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.service.judge import Judge, Judged


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to a command: steps 1 to 4 with the limits that it would run under."""

    judged: Judged
    trace: tuple[Layer, ...]

    @property
    def would_run(self) -> bool:
        """Whether every layer says yes."""
        return all(layer.effect is Effect.ALLOW for layer in self.trace)


async def planned(judge: Judge, request: Request) -> Planned:
    """Carry a request through judgement. Its address is looked up, and nothing is sent to the host itself."""
    authorized = judge.authorized(request)
    host = authorized.host
    hops: Sequence[Sequence[str]] = ()
    try:
        hops = await judge.hops(host)
        addresses = await judge.addresses(host)
        address = Layer("address", Effect.ALLOW, "tunnel" if host.tunnel else "resolve", _found(host, addresses))
    except (ResolveError, TunnelAwayError) as error:
        addresses, address = (), Layer("address", Effect.DENY, error.code, error.message)
    judged = judge.decided(request, authorized, addresses, hops)
    return Planned(judged, (*judged.decision.trace, address))


def _found(host: Host, addresses: Sequence[str]) -> str:
    if not addresses:
        return "the program that dials knows where it is"
    if host.tunnel is not None:
        return f"{host.name} has dialled in from {addresses[0]}"
    return f"{host.address} is {', '.join(addresses)}"
