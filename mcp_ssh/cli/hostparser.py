"""The words of `mcp-ssh hosts` and `mcp-ssh identity`. Imports nothing of the commands: they are read when they run."""

import argparse

from mcp_ssh.cli import deviceoptions


def add_hosts(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`mcp-ssh hosts`."""
    hosts = commands.add_parser("hosts", help="the hosts; add one by its password, remove it, switch it on or off")
    hosts.set_defaults(run=_hosts, action="list", json=False)
    actions = hosts.add_subparsers(title="actions", metavar="ACTION", dest="action")
    lines = argparse.ArgumentParser(add_help=False)
    lines.add_argument("--json", action="store_true", help="one line of JSON each")
    actions.add_parser("list", parents=[lines], help="all hosts, and where each comes from (the default)")
    status = actions.add_parser("status", parents=[lines], help="connect to a host, and tell what came of it; else 1")
    status.add_argument("name")
    add = actions.add_parser("add", help="add a host by a password that is used once; it is asked for here")
    add.add_argument("name", help="what it is to be called")
    add.add_argument("--host", required=True, metavar="ADDRESS", help="host name or IP address")
    add.add_argument("--user", required=True, help="login on it")
    add.add_argument("--port", type=int, default=22)
    add.add_argument("--password-secret", metavar="NAME", help="a secret BOOTSTRAP_... with the password, by its name")
    add.add_argument("--host-key", metavar="SHA256:...", help="the key that it must show; else the first is pinned")
    add.add_argument("--yes", action="store_true", help="do not ask; with --password-secret")
    remove = actions.add_parser("remove", help="take our key off an added host, and the host out")
    remove.add_argument("name")
    remove.add_argument("--keep-key", action="store_true", help="take it out alone; our key stays there")
    deviceoptions.add_host_actions(actions)
    for action, words in (("enable", "switch an added host on"), ("disable", "switch an added host off")):
        actions.add_parser(action, help=words).add_argument("name")


def add_identity(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`mcp-ssh identity`."""
    identity = commands.add_parser("identity", help="the key that mcp-ssh itself logs in with")
    identity.set_defaults(run=_identity, action="show")
    actions = identity.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.add_parser("show", help="its public key and fingerprint (the default); made if there is none")
    rotate = actions.add_parser("rotate", help="a new key, host by host; 1 where a host still needs the old one")
    rotate.add_argument("--force", action="store_true", help="the old key goes even where hosts need it")


def _hosts(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.hosts import hosts  # noqa: PLC0415  imported when it runs

    return hosts(options)


def _identity(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.identity import identity  # noqa: PLC0415  as above

    return identity(options)
