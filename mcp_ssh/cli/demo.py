"""`mcp-ssh demo`: the whole way of a command, on a host and a switch of its own, in half a minute.

An embedded POSIX host and a scripted switch on loopback, the server started over stdio as an assistant would start it,
and the official MCP client in the assistant's place. Nothing of the user's is read or written: configuration, keys and
logs live in a folder that goes when the demo ends.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mcp_ssh.audit.disk.reading import verified
from mcp_ssh.lab.client import Answer, Assistant, assistant
from mcp_ssh.lab.device_host import DeviceHost
from mcp_ssh.lab.kinds import switch
from mcp_ssh.lab.posix_host import PosixHost

most_lines = 20
host_name = "demo-linux"
switch_name = "demo-switch"
secret_name = "DEMO_ENABLE"  # noqa: S105  the name of a variable

_secret = secrets.token_hex(8)

_steps: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("Which hosts are there?", "ssh_list_hosts", {}),
    ("Open a session; it stays open between calls.", "ssh_connect", {"host": host_name}),
    ("Run a command.", "ssh_run", {"host": host_name, "command": "id -un && uname -sr && date -u +%F"}),
    ("A failing command is an answer, not an error.", "ssh_run", {"host": host_name, "command": "ls /no/such/folder"}),
    ("A dangerous command is refused, and says why.", "ssh_run", {"host": host_name, "command": "sudo reboot"}),
    (
        "A plan: what would be said of a command, layer by layer. Nothing runs.",
        "ssh_plan",
        {"host": host_name, "command": "dd if=/dev/zero of=/dev/sda"},
    ),
    (
        "A command that takes too long is ended on the host, with all that it started.",
        "ssh_run",
        {"host": host_name, "command": "sleep 300 & sleep 300", "timeout": 1},
    ),
    (
        "A shell keeps its state: the directory stays for the next command.",
        "ssh_shell",
        {"host": host_name, "command": "cd /tmp && greeting=hello"},
    ),
    ("See?", "ssh_shell", {"host": host_name, "command": 'pwd; echo "$greeting"'}),
    ("A switch, as network people know it.", "ssh_shell", {"host": switch_name, "command": "show version"}),
    ("With its pager on…", "ssh_shell", {"host": switch_name, "command": "terminal length 24"}),
    (
        "…48 ports come whole: the pager is turned, and nothing else reaches it.",
        "ssh_shell",
        {"host": switch_name, "command": "show ip interface brief"},
    ),
    (
        "Into configuration and back. The enable secret is given by name; no assistant ever sees it.",
        "ssh_shell",
        {"host": switch_name, "command": "vlan 20", "mode": "config"},
    ),
    ("By hand: the switch asks…", "ssh_shell", {"host": switch_name, "command": "enable"}),
    ("…and gets the secret by its name.", "ssh_send", {"host": switch_name, "secret": secret_name}),
    (
        "A question is never answered unasked…",
        "ssh_shell",
        {"host": switch_name, "command": "copy running-config startup-config"},
    ),
    ("…but by whoever asked: Enter takes the default.", "ssh_send", {"host": switch_name, "text": ""}),
    ("Which sessions are open?", "ssh_list_sessions", {}),
)


def demo(*, keep: bool) -> int:
    """Show it; with `keep`, leave the host up until Ctrl-C."""
    console = Console(highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="mcp-ssh-demo-") as folder:
            return asyncio.run(_demo(console, Path(folder), keep=keep))
    except KeyboardInterrupt:
        console.print("\nthe demo ended; everything it had made is gone")
        return 0


async def _demo(console: Console, folder: Path, *, keep: bool) -> int:
    async with PosixHost(folder / "host") as host, DeviceHost(folder / "switch", switch(_secret)) as device:
        config = _write_configuration(folder, host, device)
        console.print(
            Panel(
                "An assistant works on a real POSIX host and on a scripted switch over SSH.\n"
                f"The host is embedded: 127.0.0.1:{host.port}, its commands never run as root.\n"
                f"The switch is one that never was: 127.0.0.1:{device.port}.",
                title="mcp-ssh demo",
                expand=False,
            )
        )
        passed = await _play(console, folder, config)
        if keep and passed:
            _tell_how_to_use_it(console, config)
            await _until_told_to_stop()
            console.print("\nthe host goes, and everything that the demo had made")
    console.print(_outcome(passed=passed))
    return 0 if passed else 1


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()


def _write_configuration(folder: Path, host: PosixHost, device: DeviceHost) -> Path:
    config = folder / "hosts.yaml"
    # JSON is YAML, and quotes whatever a path may hold.
    text = f"""\
