"""Where MCP is served: the file says it, and variables come before it."""

import subprocess
from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Site
from mcp_ssh.model.faults import ConfigurationError
from tests.support.stdio import command, environment

FILE = """\
server:
  transport: sse+http
  host: "::1"
  port: 9000
  public_base_url: https://mcp.example.com
  allowed_origins: [https://console.example]
"""


def read(text: str, **environ: str) -> Site:
    return parse(text, Path("/etc/hosts.yaml"), Environment.from_environ(environ, Path("/home/ann"))).site


def test_the_file_says_where() -> None:
    both = frozenset({"sse", "http"})
    assert read(FILE) == Site(both, "::1", 9000, "https://mcp.example.com", ("https://console.example",))
    assert read("hosts: {}") == Site()


def test_variables_come_before_the_file() -> None:
    more = {"MCP_HOST": "127.0.0.2", "MCP_PORT": "9001", "PUBLIC_BASE_URL": "https://other.example"}
    found = read(FILE, MCP_TRANSPORT="stdio", **more)
    assert found == Site(frozenset(), "127.0.0.2", 9001, "https://other.example", ("https://console.example",))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("port: 0", "server.port"),
        ("transport: smoke-signals", "server.transport"),
        ("public_base_url: mcp.example.com", "server.public_base_url: must be a URL"),
        ("allowed_origins: ['*']", "server.allowed_origins.0: must be a URL"),
        ("prot: 80", "server.prot"),
    ],
)
def test_a_fault_names_its_key(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(f"server: {{{line}}}")
    assert fault in str(caught.value)


def test_a_network_of_the_file_wants_a_token_and_says_how_to_make_one(tmp_path: Path) -> None:
    config = tmp_path / "hosts.yaml"
    config.write_text(FILE + f"settings: {{state_dir: {tmp_path}/state, audit_log: {tmp_path}/audit.log}}\n")
    told = subprocess.run(
        command(), env=environment(config), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert "MCP_AUTH_TOKEN: is required for the network; make one with: export" in told.stderr
