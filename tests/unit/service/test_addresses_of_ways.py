"""Which addresses are judged, by the way that a host is reached."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import ResolveError
from mcp_ssh.model.host import Inventory, Way
from mcp_ssh.model.policy import NetworkPolicy
from mcp_ssh.policy.network import network
from mcp_ssh.service.judge import Judge
from tests.support.hosts import host, settings


class NoAnswers:
    """A resolver that knows nobody."""

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        raise ResolveError(f"{name} has no address")


def judge() -> Judge:
    snapshot = Snapshot(Inventory({}), settings(), "hosts.yaml", ())
    return Judge(Configuration(lambda: replace(snapshot)), NoAnswers())


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