hosts:
  {host_name}:
    description: The embedded host of the demo
    host: 127.0.0.1
    port: {host.port}
    user: demo
    auth: {{method: key, key_path: {json.dumps(str(host.client_key_path))}}}
    host_key: {json.dumps(host.host_key_fingerprint)}
    tags: [demo, linux]
  {switch_name}:
    description: The scripted switch of the demo
    host: 127.0.0.1
    port: {device.port}
    user: demo
    auth: {{method: key, key_path: {json.dumps(str(device.client_key_path))}}}
    host_key: {json.dumps(device.host_key_fingerprint)}
    shell: cli
    platform: cisco_ios
    enable_env: {secret_name}
    tags: [demo, network]
settings:
  state_dir: {json.dumps(str(folder / "state"))}
  audit_log: {json.dumps(str(folder / "audit.log"))}
"""
    config.write_text(text, encoding="utf-8")
    return config


async def _play(console: Console, folder: Path, config: Path) -> bool:
    environment = {**os.environ, "MCP_SSH_CONFIG": str(config), secret_name: _secret}
    log_path = folder / "server.log"
    passed = True
    with log_path.open("w", encoding="utf-8") as log:
        async with assistant(_command(), environment, log) as calls:
            console.print(f"The server speaks MCP {calls.protocol} over stdio.\n")
            for title, tool, arguments in _steps:
                answer = await _step(console, calls, title, tool, arguments)
                passed = passed and answer.is_error == (arguments.get("command") == "sudo reboot")
    return _show_audit(console, folder / "audit.log") and passed


async def _step(console: Console, calls: Assistant, title: str, tool: str, arguments: dict[str, object]) -> Answer:
    console.print(Text(title, style="bold"))
    words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    console.print(Text(f"  {tool}({words})", style="cyan"))
    answer = await calls.call(tool, arguments)
    for line in _shortened(answer.text.splitlines()):
        console.print(Text(f"  {line}", style="yellow" if answer.is_error else "green"))
    console.print()
    return answer


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= most_lines:
        return lines
    return [*lines[:7], f"[… {len(lines) - 10} lines more …]", *lines[-3:]]


def _show_audit(console: Console, path: Path) -> bool:
    console.print(Text("And what the audit log says of it.", style="bold"))
    lines = path.read_text(encoding="utf-8").splitlines()
    table = Table("event", "command", "decision", "outcome", "took", box=None, pad_edge=False, header_style="dim")
    for record in map(json.loads, lines):
        if record["event"] in {"decided", "override", "finished", "failed", "cancelled"}:
            table.add_row(
                record["event"],
                record.get("command", record.get("tool", "")),
                record.get("decision", ""),
                _outcome_words(record),
                f"{record['duration_ms']} ms" if "duration_ms" in record else "",
            )
    console.print(table)
    report = verified(path)
    state = "unbroken" if report.ok else f"BROKEN at line {report.line}: {report.reason}"
    console.print(
        f"\n{len(lines)} records, each sealed with the hash of the one before: the chain is {state}. The last:"
    )
    console.print(Syntax(lines[-2], "json", word_wrap=True, background_color="default"))
    return report.ok


def _outcome_words(record: dict[str, object]) -> str:
    if "exit_code" in record:
        return f"exit {record['exit_code']}"
    words = [str(record[name]) for name in ("outcome", "ended") if name in record]
    return ", ended: ".join(words)


def _outcome(*, passed: bool) -> Text:
    if passed:
        return Text("\nAll as it should be. Next: README.md tells how to add a host of your own.", style="bold green")
    return Text("\nSomething did not go as it should; please report what stands above.", style="bold red")


def _command() -> list[str]:
    return [sys.executable, "-m", "mcp_ssh"]


def _tell_how_to_use_it(console: Console, config: Path) -> None:
    program = str(Path(sys.executable).parent / "mcp-ssh")
    server = {
        "mcpServers": {
            "mcp-ssh-demo": {"command": program, "env": {"MCP_SSH_CONFIG": str(config), secret_name: _secret}}
        }
    }
    console.print(Text("\nThe host stays up until Ctrl-C. To point an assistant at it:", style="bold"))
    console.print("\nClaude Code:")
    console.print(
        Text(
            f"  claude mcp add mcp-ssh-demo --env MCP_SSH_CONFIG={config} --env {secret_name}={_secret} -- {program}",
            style="cyan",
        ),
        soft_wrap=True,
    )
    console.print("\nCursor, Claude Desktop and others, in their JSON:")
    console.print(Text(json.dumps(server, indent=2), style="cyan"), soft_wrap=True)
    console.print("\nThen ask it, for example: which processes use the most memory on demo-linux?")
