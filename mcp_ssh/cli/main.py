"""`mcp-ssh`: without a command it serves."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mcp_ssh import __version__
from mcp_ssh.cli import deviceoptions
from mcp_ssh.cli.hostparser import add_hosts, add_identity
from mcp_ssh.cli.starting import starting
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.faults import AlreadyServedError

exit_failed, exit_usage, exit_interrupted = 1, 2, 130
exit_codes = {"config_invalid": exit_usage, AlreadyServedError.code: AlreadyServedError.exit_code}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code: 0 well, 1 failed, 2 wrong usage or configuration."""
    if sys.platform == "win32":
        print("mcp-ssh runs on Linux and macOS; on Windows use it inside WSL", file=sys.stderr)  # noqa: T201
        return exit_usage
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except McpSshError as error:
        print(f"mcp-ssh: {error}", file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return exit_codes.get(error.code, exit_failed)
    except KeyboardInterrupt:
        return exit_interrupted
    except BrokenPipeError:  # whoever read, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcp-ssh",
        description="Let AI assistants work on real machines over SSH. Without a command: serve MCP over stdio.",
        epilog="Configuration: hosts.yaml, found by MCP_SSH_CONFIG or in ~/.config/mcp-ssh/.",
    )
    parser.add_argument("--version", action="version", version=f"mcp-ssh {__version__}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    commands.add_parser("serve", help="serve MCP over stdio (the default)").set_defaults(run=_serve)
    attach = commands.add_parser(
        "attach", help="serve MCP over stdio by a daemon that keeps sessions when the assistant leaves"
    )
    attach.set_defaults(run=_attach)
    ways = attach.add_mutually_exclusive_group()
    ways.add_argument("--serve", action="store_true", help="be that daemon; without one, attach starts it")
    ways.add_argument("--stop", action="store_true", help="end that daemon, and with it all of its sessions")
    demo = commands.add_parser("demo", help="see it work on a host of its own, without touching one of yours")
    demo.add_argument("--keep", action="store_true", help="leave the demo's host up and tell how to use it")
    demo.set_defaults(run=_demo)
    classify = commands.add_parser("classify", help="what a command would be judged as; it is not run")
    classify.set_defaults(run=_classify)
    classify.add_argument(
        "commands", nargs="*", metavar="COMMAND", help='without one: JSONL {"command", "platform", "mode"} on stdin'
    )
    classify.add_argument("--platform", default="posix", help="posix (the default) or a device's, such as cisco_ios")
    classify.add_argument("--mode", help="the mode of a device, or its menu")
    classify.add_argument("--json", action="store_true", help="one line of JSON a command")
    imports = commands.add_parser("import", help="a hosts.yaml from what another program keeps, with a report")
    imports.set_defaults(run=_import)
    imports.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a folder with its files, an Ansible inventory; or `ssh-config`, alone for ~/.ssh/config or with a file",
    )
    imports.add_argument("--output", type=Path, help="a new file; without it the text is printed")
    imports.add_argument(
        "--cases", type=Path, help='JSONL {"host", "command"}: what the old and the new policy say of it'
    )
    plan = commands.add_parser("plan", help="whether a command would run on a host, and what each layer says of it")
    plan.set_defaults(run=_plan)
    plan.add_argument("host")
    plan.add_argument("command")
    plan.add_argument("--mode", help="the mode that a device's shell is in")
    profile = commands.add_parser("profile", help="the kinds of network devices that are known")
    profile.set_defaults(run=_profile, action="list")
    actions = profile.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.add_parser("list", help="one line a profile (the default)")
    actions.add_parser("show", help="a profile as YAML").add_argument("name")
    check = actions.add_parser("check", help="try a profile of your own on its examples, and on a device")
    check.add_argument("file", type=Path)
    check.add_argument("--against", metavar="HOST", help="log in to this host and see that its prompts are known")
    draft = actions.add_parser("new", help="draft a profile from the prompt that a device shows; sends it no command")
    draft.add_argument("host", help="a host of hosts.yaml")
    add_hosts(commands)
    add_identity(commands)
    _add_tokens(commands)
    _add_approvals(commands)
    _add_audit(commands)
    deviceoptions.add(commands)
    return parser


