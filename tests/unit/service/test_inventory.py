"""The hosts of a list, each with the number of its sessions."""

from mcp_ssh.model.host import Inventory
from mcp_ssh.model.result import Peer, SessionView
from mcp_ssh.service.inventory import listed
from tests.support.hosts import host

PEER = Peer("192.0.2.1", 22, "admin", "SSH-2.0-OpenSSH_9.9", None)


class Name(str):
    """A host's name that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def session(name: str) -> SessionView:
    return SessionView("s1", name, PEER, age_s=1, idle_s=1, running=0, commands=0, closes_in_s=None)


def inventory(count: int) -> Inventory:
    return Inventory({name: host(name) for name in map("web{}".format, range(count))})


def test_each_host_is_told_with_its_sessions_in_the_order_of_the_file() -> None:
    views = listed(inventory(3), [session("web2"), session("web0"), session("web2")])
    assert [(view.host.name, view.sessions) for view in views] == [("web0", 1), ("web1", 0), ("web2", 2)]


def test_counting_takes_no_comparison_of_each_host_with_each_session() -> None:
    hosts, sessions = inventory(100), [session(Name(f"web{number % 100}")) for number in range(200)]
    Name.compared = 0
    assert sum(view.sessions for view in listed(hosts, sessions)) == 200
    assert Name.compared <= 400
