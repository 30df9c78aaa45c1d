"""`mcp-ssh` as a process of its own on the network: its start, its refusals, its end with open streams."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.sshd import free_port, until

TOKEN = "0123456789abcdef" * 4


def environment(folder: Path, **changes: str) -> dict[str, str]:
    config = folder / "hosts.yaml"
    config.write_text(f"hosts: {{}}\nsettings: {{state_dir: {folder}/state, audit_log: {folder}/audit.log}}\n")
    own = {"MCP_SSH_CONFIG": str(config), "MCP_TRANSPORT": "sse+http", "MCP_AUTH_TOKEN": TOKEN}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MCP_")}
    return kept | own | changes


@contextmanager
def serving(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "mcp_ssh"]
    with (folder / "log").open("wb") as log:
        own = environment(folder, MCP_PORT=str(port))
        process = subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: b'"serving"' in (folder / "log").read_bytes() or process.poll() is not None, "it does not serve")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MCP_AUTH_TOKEN": ""}, "MCP_AUTH_TOKEN: is required for the network; make one with: export MCP_AUTH_TOKEN="),
        ({"MCP_AUTH_TOKEN": "short"}, "MCP_AUTH_TOKEN: must have 32 characters or more"),
        ({"MCP_PORT": "70000"}, "MCP_PORT: must be a port"),
        ({"MCP_TRANSPORT": "websocket"}, "MCP_TRANSPORT: must be one of stdio, sse, http, sse+http"),
        ({"PUBLIC_BASE_URL": "mcp.example.com"}, "PUBLIC_BASE_URL: must be a URL"),
    ],
)
def test_a_start_that_would_be_wrong_is_refused_with_what_to_do(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    command = [sys.executable, "-m", "mcp_ssh"]
    done = subprocess.run(command, env=environment(tmp_path, **changes), capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert done.stdout == b""


def test_it_ends_cleanly_in_time_with_an_open_stream(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/mcp", b"{}", headers={"Authorization": "Bearer nobody"})
        assert connection.getresponse().read() is not None
        connection.request("GET", "/sse", headers={"Authorization": f"Bearer {TOKEN}"})
        stream = connection.getresponse()
        assert stream.status == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
        connection.close()
    records = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [record["path"] for record in records if record.get("status") == 401] == ["/mcp"]
    log = (tmp_path / "log").read_text()
    assert TOKEN not in log
    assert "Traceback" not in log


def test_a_busy_port_is_told(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port):
        other = tmp_path / "other"
        other.mkdir()
        command = [sys.executable, "-m", "mcp_ssh"]
        own = environment(other, MCP_PORT=str(port))
        done = subprocess.run(command, env=own, capture_output=True, timeout=30, check=False)
        assert done.returncode == 2
        assert f"127.0.0.1:{port} is in use" in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()