def _add_tokens(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tokens = commands.add_parser("tokens", help="named tokens for SSE and HTTP")
    tokens.set_defaults(run=_tokens, action="list")
    actions = tokens.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.add_parser("list", help="all tokens, without their secrets (the default)")
    create = actions.add_parser("create", help="make one; it is printed once")
    create.add_argument("name")
    create.add_argument(
        "--permissions", default="execute,read", help="of execute, read, write, install, manage, override"
    )
    create.add_argument(
        "--hosts", help="globs of host names, with commas; all hosts if neither these nor tags are given"
    )
    create.add_argument("--tags", help="tags of hosts, with commas")
    create.add_argument("--days", type=int, help="how many days it is valid")
    for action, words in (("revoke", "end it, at once"), ("rotate", "a new secret for it; the old one is out at once")):
        actions.add_parser(action, help=words).add_argument("name")


def _add_approvals(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    approvals = commands.add_parser("approvals", help="what waits for a person's yes, and the answers")
    approvals.set_defaults(run=_approvals, action="list", json=False)
    actions = approvals.add_subparsers(title="actions", metavar="ACTION", dest="action")
    listing = actions.add_parser("list", help="what waits, the oldest first (the default)")
    listing.add_argument("--json", action="store_true", help="one line of JSON each")
    for action, words in (
        ("show", "all of one, and its command in full"),
        ("approve", "let it run, once"),
        ("deny", "do not let it run"),
    ):
        actions.add_parser(action, help=words).add_argument("id", help="its name, or how that begins")


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser("audit", help="whether the audit log is whole, and what stands in it")
    audit.set_defaults(run=_audit, action="verify", log=None, key=None, against=[], json=False)
    actions = audit.add_subparsers(title="actions", metavar="ACTION", dest="action")
    log = argparse.ArgumentParser(add_help=False)
    log.add_argument("--log", type=Path, help="another log than that of hosts.yaml")
    lines = argparse.ArgumentParser(add_help=False)
    lines.add_argument("--json", action="store_true", help="one line of JSON each")
    wanted = argparse.ArgumentParser(add_help=False)
    for name, words in (
        ("host", "a glob of host names"),
        ("principal", "a glob such as token:*"),
        ("event", "a glob such as session.*"),
        ("decision", "allow, deny or needs_confirmation"),
        ("since", "a time such as 2026-11-27T08:00 (UTC), or how long ago, such as 2h"),
        ("until", "likewise"),
    ):
        wanted.add_argument(f"--{name}", help=words)
    verify = actions.add_parser("verify", parents=[log, lines], help="whether it is the one that was written; else 1")
    verify.add_argument("--key", type=Path, help="a file with its HMAC key, or its private or public Ed25519 key")
    verify.add_argument(
        "--against", action="append", default=[], metavar="SEQ:HASH", help="a record that was kept elsewhere"
    )
    tail = actions.add_parser("tail", parents=[log, lines, wanted], help="the last records")
    tail.add_argument("-n", "--lines", type=int, default=20, help="how many (20)")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with what is written")
    search = actions.add_parser("search", parents=[log, lines, wanted], help="the records that fit; 1 if none does")
    search.add_argument("text", nargs="?", help="a text that stands in them, in any case")
    export = actions.add_parser("export", parents=[log, wanted], help="the records for another program")
    export.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
    export.add_argument("--output", type=Path, help="a new file; without it they are printed")
    replay = actions.add_parser("replay", help="play the recording of a terminal; without a name, list them")
    replay.set_defaults(run=_replay)
    replay.add_argument("file", nargs="?", help="a part of its name, or its path")
    replay.add_argument("--speed", type=_factor, default=1.0, help="times as fast")
    replay.add_argument("--max-idle", type=_factor, default=2.0, help="seconds that a wait takes at most (2)")
    replay.add_argument("--raw", action="store_true", help="everything that the host sent, into your terminal")


# Commands are imported when they run: an assistant waits for the start of `serve`, and pays for no other command.


def _serve(options: argparse.Namespace) -> int:
    del options
    with starting() as started:
        from mcp_ssh.cli.serve import serve  # noqa: PLC0415

        return serve(started)


def _attach(options: argparse.Namespace) -> int:
    if options.serve:
        with starting() as started:
            from mcp_ssh.cli.serve import serve_attached  # noqa: PLC0415

            return serve_attached(started)
    from mcp_ssh.cli import attach  # noqa: PLC0415

    return attach.stop() if options.stop else attach.attach()


def _plan(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.plan import plan  # noqa: PLC0415

    return plan(options.host, options.command, options.mode)


def _import(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.import_ import import_  # noqa: PLC0415

    return import_(options.sources, options.output, options.cases)


def _classify(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.classify import classify  # noqa: PLC0415

    return classify(options.commands, options.platform, options.mode, as_json=bool(options.json))


def _demo(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.demo import demo  # noqa: PLC0415

    return demo(keep=bool(options.keep))


def _tokens(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.tokens import tokens  # noqa: PLC0415

    return tokens(options)


def _approvals(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.approvals import approvals  # noqa: PLC0415

    return approvals(options)


def _audit(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.audit import audit  # noqa: PLC0415

    return audit(options)


def _replay(options: argparse.Namespace) -> int:
    from mcp_ssh.cli.replay import replay  # noqa: PLC0415

    return replay(options)


def _factor(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000:  # noqa: PLR2004  nobody waits longer, or sees more
        raise ValueError
    return number


def _profile(options: argparse.Namespace) -> int:
    from mcp_ssh.cli import profile  # noqa: PLC0415

    match options.action:
        case "show":
            return profile.show(options.name)
        case "check":
            return profile.check(options.file, options.against)
        case "new":
            from mcp_ssh.cli import trial  # noqa: PLC0415

            return trial.new(options.host)
        case _:
            return profile.list_profiles()
