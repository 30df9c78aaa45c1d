"""The server as its clients start it: a process, stdin and stdout."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import stdio_client

from mcp_ssh.audit.disk.reading import verified
from tests.support.sshd import Sshd, command_line, processes_with, until
from tests.support.stdio import Wire, command, configuration, environment, parameters, wire_to

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("era", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")]
)
async def test_the_sdks_client_runs_a_command_in_both_eras(sshd: Sshd, tmp_path: Path, era: str, version: str) -> None:
    config = configuration(tmp_path, sshd)
    with (tmp_path / "stderr").open("w") as log:
        async with Client(stdio_client(parameters(config), errlog=log), mode=era) as client:
            assert client.protocol_version == version
            result = await client.call_tool("ssh_run", {"host": "web", "command": "echo hello; exit 3"})
            assert result.structured_content is not None
            assert result.structured_content["stdout"] == "hello\n"
            assert result.structured_content["exit_code"] == 3
    assert verified(tmp_path / "audit.log").ok


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_version_of_the_session_era_is_spoken(sshd: Sshd, tmp_path: Path, version: str) -> None:
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        answer = (await wire.request("initialize", hello))["result"]
        assert answer["protocolVersion"] == version
        assert answer["serverInfo"]["name"] == "mcp-ssh"
        assert "ssh_list_hosts first" in answer["instructions"]


async def test_stdout_carries_nothing_but_the_protocol(sshd: Sshd, tmp_path: Path) -> None:
    async with wire_to(configuration(tmp_path, sshd), LOG_LEVEL="debug") as wire:
        await wire.initialize()
        for tool, arguments in (
            ("ssh_list_hosts", {}),
            ("ssh_run", {"host": "web", "command": "echo '{\"jsonrpc\": \"2.0\"}'; printf 'a\\nb\\n' >&2"}),
            ("ssh_run", {"host": "nobody", "command": "id"}),
            ("ssh_run", {"host": "web", "command": "sudo reboot"}),
            ("no_such_tool", {}),
        ):
            await wire.request("tools/call", {"name": tool, "arguments": arguments})
        wire.process.stdin.close()  # type: ignore[union-attr]
        rest = await wire.process.stdout.read()  # type: ignore[union-attr]
        assert rest == b""
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in wire.lines)
        log = await wire.process.stderr.read()  # type: ignore[union-attr]
        assert b"session.open" in log


@pytest.mark.parametrize("way", ["stdin", "SIGTERM", "SIGINT"])
async def test_it_leaves_cleanly_and_takes_its_commands_with_it(sshd: Sshd, tmp_path: Path, way: str) -> None:
    mark = f"273.{uuid.uuid4().int % 10**9:09d}"
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        await wire.initialize()
        wire.post("tools/call", {"name": "ssh_run", "arguments": {"host": "web", "command": f"sleep {mark}; :"}})
        await asyncio.to_thread(until, lambda: bool(processes_with(f"sleep\x00{mark}")), "the command does not run")
        if way == "stdin":
            wire.process.stdin.close()  # type: ignore[union-attr]
        else:
            wire.process.send_signal(getattr(signal, way))
        assert await wire.ended() == 0
        stderr = await wire.process.stderr.read()  # type: ignore[union-attr]
        assert b"Traceback" not in stderr
    assert processes_with(mark) == []
    await asyncio.to_thread(until, lambda: sshd.connection_pids() == [], "a connection is left behind")
    lines = (tmp_path / "audit.log").read_text().splitlines()
    assert verified(tmp_path / "audit.log").ok
    events = [json.loads(line)["event"] for line in lines]
    assert events[-2:] == ["cancelled", "session.close"]


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_it_leaves_when_its_parent_dies_although_somebody_holds_its_stdin(sshd: Sshd, tmp_path: Path) -> None:
    environ = environment(configuration(tmp_path, sshd))
    stdin, held_open = os.pipe()
    words = [sys.executable, "-c", PARENT, *command()]
    with subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, env=environ) as parent:
        try:
            assert parent.stdout is not None
            server = int(parent.stdout.readline())
            until((tmp_path / "audit.log").exists, "the server does not start")
        finally:
            parent.kill()
    until(lambda: command_line(server) == b"", "the server outlives its parent")
    os.close(stdin)
    os.close(held_open)


async def test_on_a_full_audit_disk_the_server_does_not_start_and_says_why(sshd: Sshd, tmp_path: Path) -> None:
    async with wire_to(configuration(tmp_path, sshd, audit_log="/dev/full")) as wire:
        assert await wire.ended() == 1
        stderr = await wire.process.stderr.read()  # type: ignore[union-attr]
    assert b"the audit log /dev/full cannot be written: No space left on device" in stderr
    assert sshd.connections_made() == 0


async def test_an_audit_log_that_goes_bad_stops_every_command(sshd: Sshd, tmp_path: Path) -> None:
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        await wire.initialize()
        assert not (await wire.call("ssh_run", host="web", command="true")).get("isError")
        (tmp_path / "audit.log").unlink()
        (tmp_path / "audit.log").symlink_to("/dev/full")
        refused = await wire.call("ssh_run", host="web", command=f"touch {tmp_path}/trace")
        assert refused["isError"]
        assert refused["content"][0]["text"].startswith("audit_unavailable: ")
        assert not (tmp_path / "trace").exists()
        (tmp_path / "audit.log").unlink()
        assert not (await wire.call("ssh_run", host="web", command="true")).get("isError")


async def test_two_servers_write_one_chain(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    async with wire_to(config) as one, wire_to(config) as two:
        await asyncio.gather(one.initialize(), two.initialize())
        calls = [wire.call("ssh_run", host="web", command=f"echo {n}") for n in range(1) for wire in (one, two)]
        await asyncio.gather(*calls)
        for number in range(20):
            await asyncio.gather(*(wire.call("ssh_run", host="web", command=f"echo {number}") for wire in (one, two)))
    report = verified(tmp_path / "audit.log")
    assert report.ok, report
    assert report.records >= 2 + 2 * 21 * 2


async def test_every_fault_of_a_broken_configuration_is_told_at_once_and_nothing_starts(tmp_path: Path) -> None:
    config = tmp_path / "hosts.yaml"
    config.write_text(
        "hosts:\n  web: {hots: x, user: u, auth: {method: key}}\nsettings: {deny_patterns: x}\nextra: 1\n"
    )
    async with wire_to(config) as wire:
        assert await wire.ended() == 2
        stderr = (await wire.process.stderr.read()).decode()  # type: ignore[union-attr]
        stdout = await wire.process.stdout.read()  # type: ignore[union-attr]
    assert stdout == b""
    assert f"{config}:2: hosts.web.hots: unknown key 'hots', did you mean 'host'?" in stderr
    assert f"{config}:2: hosts.web.auth.key_path: is required for method key" in stderr
    assert f"{config}:3: settings.deny_patterns: must be a list" in stderr
    assert f"{config}:4: extra: unknown key 'extra'" in stderr
    assert "Traceback" not in stderr


async def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path) -> None:
    async with wire_to(tmp_path / "none.yaml") as wire:
        assert await wire.ended() == 2
        stderr = (await wire.process.stderr.read()).decode()  # type: ignore[union-attr]
    assert f"{tmp_path}/none.yaml" in stderr
    assert "copy hosts.example.yaml there" in stderr


async def test_a_cancelled_request_ends_its_command_on_the_host(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"273.{uuid.uuid4().int % 10**9:09d}"
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        await wire.initialize()
        call = {"name": "ssh_run", "arguments": {"host": "web", "command": f"sleep {mark} & sleep {mark}"}}
        number = wire.post("tools/call", call)
        await asyncio.to_thread(until, lambda: len(processes_with(f"sleep\x00{mark}")) == 2, "the command does not run")
        wire.notify("notifications/cancelled", {"requestId": number, "reason": "enough"})
        await asyncio.to_thread(until, lambda: processes_with(f"sleep\x00{mark}") == [], "the command runs on")
        assert (await wire.call("ssh_ping"))["structuredContent"]["sessions"] == 1


async def test_an_unknown_host_is_refused_without_a_look_up(sshd: Sshd, tmp_path: Path) -> None:
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        await wire.initialize()
        for name in ("example.com", "root@127.0.0.1", "-oProxyCommand=id", "../web", "127.0.0.1"):
            refused = await wire.call("ssh_run", host=name, command="id")
            assert refused["content"][0]["text"].startswith("unknown_host: ")
    assert sshd.connections_made() == 0


async def logged(wire: Wire, word: bytes) -> None:
    """Read the server's log up to the line with the word; a refused file must name its fault there."""
    assert wire.process.stderr is not None
    async with asyncio.timeout(10):
        while word not in (line := await wire.process.stderr.readline()):
            assert line
    assert word != b"configuration_kept" or b"unknown key 'hots'" in line


async def test_a_hangup_reads_the_configuration_again_whole_or_not_at_all(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    good = config.read_text()
    async with wire_to(config) as wire:
        await wire.initialize()
        for text, expected in (
            (good.replace("  web:\n", "  renamed:\n"), ["renamed"]),
            (good.replace("  web:\n", "  broken:\n    hots: x\n"), ["renamed"]),
            (good, ["web"]),
        ):
            config.write_text(text)
            wire.process.send_signal(signal.SIGHUP)
            # A signal has no answer; the log tells when it was handled.
            await logged(wire, b"configuration_kept" if "hots" in text else b"configuration_read")
            hosts = (await wire.call("ssh_list_hosts"))["structuredContent"]["hosts"]
            assert [each["host"] for each in hosts] == expected
        wire.process.stdin.close()  # type: ignore[union-attr]
        assert await wire.ended() == 0


async def test_the_demo_passes(tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    environ = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(*command(), "demo", stdout=pipe, stderr=pipe, env=environ)
    async with asyncio.timeout(30):
        stdout, stderr = await process.communicate()
    assert process.returncode == 0, (stdout, stderr)
    assert b"All as it should be" in stdout
    assert b"it takes the host down (posix.power)" in stdout
    assert list(tmp_path.iterdir()) == []
