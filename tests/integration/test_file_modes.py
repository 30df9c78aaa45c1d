"""Files in the wrong hands are refused, with the command that mends them."""

import os
from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.tokenfile import TokenFile
from mcp_ssh.model.errors import KeyFileError
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.transport.login import gather
from tests.support.secrets import NoSecrets
from tests.support.sshd import make_key

pytestmark = pytest.mark.integration


def hosts(folder: Path, mode: int) -> Environment:
    path = folder / "hosts.yaml"
    path.write_text("hosts: {}\n")
    path.chmod(mode)
    return Environment(path, folder)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
def test_a_configuration_that_others_only_read_is_taken(tmp_path: Path, mode: int) -> None:
    assert load(hosts(tmp_path, mode)).inventory.hosts == {}


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o622])
def test_a_configuration_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"{mode:04o}\): chmod go-w {tmp_path}/hosts.yaml"):
        load(hosts(tmp_path, mode))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_configuration_of_somebody_else_is_refused(tmp_path: Path) -> None:
    environment = hosts(tmp_path, 0o600)
    os.chown(environment.config, 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        load(environment)


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604])
async def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    make_key(path)
    auth = Auth(AuthMethod.KEY, key_path=str(path))
    await gather(auth, NoSecrets())
    path.chmod(mode)
    with pytest.raises(KeyFileError) as caught:
        await gather(auth, NoSecrets())
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o606])
def test_tokens_that_others_can_reach_let_nobody_in_until_that_is_mended(tmp_path: Path, mode: int) -> None:
    file = TokenFile(str(tmp_path))
    file.create("ann", {"permissions": ["execute"]})
    assert [token.name for token in file.current()] == ["ann"]
    path = tmp_path / "tokens.yaml"
    path.chmod(mode)
    assert file.current() == ()
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        file.tokens()
    path.chmod(0o600)
    assert [token.name for token in file.current()] == ["ann"]
