"""Secrets belong to whoever brought them, and go with him."""

import pytest

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.service.keyrings import Keyrings
from tests.support.daemon import daemon
from tests.support.hosts import host
from tests.support.secrets import NoSecrets, SomeSecrets

WEB = host("web", auth=Auth(AuthMethod.PASSWORD, password_env="P"))
RIGHT, WRONG = SomeSecrets({"P": "right-password"}), SomeSecrets({"P": "wrong-password"})


def who(keyring: str) -> Principal:
    return Principal("stdio:ann", Via.STDIO, keyring=keyring)


def test_an_attached_client_has_its_own_secrets_and_takes_them_with_it() -> None:
    keyrings = Keyrings(SomeSecrets({"P": "of the daemon"}))
    with keyrings.attached(RIGHT) as name:
        held = keyrings.of(who(name))
        assert held.get("P").reveal() == "right-password"
        assert keyrings.of(who("")).get("P").reveal() == "of the daemon"
    with pytest.raises(SecretMissingError, match="has left"):
        held.get("P")


def test_what_was_given_out_stays_out_of_records_after_its_client_left() -> None:
    keyrings = Keyrings(NoSecrets())
    with keyrings.attached(RIGHT) as name:
        assert keyrings.known() == ()
        keyrings.of(who(name)).get("P")
    assert keyrings.known() == ("right-password",)


@pytest.mark.parametrize(
    "where",
    [
        WEB,
        host("key", auth=Auth(AuthMethod.KEY, key_path="/k", passphrase_env="P")),
        host("switch", enable_env="P"),
    ],
)
def test_the_same_secrets_are_the_same_login_and_others_are_not(where: Host) -> None:
    keyrings = Keyrings(NoSecrets())
    with keyrings.attached(RIGHT) as one, keyrings.attached(RIGHT) as two, keyrings.attached(WRONG) as three:
        words = [keyrings.login(who(name), where) for name in (one, two, three)]
    assert words[0] == words[1] != words[2]
    assert "password" not in "".join(words)


def test_an_agent_is_part_of_the_login_that_uses_it() -> None:
    keyrings, agents = Keyrings(NoSecrets()), [SomeSecrets({"SSH_AUTH_SOCK": path}) for path in ("/one", "/two")]
    with keyrings.attached(agents[0]) as one, keyrings.attached(agents[1]) as two:
        by_agent = host("a", auth=Auth(AuthMethod.AGENT))
        assert keyrings.login(who(one), by_agent) != keyrings.login(who(two), by_agent)
        assert keyrings.login(who(one), host("k")) == keyrings.login(who(two), host("k"))


async def test_nobody_is_lent_a_session_that_his_secrets_would_not_have_opened() -> None:
    async with daemon(WEB) as it:
        rings = it.app.keyrings
        with rings.attached(RIGHT) as one, rings.attached(WRONG) as two:
            first, second = (Caller(who(name), "tests") for name in (one, two))
            await it.app.commands.connect(first, "web")
            await it.app.commands.connect(second, "web")
            await it.app.commands.connect(first, "web")
        assert len(it.transport.attempts) == 2
        with rings.attached(RIGHT) as three:
            await it.app.commands.connect(Caller(who(three), "tests"), "web")
        assert len(it.transport.attempts) == 2, "a session outlives the client that opened it"
