from ipaddress import ip_network

import pytest

from mcp_ssh.model.decision import Effect
from mcp_ssh.model.policy import NetworkPolicy
from mcp_ssh.policy.network import network
from tests.support.hosts import host

LISTED = NetworkPolicy(allow=(ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize(
    ("policy", "address", "rule"),
    [
        (NetworkPolicy(), "10.0.0.9", "network.no_list"),
        (NetworkPolicy(block=(ip_network("192.0.2.0/24"),)), "10.0.0.9", "network.no_list"),
        (NetworkPolicy(exempt=frozenset({"edge"})), "10.0.0.9", "network.no_list"),
        (LISTED, "10.0.0.9", "network.allowed"),
        (LISTED, "::ffff:10.0.0.9", "network.allowed"),
        (LISTED, "192.0.2.1", "network.not_allowed"),
        (NetworkPolicy(allow=LISTED.allow, exempt=frozenset({"edge"})), "192.0.2.1", "network.not_allowed"),
        (NetworkPolicy(allow=LISTED.allow, block=LISTED.allow), "10.0.0.9", "network.blocked"),
    ],
)
def test_an_added_host_is_dialled_only_where_a_list_holds_its_address(
    policy: NetworkPolicy, address: str, rule: str
) -> None:
    layer = network(host("edge", is_added=True), [address], policy)
    assert layer.rule == rule
    assert (layer.effect is Effect.ALLOW) == (rule == "network.allowed")


def test_the_operators_own_hosts_need_no_list_and_may_be_exempt() -> None:
    assert network(host("web"), ["10.0.0.9"], NetworkPolicy()).rule == "network.open"
    exempt = NetworkPolicy(allow=LISTED.allow, exempt=frozenset({"web"}))
    assert network(host("web"), ["192.0.2.1"], exempt).rule == "exempt"
