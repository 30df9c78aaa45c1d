"""A name that leads somewhere else later: who is denied by the network lists never receives a packet."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from mcp_ssh import app
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.command import Wish
from mcp_ssh.model.host import Inventory
from mcp_ssh.model.policy import NetworkPolicy, Policy
from mcp_ssh.model.refusals import DeniedError
from mcp_ssh.ports import Clock
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.transport.resolve import CachingResolver
from tests.support.clock import FakeClock
from tests.support.daemon import ANN, Ledger
from tests.support.hosts import host, settings
from tests.support.memory import MemoryTransport
from tests.support.secrets import NoSecrets

LISTS = NetworkPolicy(allow=(ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize("later", ["192.0.2.9", "::ffff:192.0.2.9", "169.254.169.254"])
async def test_a_resolver_that_answers_well_first_and_badly_later(later: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["10.0.0.7"]

    async def look_up(name: str, port: int) -> Sequence[str]:
        return list(answers)

    def resolver(clock: Clock) -> CachingResolver:
        return CachingResolver(clock, look_up)

    monkeypatch.setattr(app, "CachingResolver", resolver)
    web = host("web", address="web.example")
    snapshot = Snapshot(Inventory({"web": web}), settings(), "x", policy=Policy(network=LISTS))
    clock, transport, audit = FakeClock(), MemoryTransport(), Ledger()
    parts = (Configuration(lambda: snapshot), audit, transport, clock, Keyrings(NoSecrets()))
    async with app.wired(*parts) as it:
        await it.commands.run(ANN, "web", Wish("uptime"))
        assert [addresses for _, addresses in transport.attempts] == [("10.0.0.7",)]
        answers[:] = [later]
        await clock.advance(120)
        for asked in (it.commands.run(ANN, "web", Wish("uptime")), it.commands.connect(ANN, "web")):
            with pytest.raises(DeniedError, match="nothing was sent there"):
                await asked
        assert len(transport.attempts) == 1
        answers[:] = ["10.0.0.7", later]
        await clock.advance(120)
        with pytest.raises(DeniedError):
            await it.commands.run(ANN, "web", Wish("uptime"))
        assert len(transport.attempts) == 1
    assert [record["decision"] for record in audit.of_commands() if record["event"] == "decided"].count("deny") == 3
