"""Every secret that the daemon holds, and every place that it could turn up in: it is in none of them."""

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.cli.serve import _open as opened
from mcp_ssh.config.environment import Environment
from mcp_ssh.lab.device_host import DeviceHost
from mcp_ssh.lab.kinds import switch
from tests.support.sshd import Sshd, command_line, descendants, processes_with
from tests.support.stdio import Wire, wire_to

pytestmark = pytest.mark.integration

SOURCES = ("SUDO", "PREFIXED", "FILED", "LINED", "CREDENTIAL", "SAID")
CANARIES = {
    name: f"canary-{name.lower()}-5f3a9c-of-thirty-two"
    for name in ("PASSPHRASE", "WRONG", "ENABLE", "AUDIT", "UNSEEN", *SOURCES)
}
TOKEN = "canary-token-" + "5f3a9c" * 4

SUDO = """\
#!/bin/sh
# Asks on its input as `sudo -k -S -p ''` does, then runs the rest.
read -r given
case "$given" in
  {canaries}) ;;
  *) echo "Sorry, try again: $given" >&2; exit 1 ;;
esac
shift 4
exec "$@"
"""

VAULT = """\
#!/bin/sh
# Keeps one secret, and takes down what others can see of itself.
cat /proc/$$/environ /proc/$$/cmdline >> {folder}/vault.log
[ "$1" = SAID ] || {{ echo "no entry $1" >&2; exit 1; }}
cat {folder}/kept
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sudo").write_text(SUDO.format(canaries="|".join(CANARIES[name] for name in SOURCES)))
    (programs / "sudo").chmod(0o755)
    force = f'ForceCommand PATH={programs}:$PATH exec bash -c "${{SSH_ORIGINAL_COMMAND:-exec bash -i}}"'
    sshd = Sshd(tmp_path / "sshd", extra=(force,))
    sshd.start()
    try:
        key = str(sshd.key_path)
        subprocess.run(
            ["ssh-keygen", "-q", "-p", "-f", key, "-N", CANARIES["PASSPHRASE"]], check=True, stdout=subprocess.DEVNULL
        )
        yield sshd
    finally:
        sshd.stop()


def written(folder: Path, server: Sshd, device: DeviceHost) -> Path:
    path = folder / "hosts.yaml"
    common = f"user: {server.user}, host: 127.0.0.1"
    key = f"auth: {{method: key, key_path: {server.key_path}, passphrase_env: PASSPHRASE}}"
    each = "\n".join(
        f"  {name.lower()}: {{{common}, port: {server.port}, {key}, sudo_env: {name}}}" for name in SOURCES
    )
    path.write_text(f"""\
hosts:
  web: {{{common}, port: {server.port}, {key}, sudo_env: SUDO}}
{each}
  wrong: {{{common}, port: {server.port}, auth: {{method: password, password_env: WRONG}}}}
  missing: {{{common}, port: {server.port}, auth: {{method: password, password_env: NOWHERE}}}}
  sw:
    host: 127.0.0.1
    port: {device.port}
    user: ops
    auth: {{method: key, key_path: {device.client_key_path}}}
    shell: cli
    platform: cisco_ios
    enable_env: ENABLE
settings:
  state_dir: {folder}/state
  known_hosts: []
  audit_log: {folder}/audit.log
  audit: {{key_env: AUDIT}}
  secrets_dir: {folder}/secrets
  secret_command: [{folder}/vault, '{{name}}']
  recording: {{enabled: true}}
  outputs: {{quota_bytes: 1000000, ttl: 600}}
tokens:
  ops: {{token_env: OPS, permissions: [execute, read, manage, override]}}
