"""One connection of a device: which key it has to prove, and what is told of what it says."""

import asyncio

import asyncssh

from mcp_ssh.model.host import Host, TunnelTerms, Way
from mcp_ssh.transport.hostkeys import fingerprint
from mcp_ssh.transport.tunnelgate import Gate, fact
from mcp_ssh.transport.tunnels import Tunnel
from tests.support.hosts import host

ONE, OTHER, NOBODYS = (asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(3))


class Keeper:
    """Has two devices, and grants nothing."""

    def __init__(self) -> None:
        self.wishes: list[str] = []

    def owner(self, print_: str) -> Host | None:
        names = {fingerprint(ONE): "one", fingerprint(OTHER): "other"}
        terms = TunnelTerms(22222, "/nowhere.pub")
        return host(names[print_], way=Way.TUNNEL, tunnel=terms) if print_ in names else None

    def refused(self, gate: Gate, wish: str) -> None:
        self.wishes.append(wish)

    async def granted(self, gate: Gate, tunnel: Tunnel) -> bool:
        return False


async def test_the_first_key_of_a_device_is_the_only_one_that_can_be_proven() -> None:
    async with asyncio.TaskGroup() as tasks:
        gate = Gate(Keeper(), "192.0.2.1", tasks)
        assert not gate.validate_public_key("u", NOBODYS)
        assert gate.validate_public_key("u", ONE)
        assert not gate.validate_public_key("u", OTHER)
        assert not gate.validate_public_key("u", NOBODYS)
        assert gate.validate_public_key("u", ONE)
        assert gate.host is not None
        assert (gate.host.name, gate.key) == ("one", fingerprint(ONE))
        assert list(gate.strangers) == [fingerprint(NOBODYS)]


async def test_whatever_else_ssh_knows_is_refused_and_told() -> None:
    async with asyncio.TaskGroup() as tasks:
        keeper = Keeper()
        gate = Gate(keeper, "192.0.2.1", tasks)
        answers = [
            gate.session_requested(),
            gate.connection_requested("10.0.0.1", 22, "x", 1),
            gate.unix_connection_requested("/run/docker.sock"),
            gate.unix_server_requested("/tmp/x"),
            gate.tun_requested(0),
            gate.tap_requested(None),
        ]
        assert answers == [False] * 6
        assert len(keeper.wishes) == 6
        assert "'/run/docker.sock'" in keeper.wishes[2]


def test_what_a_device_says_is_one_line_that_no_terminal_obeys() -> None:
    assert fact("gone\n\x1b[2J  and\u202e away") == "gone ?[2J and? away"
    assert len(fact("x" * 1_000)) == 200
