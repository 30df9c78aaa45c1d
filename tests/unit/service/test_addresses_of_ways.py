"""Which addresses are judged, by the way that a host is reached."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.command import Operation, Wish
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import ResolveError
from mcp_ssh.model.host import Host, Inventory, TunnelTerms, Way
from mcp_ssh.model.policy import NetworkPolicy
from mcp_ssh.model.settings import TunnelListener
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.policy.network import jumps, network
from mcp_ssh.service.judge import Judge, Tunnels
from mcp_ssh.service.plan import planned
from mcp_ssh.service.request import request_of
from tests.support.daemon import ANN, daemon
from tests.support.hosts import host, settings

EDGE = host("edge", way=Way.TUNNEL, tunnel=TunnelTerms(22222, "edge.pub"))


class Here:
    """All have dialled in."""

    def address(self, host: Host) -> str:
        assert host.tunnel is not None
        return "198.51.100.7"


class NoAnswers:
    """A resolver that knows nobody."""

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        raise ResolveError(f"{name} has no address")


def judge(tunnels: Tunnels | None = None) -> Judge:
    snapshot = Snapshot(Inventory({"edge": EDGE}), settings(), "hosts.yaml", ())
    return Judge(Configuration(lambda: replace(snapshot)), NoAnswers(), tunnels)


async def test_a_name_that_only_ssh_knows_is_left_to_it_and_a_console_has_no_address() -> None:
    assert await judge().addresses(host(way=Way.OPENSSH)) == ()
    assert await judge().addresses(host(way=Way.COMMAND, command=("telnet", "core"))) == ()
    with pytest.raises(ResolveError):
        await judge().addresses(host())


@pytest.mark.parametrize("way", [Way.OPENSSH, Way.COMMAND])
@pytest.mark.parametrize("lists", [{"allow": ("10.0.0.0/8",)}, {"block": ("10.0.0.0/8",)}])
def test_where_networks_are_listed_an_unknown_address_is_none_of_them(way: Way, lists: dict[str, object]) -> None:
    policy = NetworkPolicy(**lists)  # type: ignore[arg-type]
    assert network(host("core", way=way), [], policy).effect is Effect.DENY
    assert network(host("core", way=way), [], replace(policy, exempt=frozenset({"core"}))).effect is Effect.ALLOW
    assert network(host("core", way=way), [], NetworkPolicy()).effect is Effect.ALLOW


async def test_of_a_host_that_dials_in_it_is_where_it_came_from_and_no_name_is_looked_up() -> None:
    assert await judge(Here()).addresses(EDGE) == ("198.51.100.7",)
    with pytest.raises(TunnelAwayError, match="only the daemon that takes it knows from where; nothing was sent"):
        await judge().addresses(EDGE)


async def test_a_plan_tells_whether_it_is_here() -> None:
    request = request_of(ANN, Operation.PLAN, "edge", Wish("uptime"))
    here = await planned(judge(Here()), request)
    assert (here.would_run, here.trace[-1].reason) == (True, "edge has dialled in from 198.51.100.7")
    away = await planned(judge(), request)
    assert (away.would_run, away.trace[-1].rule) == (False, "tunnel_away")


async def test_a_daemon_that_devices_may_dial_in_to_is_never_quiet() -> None:
    async with daemon() as it:
        assert it.app.daemon.is_quiet()
    async with daemon(tunnel_listener=TunnelListener(enabled=True)) as it:
        assert not it.app.daemon.is_quiet()


async def test_a_name_is_looked_up_here_even_where_a_jump_host_might_know_it() -> None:
    bastion = host("bastion", address="bastion.example")
    web = host("web", address="web.example", jump=bastion)
    with pytest.raises(ResolveError, match="here, and its jump host bastion is not asked for one"):
        await judge().addresses(web)
    with pytest.raises(ResolveError, match=r"^web is reached through bastion: bastion\.example has no address$"):
        await judge().hops(web)


def test_each_jump_host_is_judged_by_the_lists_and_by_its_own_exemption() -> None:
    policy = NetworkPolicy(allow=(ip_network("10.0.0.0/8"),))
    web = host("web", jump=host("inner", jump=host("outer")))
    good, bad = jumps(web, [["10.0.0.1"], ["192.0.2.9"]], policy)
    assert (good.name, good.effect, bad.effect) == ("jump", Effect.ALLOW, Effect.DENY)
    assert bad.reason.startswith("jump host inner (192.0.2.9): 192.0.2.9 lies in none of the allowed networks")
    [_, exempt] = jumps(web, [["10.0.0.1"], ["192.0.2.9"]], replace(policy, exempt=frozenset({"inner"})))
    assert exempt.effect is Effect.ALLOW
    with pytest.raises(ValueError, match="shorter"):
        [*jumps(web, [["10.0.0.1"]], policy)]
