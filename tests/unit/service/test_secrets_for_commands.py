"""A secret on a command's input: by name, for sudo alone, and on record by its name."""

import pytest

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import InvalidArgumentError, SecretMissingError
from mcp_ssh.model.host import Shell
from tests.support.daemon import ANN, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryChannel, MemoryTransport
from tests.support.secrets import SomeSecrets

WEB = host("web", sudo_env="WEB_SUDO")
ASKS = "sudo -k -S -p '' id"


async def test_it_is_written_to_the_input_and_nowhere_else() -> None:
    channels: list[MemoryChannel] = []

    def script(channel: MemoryChannel) -> None:
        channels.append(channel)
        channel.out(b"uid=0\n")
        channel.exits(0)

    secrets = SomeSecrets({"WEB_SUDO": "open-sesame"})
    async with daemon(WEB, transport=MemoryTransport(script), secrets=secrets) as it:
        await it.app.commands.run(ANN, "web", Wish(ASKS, secret="WEB_SUDO"))
        await it.app.commands.run(ANN, "web", Wish("id"))
        assert "open-sesame" not in repr(it.audit.records)
        decided = it.audit.of_commands()[0]
    assert [bytes(channel.written) for channel in channels] == [b"open-sesame\n", b""]
    assert all(channel.has_eof for channel in channels)
    assert not any("open-sesame" in channel.command for channel in channels)
    assert decided["secret"] == "WEB_SUDO"


@pytest.mark.parametrize(
    ("command", "name", "words"),
    [
        ("cat", "WEB_SUDO", "sudo -k -S"),
        (ASKS, "OTHER", "has no secret 'OTHER'"),
        (ASKS, "HOME", "has no secret 'HOME'"),
    ],
)
async def test_for_anything_else_it_is_refused_before_anything_is_sent(command: str, name: str, words: str) -> None:
    async with daemon(WEB, secrets=SomeSecrets({"WEB_SUDO": "open-sesame", "OTHER": "x"})) as it:
        with pytest.raises(InvalidArgumentError, match=words):
            await it.app.commands.run(ANN, "web", Wish(command, secret=name))
        assert it.transport.attempts == []
        assert it.audit.events() == ["failed"]


async def test_a_device_is_given_none_this_way() -> None:
    device = host("sw", shell=Shell.CLI, platform="cisco_ios", sudo_env="WEB_SUDO")
    async with daemon(device) as it:
        with pytest.raises(InvalidArgumentError, match="commands read no input"):
            await it.app.commands.run(ANN, "sw", Wish("show clock", secret="WEB_SUDO"))


async def test_one_that_is_missing_is_told_and_nothing_is_sent() -> None:
    async with daemon(WEB) as it:
        with pytest.raises(SecretMissingError):
            await it.app.commands.run(ANN, "web", Wish(ASKS, secret="WEB_SUDO"))
        assert not any("sudo" in text for each in it.transport.connections for text in each.commands)
