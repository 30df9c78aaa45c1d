from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment, variables
from mcp_ssh.config.secrets import EnvSecrets
from mcp_ssh.model.errors import ConfigurationError, SecretMissingError

HOME = Path("/home/ann")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "/home/ann/.config/mcp-ssh/hosts.yaml"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "/xdg/mcp-ssh/hosts.yaml"),
        ({"MCP_SSH_CONFIG": "/etc/h.yaml", "XDG_CONFIG_HOME": "/xdg"}, "/etc/h.yaml"),
        ({"MCP_SSH_CONFIG": ""}, "/home/ann/.config/mcp-ssh/hosts.yaml"),
    ],
)
def test_the_file_is_the_named_one_or_in_the_users_configuration_folder(environ: dict[str, str], path: str) -> None:
    assert str(Environment.from_environ(environ, HOME).config) == path


def test_faults_of_the_environment_are_told_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Environment.from_environ({"LOG_LEVEL": "loud", "MCP_TRANSPORT": "carrier-pigeon"}, HOME)
    assert [fault.key for fault in caught.value.faults] == ["LOG_LEVEL", "MCP_TRANSPORT"]


def test_every_variable_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    for variable in variables:
        assert f"| `{variable.name}` | {variable.meaning} | {variable.default} |".replace("  ", " ") in readme


def test_a_missing_secret_names_the_variable_and_the_line_that_sets_it() -> None:
    with pytest.raises(SecretMissingError) as caught:
        EnvSecrets({"EMPTY": ""}).get("EMPTY")
    assert "EMPTY" in caught.value.message
    assert "export EMPTY=" in caught.value.hint


def test_a_secret_shows_stars_and_is_remembered_for_redaction() -> None:
    secrets = EnvSecrets({"P": "hunter2hunter2"})
    secret = secrets.get("P")
    assert "hunter2" not in f"{secret!r} {secret}"
    assert secret.reveal() == "hunter2hunter2"
    assert secrets.known() == ("hunter2hunter2",)
