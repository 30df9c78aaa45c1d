"""The servers that are measured: ours as it comes, and others that run commands over SSH, each by its own manual."""

import json
import re
import sys

from mcp import ClientSession

from bench.peers.peer import Arguments, Kind, Peer, Place, Start, Way, host, ssh_folder
from tests.support.stdio import configuration

patience_s = 20


# --- ours


def ours(place: Place, program: str) -> Start:
    """Everything as it is without a word about it; the core tools alone."""
    del program
    config = configuration(place.home, place.server)
    config.write_text(config.read_text() + "  tool_groups: [core]\n")
    return Start([sys.executable, "-m", "mcp_ssh"], {"MCP_SSH_CONFIG": str(config)})


own = Peer(
    "ours",
    "",
    ours,
    [
        Way(Kind.EXEC, "ssh_run", lambda text: {"host": host, "command": text}),
        Way(Kind.SHELL, "ssh_shell", lambda text: {"host": host, "command": text}),
    ],
)

# --- others


def gateway(place: Place, program: str) -> Start:
    """Hosts in a JSON file."""
    ssh_folder(place)
    server = place.server
    entry = {"host": server.address, "port": server.port, "user": server.user, "key_path": str(server.key_path)}
    path = place.home / "servers.json"
    path.write_text(json.dumps({"servers": {host: entry | {"verify_host": False}}}))
    return Start([program, "--servers-config", str(path), "--cache-dir", str(place.home / "cache")])


async def gateway_shell(session: ClientSession) -> Arguments:
    """A call without a shell's name opens one and tells its name."""
    answer = await session.call_tool("run", {"server": host, "command": "true"})
    found = re.search(rf"{host}/\d+", answer.model_dump_json())
    if found is None:
        raise RuntimeError(f"no shell was opened: {answer}")
    return {"session_id": found.group()}


def portal(place: Place, program: str) -> Start:
    """Hosts in a YAML file that the environment names; its limit of ten calls a second is lifted."""
    ssh_folder(place)
    server = place.server
    path = place.home / "portal.yaml"
    path.write_text(
        f"hosts:\n  {host}:\n    host: {server.address}\n    port: {server.port}\n    user: {server.user}\n"
        f"    key: {server.key_path}\n    known_hosts: {place.home}/.ssh/known_hosts\n"
    )
    policies = place.home / "policies.yaml"
    policies.write_text("policies: {rate_limit_rps: 100000}\n")
    return Start([program], {"PORTAL_HOSTS_YAML": str(path), "PORTAL_POLICIES_YAML": str(policies)})


def blc(place: Place, program: str) -> Start:
    """Names in a TOML file, addresses as ssh has them."""
    ssh_folder(place)
    path = place.home / "servers.toml"
    path.write_text(f'[servers.{host}]\ndescription = "the host"\n')
    return Start([program], {"SSH_MCP_CONFIG": str(path)})


def by_alias(place: Place, program: str) -> Start:
    """Hosts as ssh has them, and nothing else."""
    ssh_folder(place)
    return Start([program])


def ssh_mcp(place: Place, program: str) -> Start:
    """One host, on the command line."""
    ssh_folder(place)
    server = place.server
    where = [f"--host={server.address}", f"--port={server.port}", f"--user={server.user}"]
    return Start([program, *where, f"--key={server.key_path}", "--group=dev"])


def manager(place: Place, program: str) -> Start:
    """Hosts in the environment."""
    ssh_folder(place)
    server, name = place.server, f"SSH_SERVER_{host.upper()}"
    environ = {"HOST": server.address, "PORT": str(server.port), "USER": server.user, "KEYPATH": str(server.key_path)}
    return Start([program], {f"{name}_{key}": value for key, value in environ.items()})


others = (
    Peer(
        "mcp-ssh-gateway",
        "bin/mcp-ssh-gateway",
        gateway,
        [Way(Kind.SHELL, "run", lambda text: {"command": text}, gateway_shell)],
    ),
    Peer(
        "portal-mcp-server",
        "bin/portal-mcp-server",
        portal,
        [
            Way(Kind.EXEC, "remote_exec", lambda text: {"host": host, "command": text, "timeout": patience_s}),
            Way(Kind.SHELL, "remote_shell", lambda text: {"host": host, "command": text, "timeout": patience_s}),
        ],
    ),
    Peer(
        "blc-ssh-mcp",
        "bin/blc-ssh-mcp",
        blc,
        [Way(Kind.EXEC, "execute", lambda text: {"server": host, "command": text})],
    ),
    Peer(
        "mcp-ssh",
        "bin/mcp-ssh",
        by_alias,
        [Way(Kind.SHELL, "execute_command", lambda text: {"host": host, "command": text})],
        is_slow=True,
    ),
    Peer(
        "ssh-mcp",
        "node_modules/.bin/ssh-mcp",
        ssh_mcp,
        [Way(Kind.EXEC, "run-command", lambda text: {"command": text})],
    ),
    Peer(
        "mcp-ssh-manager",
        "node_modules/.bin/mcp-ssh-manager",
        manager,
        [Way(Kind.EXEC, "ssh_execute", lambda text: {"server": host, "command": text})],
    ),
)
