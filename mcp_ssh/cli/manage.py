"""The menu for hosts.yaml: list, add, edit, delete and test hosts. Nothing is written before it was checked."""

import asyncio
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import questionary
from rich.console import Console
from rich.table import Table

from mcp_ssh.app import running
from mcp_ssh.config.edit import HostsDocument
from mcp_ssh.config.environment import Environment
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh_drivers.registry import known

_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_label = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_own_prompt = "another one, by its prompt alone"
_methods = {
    "key": "key_path",
    "password": "password_env",
    "keyboard-interactive": "password_env",
    "agent": None,
    "gateway": None,
}


class Menu:
    """The menu on one file."""

    def __init__(self, path: Path, console: Console) -> None:
        self._path = path
        self._console = console

    def run(self) -> int:
        """Until the person leaves."""
        self._console.print(f"Hosts of {self._path}")
        choices: dict[str, Callable[[], None]] = {
            "List hosts": self._list,
            "Add a host": self._add,
            "Edit a host": self._edit,
            "Delete a host": self._delete,
            "Test a host": self._test,
        }
        while True:
            picked = questionary.select("What to do?", choices=[*choices, "Leave"]).ask()
            if picked is None or picked == "Leave":
                return 0
            try:
                choices[picked]()
            except McpSshError as error:
                self._console.print(f"[red]{error}[/red]", markup=True)
                if error.hint:
                    self._console.print(f"hint: {error.hint}")
            except _LeftError:
                self._console.print("left as it was")

    # --- what there is to do

    def _list(self) -> None:
        hosts = self._document().hosts
        table = Table("host", "address", "user", "kind", "tags", box=None, pad_edge=False, header_style="dim")
        for name, entry in hosts.items():
            dials_in = entry.get("connect") == "tunnel"
            address = "(dials in)" if dials_in else f"{entry.get('host', '')}:{entry.get('port', 22)}"
            kind = entry.get("platform") or entry.get("shell") or "posix"
            user = entry.get("user") or f"({entry.get('credentials', 'default')})"
            table.add_row(name, address, str(user), str(kind), ", ".join(entry.get("tags") or []))
        self._console.print(table if hosts else "there are no hosts yet")

    def _add(self) -> None:
        document = self._document()
        name = _text("Name, as the assistant calls it:", "", lambda text: _check_name(text, document.hosts))
        self._write(document, name, _ask_fields({}))

    def _edit(self) -> None:
        document = self._document()
        name = self._pick(document)
        self._write(document, name, _ask_fields(document.hosts[name]))

    def _delete(self) -> None:
        document = self._document()
        name = self._pick(document)
        if not _answered(questionary.confirm(f"Delete {name} from the file?", default=False).ask()):
            raise _LeftError
        document.remove(name)
        document.save()
        self._console.print(f"{name} is deleted")

    def _test(self) -> None:
        name = self._pick(self._document())
        self._console.print(f"connecting to {name} …")
        asyncio.run(self._connect(name))

    async def _connect(self, name: str) -> None:
        environment = Environment.from_environ(os.environ, Path.home())
        async with running(environment, os.environ) as app:
            done = await app.commands.connect(Caller(Principal("menu", Via.STDIO), "manage_hosts"), name)
            peer = done.session.connection.peer
            key = f", {peer.host_key.algorithm} {peer.host_key.fingerprint}" if peer.host_key else ""
            self._console.print(f"[green]{name} answers[/green]: {peer.address}:{peer.port}, {peer.version}{key}")

    # --- parts

    def _document(self) -> HostsDocument:
        return HostsDocument(self._path, known)

    def _pick(self, document: HostsDocument) -> str:
        if not document.hosts:
            self._console.print("there are no hosts yet")
            raise _LeftError
        return str(_answered(questionary.select("Which host?", choices=[*document.hosts]).ask()))

    def _write(self, document: HostsDocument, name: str, fields: Mapping[str, Any]) -> None:
        document.put(name, fields)
        try:
            document.save()
        except ConfigurationError as error:
            self._console.print("that would not be right, and nothing was written:")
            raise error from None
        self._console.print(f"[green]{name} is written[/green]")
        for variable in _variables(fields):
            if variable not in os.environ:
                self._console.print(f"[yellow]{variable} is not set here; mcp-ssh needs it when it connects[/yellow]")


class _LeftError(Exception):
    """The person left a question with Ctrl-C."""


