"""`mcp-ssh approvals`: what waits for a person's yes in the daemons of this configuration, and the answers."""

import json
import os
import socket
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.face.desk import folder_name, line_bytes
from mcp_ssh.face.hygiene import clean
from mcp_ssh.face.rendezvous import reachable
from mcp_ssh.model.refusals import ApprovalUnknownError
from mcp_ssh_drivers.registry import known

answer_wait_s = 10.0


def approvals(options: Namespace) -> int:
    """Do what is asked: 0 if it was done, 1 if nothing waits under that name."""
    settings = load(Environment.from_environ(os.environ, Path.home()), known).settings
    folder = Path(settings.state_dir) / folder_name
    match options.action:
        case "show":
            _show(_named(folder, options.id)[1])
        case "approve" | "deny":
            _decide(folder, options.id, accepted=options.action == "approve")
        case _:
            _list([told for _, told in _waiting(folder)], as_json=options.json)
    return 0


def _waiting(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What waits, with the desk that has it, the oldest first."""
    found = [
        (desk, told)
        for desk in sorted(folder.glob("*.sock"))
        for told in (_asked(desk, {"do": "list"}) or {}).get("waiting", ())
    ]
    yield from sorted(found, key=lambda pair: str(pair[1]["asked"]))


def _named(folder: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """The one whose name begins like that."""
    fitting = [pair for pair in _waiting(folder) if pair[1]["id"].startswith(name if "-" in name else f"a-{name}")]
    if len(fitting) != 1:
        what = "several requests wait" if fitting else "no request waits"
        raise ApprovalUnknownError(f"{what} under {name[:100]!r}", hint="mcp-ssh approvals list tells what waits")
    return fitting[0]


def _decide(folder: Path, name: str, *, accepted: bool) -> None:
    desk, told = _named(folder, name)
    answer = _asked(desk, {"do": "answer", "id": told["id"], "accepted": accepted})
    if answer is None or "error" in answer:
        reason = answer["error"] if answer else "its daemon has ended"
        raise ApprovalUnknownError(f"{reason}; nothing was answered", hint="mcp-ssh approvals list tells what waits")
    word = "approved, once; the assistant must call again" if accepted else "denied"
    print(f"{told['id']} is {word}")  # noqa: T201


def _asked(desk: Path, question: Mapping[str, object]) -> dict[str, Any] | None:
    """What the desk answers; None where nobody sits there any more, and its socket is removed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(answer_wait_s)
        try:
            with reachable(desk) as path:
                sock.connect(path)
        except ConnectionRefusedError:
            desk.unlink(missing_ok=True)
            return None
        except OSError as error:
            print(f"mcp-ssh: {desk} does not answer: {error.strerror or error}", file=sys.stderr)  # noqa: T201
            return None
        sock.sendall(json.dumps(question).encode() + b"\n")
        line = sock.makefile("rb").readline(line_bytes * 256)
    answer = json.loads(line) if line else None
    return answer if isinstance(answer, dict) else None


def _list(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row))  # noqa: T201
        return
    if not rows:
        print("nothing waits for approval", file=sys.stderr)  # noqa: T201
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("id", "left", "who", "host", "command", "why"):
        table.add_column(title, overflow="fold")
    for row in rows:
        command = clean(row["command"]).partition("\n")
        first = command[0] + (" …" if command[2] else "")
        table.add_row(
            row["id"], f"{row['left_s']} s", clean(row["principal"]), row["host"], first, clean(row["reason"])
        )
    Console(highlight=False, markup=False).print(table)


def _show(row: Mapping[str, Any]) -> None:
    """All of one, and the command to the byte but for what a terminal would not show."""
    for key in ("id", "asked", "principal", "client", "tool", "host", "address", "reason"):
        print(f"{key:10} {clean(str(row[key]))}")  # noqa: T201
    print(f"{'rules':10} {', '.join(row['rules'])}")  # noqa: T201
    print(f"{'left':10} {row['left_s']} s")  # noqa: T201
    print(f"command:\n{clean(row['command'])}")  # noqa: T201
