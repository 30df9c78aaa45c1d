from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment, variables
from mcp_ssh.config.load import parse
from mcp_ssh.model.faults import ConfigurationError

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


def test_what_variables_say_comes_before_the_file() -> None:
    environ = {
        "MCP_SSH_CONFIG_DIR": "/srv/mcp",
        "MCP_SSH_KEYS_DIR": "/srv/keys",
        "RATE_LIMIT_ENABLED": "false",
        "RATE_LIMIT_PER_MINUTE": "7",
        "RATE_LIMIT_PER_HOUR": "70",
        "TOKEN_EXPIRY_HOURS": "12",
    }
    environment = Environment.from_environ(environ, Path("/home/ann"))
    assert environment.config == Path("/srv/mcp/hosts.yaml")
    assert environment.token_hours == 12
    entry = "{host: 192.0.2.1, user: a, auth: {method: key, key_path: id}}"
    text = f"hosts: {{h: {entry}}}\nrate_limit: {{requests_per_minute: 9}}\n"
    snapshot = parse(text, environment.config, environment)
    assert snapshot.inventory.hosts["h"].auth.key_path == "/srv/keys/id"
    settings = snapshot.settings
    assert (settings.rate_limit_enabled, settings.calls_per_minute, settings.calls_per_hour) == (False, 7, 70)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_LIMIT_ENABLED", "maybe"),
        ("RATE_LIMIT_PER_HOUR", "0"),
        ("TOKEN_EXPIRY_HOURS", "soon"),
        ("MCP_RELOAD_INTERVAL", "-1"),
    ],
)
def test_a_variable_that_is_not_right_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Environment.from_environ({name: value}, Path("/home/ann"))