""")
    for name in ("secrets", "credentials"):
        (folder / name).mkdir()
    put(folder / "secrets/FILED", CANARIES["FILED"])
    put(folder / "secrets/.env", f"LINED={CANARIES['LINED']}\n")
    put(folder / "credentials/CREDENTIAL", CANARIES["CREDENTIAL"])
    put(folder / "kept", CANARIES["SAID"])
    put(folder / "vault", VAULT.format(folder=folder), 0o700)
    return path


def put(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def variables(folder: Path) -> dict[str, str]:
    """What the daemon is started with."""
    own = {name: CANARIES[name] for name in ("PASSPHRASE", "WRONG", "ENABLE", "AUDIT", "SUDO")}
    return own | {
        "MCP_SSH_SECRET_PREFIXED": CANARIES["PREFIXED"],
        "MCP_SSH_SECRET_UNSEEN": CANARIES["UNSEEN"],
        "CREDENTIALS_DIRECTORY": f"{folder}/credentials",
        "LOG_LEVEL": "debug",
        "OPS": TOKEN,
        "MCP_TOKEN": TOKEN,
    }


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that the daemon left on the disk."""
    for path in (*folder.glob("*.log*"), *(folder / "state").rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()


def of_processes(daemon: int, server: int) -> Iterator[tuple[str, bytes]]:
    """What `ps` shows of every process, and what was given to those that the daemon or its commands started."""
    for folder in Path("/proc").glob("[0-9]*"):
        yield f"cmdline of {folder.name}", command_line(int(folder.name))
    for pid in (*descendants(daemon), *descendants(server)):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield f"environment of {pid}", Path(f"/proc/{pid}/environ").read_bytes()


async def test_no_secret_turns_up_anywhere(server: Sshd, tmp_path: Path) -> None:
    replies: list[Any] = []
    async with DeviceHost(tmp_path / "switch", switch(CANARIES["ENABLE"])) as device:
        config = written(tmp_path, server, device)
        async with wire_to(config, **variables(tmp_path)) as wire:
            await wire.initialize()

            async def call(tool: str, **arguments: Any) -> Any:
                replies.append(await wire.call(tool, **arguments))
                return replies[-1]

            for name in SOURCES:  # each is found, and is the right one
                told = await call("ssh_run", host=name.lower(), command="sudo -k -S -p '' id -u", secret=name)
                assert told["structuredContent"]["stdout"].strip() == str(os.getuid())
            # What a host shows of them is taken out, whole, cut by the end of what is kept, and page by page.
            shown = await call("ssh_run", host="web", command=f"for i in 1 2 3; do echo {CANARIES['SUDO']}; done")
            assert shown["structuredContent"]["stdout"] == "[redacted]\n" * 3
            assert "3 known secrets were taken out" in shown["content"][0]["text"]
            many = f"yes {CANARIES['SUDO']} | head -n 5000"
            long = await call("ssh_run", host="web", command=many, max_output_bytes=2000)
            for offset in range(0, 3000, 7):
                await call("ssh_read", handle=long["structuredContent"]["handle"], offset=offset)
            # A terminal that is recorded, with what it asks.
            await call("ssh_shell", host="web", command=f"echo {CANARIES['PASSPHRASE']}; echo {CANARIES['SUDO']}")
            await call("ssh_shell", host="web", command=f"read -r -p 'Password for {CANARIES['SUDO']}: ' x")
            await call("ssh_send", host="web", key="ctrl-c")
            # A device, its enable secret by PTY.
            assert (await call("ssh_shell", host="sw", command="show clock", mode="privileged"))["isError"] is False
            await call("ssh_run", host="sw", command=f"show {CANARIES['ENABLE']}")
            # What goes wrong, goes wrong aloud.
            for name in ("wrong", "missing"):
                assert (await call("ssh_run", host=name, command="id"))["isError"]
            for name in ("FILED", "UNSEEN"):
                assert (await call("ssh_run", host="web", command="sudo -k -S -p '' id", secret=name))["isError"]
            await call("ssh_run", host="web", command="cat", secret="SUDO")
            await call("ssh_run", host="web", command="sudo -k -S -p '' id", secret=CANARIES["SUDO"])
            await call("ssh_read", handle=CANARIES["SUDO"])
            await call("ssh_plan", host="web", command=f"echo {CANARIES['SUDO']}")
            replies += await guided(wire, long["structuredContent"]["handle"])
            await call("ssh_list_hosts")
            await call("ssh_reload_config")
            asleep = {"command": "sudo -k -S -p '' sleep 73.19", "secret": "SUDO", "timeout": 20}
            sleeping = asyncio.ensure_future(wire.call("ssh_run", host="web", **asleep))
            async with asyncio.timeout(10):
                while not processes_with("sleep\0" + "73.19"):
                    await asyncio.sleep(0.02)
            seen = dict(of_processes(wire.process.pid, server.pid))
            sleeping.cancel()
            stderr = await ended(wire)
    seen |= dict(everything(tmp_path)) | {"stderr": stderr}
    seen |= {f"reply {number}": json.dumps(reply).encode() for number, reply in enumerate(replies)}
    assert b"PATH=" in seen[str(tmp_path / "vault.log")]
    assert any("environment" in name for name in seen)
    assert any("recordings" in name for name in seen)
    assert any("outputs" in name for name in seen) or any("audit.log" in name for name in seen)
    leaks = [
        (where, canary)
        for where, data in seen.items()
        for canary in (*CANARIES.values(), TOKEN)
        if canary.encode() in data
    ]
    assert leaks == []
    assert b"Traceback" not in stderr


async def guided(wire: Wire, handle: str) -> list[Any]:
    """All that is read, picked and completed without a tool, what is refused among it."""
    uris = ["ssh://hosts", f"ssh://output/{handle}", f"ssh://output/{CANARIES['SUDO']}"]
    uris += [f"ssh://host/{name}{side}" for name in ("web", "sw", "wrong") for side in ("", "/tags", "/capabilities")]
    filled = [("policy_denied", {"host": "web", "command": f"echo {CANARIES['SUDO']}"}), ("missing_credentials", {})]
    filled += [("missing_host", {"name": CANARIES["SUDO"]}), ("policy_denied", {"host": CANARIES["SUDO"]})]
    asked: list[tuple[str, dict[str, Any]]] = [("resources/list", {}), ("prompts/list", {})]
    asked += [("resources/read", {"uri": uri}) for uri in uris]
    asked += [("prompts/get", {"name": name, "arguments": arguments}) for name, arguments in filled]
    ref = {"type": "ref/prompt", "name": "usage"}
    asked.append(("completion/complete", {"ref": ref, "argument": {"name": "tag", "value": CANARIES["SUDO"]}}))
    return [await wire.request(method, params) for method, params in asked]


async def ended(wire: Wire) -> bytes:
    assert wire.process.stdin is not None
    assert wire.process.stderr is not None
    wire.process.stdin.close()
    stderr = await wire.process.stderr.read()
    await wire.process.wait()
    return stderr


async def test_nothing_that_the_daemon_starts_later_can_inherit_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "hosts.yaml"
    config.write_text(f"""\
hosts:
  web: {{host: 127.0.0.1, user: ops, auth: {{method: password, password_env: WEB_PASS}}}}
settings: {{state_dir: {tmp_path}/state, known_hosts: [], audit_log: {tmp_path}/audit.log}}
tokens:
  ops: {{token_env: OPS, permissions: [execute]}}
""")
    secrets = {"WEB_PASS": CANARIES["WRONG"], "MCP_SSH_SECRET_UNSEEN": CANARIES["UNSEEN"], "OPS": TOKEN}
    for name, value in (secrets | {"MCP_SSH_CONFIG": str(config), "MCP_TOKEN": TOKEN}).items():
        monkeypatch.setenv(name, value)
    environment = Environment.from_environ(dict(os.environ), tmp_path)
    async with opened(environment) as app:
        seen = subprocess.run(["env", "-0"], capture_output=True, check=True).stdout.decode()
        assert "canary" not in seen
        assert str(config) in seen
        assert app.keyrings.get("", "WEB_PASS").reveal() == CANARIES["WRONG"]
