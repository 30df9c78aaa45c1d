"""The options of `mcp-ssh hosts pending`, `hosts adopt` and `mcp-ssh tunnel`; what they do is imported late."""

import argparse


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `mcp-ssh tunnel`."""
    tunnel = commands.add_parser("tunnel", help="the listener that devices dial in to")
    tunnel.set_defaults(run=_key, gateway=None)
    actions = tunnel.add_subparsers(title="actions", metavar="ACTION", dest="action")
    key = actions.add_parser("key", help="its host key, and the line that devices know it by (the default)")
    key.set_defaults(run=_key)
    key.add_argument("gateway", nargs="?", help="the name by which devices reach this machine")


def add_host_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add what `mcp-ssh hosts` does about devices that dial in."""
    pending = actions.add_parser("pending", help="keys that came to the tunnel listener and are no device's")
    pending.set_defaults(run=_pending)
    pending.add_argument("--json", action="store_true", help="one line of JSON each")
    adopt = actions.add_parser("adopt", help="make one of them a host: writes its key and an entry of hosts.yaml")
    adopt.set_defaults(run=_adopt)
    adopt.add_argument(
        "fingerprint", help="all of it, compared with what the device shows (ssh-keygen -lf, dropbearkey -y)"
    )
    adopt.add_argument("name", help="what the host is called")
    adopt.add_argument("--user", help="the login on the device; else that of the defaults or credentials")
    adopt.add_argument(
        "--port", type=int, help="the port that the device asks for; else the next free one from 22222 on"
    )
    login = adopt.add_mutually_exclusive_group()
    login.add_argument("--key", metavar="PATH", help="log in there with this private key")
    login.add_argument("--auth", metavar="METHOD", help="log in by a method that needs nothing else, such as agent")
    login.add_argument("--credentials", metavar="NAME", help="log in with these shared credentials")


def _pending(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.devices import pending  # noqa: PLC0415

    return pending(as_json=bool(options.json))


def _adopt(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.devices import adopt  # noqa: PLC0415

    return adopt(options)


def _key(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.tunnel import key  # noqa: PLC0415

    return key(options.gateway)