def _ask_fields(now: Mapping[str, Any]) -> dict[str, Any]:
    """All questions of a host, with what it has as defaults."""
    fields: dict[str, Any] = {
        "host": _text("Address (name, IPv4 or IPv6):", now.get("host", ""), _check_address).strip("[]")
    }
    port = _text("Port:", str(now.get("port", 22)), _check_port)
    fields["port"] = int(port) if port != "22" or "port" in now else None
    if "credentials" not in now:
        fields["user"] = _text("User:", now.get("user", ""), lambda text: bool(text) or "a user is needed")
        fields["auth"] = _ask_auth(now.get("auth") or {})
    fields |= _ask_kind(now)
    tags = _text("Tags, with commas:", ", ".join(now.get("tags") or []), lambda _: True)
    fields["tags"] = [tag.strip() for tag in tags.split(",") if tag.strip()] or None
    fields["description"] = _text("Description:", now.get("description", ""), lambda _: True) or None
    return fields


def _ask_auth(now: Mapping[str, Any]) -> dict[str, Any]:
    method = _choice("Login by:", list(_methods), now.get("method", "key"))
    key = _methods[method]
    kept = {name: value for name, value in now.items() if name != "method"} if method == now.get("method") else {}
    if key is None:
        return {"method": method}
    if key == "key_path":
        path = _text(
            "Private key file:", kept.get("key_path", "~/.ssh/id_ed25519"), lambda text: bool(text) or "a path"
        )
        return {"method": method, **kept, "key_path": path}
    question = "NAME of the environment variable with the password (never the password itself):"
    return {"method": method, **kept, key: _text(question, kept.get(key, ""), _check_variable)}


def _ask_kind(now: Mapping[str, Any]) -> dict[str, Any]:
    shell = _choice("What kind of host?", ["posix", "cli"], now.get("shell", "posix"))
    if shell == "posix":
        gone = dict.fromkeys(("platform", "prompt_regex", "enable_env"))
        return gone | {"shell": "posix" if "shell" in now else None}
    platforms = [name for name in known() if name not in {"linux", "busybox"}]
    picked = _choice("Platform:", [*platforms, _own_prompt], now.get("platform", platforms[0]))
    if picked == _own_prompt:
        prompt = _text("Its prompt, a regular expression:", now.get("prompt_regex", r"[\w.-]+[>#]\s*$"), _check_regex)
        return {"shell": "cli", "prompt_regex": prompt, "platform": None}
    question = "NAME of the variable with the enable secret (empty: none):"
    enable = _text(question, now.get("enable_env", ""), lambda text: not text or _check_variable(text))
    return {"shell": "cli", "platform": picked, "enable_env": enable or None}


def _text(question: str, default: str, validate: Callable[[str], "bool | str"]) -> str:
    return str(_answered(questionary.text(question, default=str(default), validate=validate).ask())).strip()


def _choice(question: str, choices: list[str], default: str) -> str:
    return str(_answered(questionary.select(question, choices=choices, default=default).ask()))


def _answered(answer: Any) -> Any:
    if answer is None:
        raise _LeftError
    return answer


def _check_name(text: str, hosts: Mapping[str, Any]) -> "bool | str":
    if not _name.fullmatch(text.strip()):
        return "letters, digits, dot, dash and underscore, at most 100"
    return f"{text} is there already" if text.strip() in hosts else True


def _check_address(text: str) -> "bool | str":
    try:
        ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        looks_numeric = re.fullmatch(r"[\d.]+", text.strip())
        is_name = all(_label.fullmatch(label) for label in text.strip().rstrip(".").split("."))
        return True if is_name and not looks_numeric else "is no host name and no IP address"
    return True


def _check_path(text: str) -> "bool | str":
    return bool(text.strip()) or "the path of a private key"


def _check_port(text: str) -> "bool | str":
    is_port = text.strip().isascii() and text.strip().isdigit() and 0 < int(text) <= 65_535  # noqa: PLR2004  TCP
    return is_port or "a port is a number from 1 to 65535"


def _check_variable(text: str) -> "bool | str":
    return bool(_variable.fullmatch(text.strip())) or "a NAME such as CISCO_PASS; the secret itself never stands here"


def _check_regex(text: str) -> "bool | str":
    try:
        re.compile(text)
    except re.error as error:
        return f"no regular expression: {error}"
    return bool(text) or "the prompt is needed"


def _variables(fields: Mapping[str, Any]) -> list[str]:
    auth = fields.get("auth") or {}
    named = [auth.get("password_env"), auth.get("passphrase_env"), fields.get("enable_env")]
    return [name for name in named if name]


def main() -> int:
    """The menu on the file that mcp-ssh uses."""
    environment = Environment.from_environ(os.environ, Path.home())
    return Menu(environment.config, Console(highlight=False)).run()
