"""docs/howto/edge-devices.md, by its own lines: only names and ports are those of the test."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.transport.listenerkey import ListenerKey
from tests.support.edges import Gateway, device_key, end, entry, gateway
from tests.support.parts import require
from tests.support.sshd import Sshd

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "docs/howto/edge-devices.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def words_of(line: str, gate: Gateway, server: Sshd, names: dict[str, str]) -> list[str]:
    names |= {
        "22222:localhost:22": f"22222:localhost:{server.port}",
        "edge-1@gateway.example.com": "edge-1@127.0.0.1",
        " 2222 ": f" {gate.port} ",
    }
    for name, here in names.items():
        assert name in line, name
        line = line.replace(name, here)
    return shlex.split(line)


async def dials_in(gate: Gateway, words: list[str], home: Path) -> None:
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "HOME": str(home)}
    )
    try:
        await gate.until_code("open")
        assert (await gate.run("echo it works")).stdout.head == b"it works\n"
    finally:
        end(process)


async def test_the_unit_dials_in(sshd: Sshd, tmp_path: Path) -> None:
    require("ssh")
    [unit] = blocks("ini")
    [line] = re.findall(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
    key = device_key(tmp_path)
    async with gateway(tmp_path, {"edge": entry(sshd, key)}) as gate:
        known = tmp_path / "listener"
        known.write_text(ListenerKey(f"{tmp_path}/state").known_hosts_line("127.0.0.1", gate.port) + "\n")
        names = {"/etc/mcp-tunnel/key": str(key), "/etc/mcp-tunnel/known_hosts": str(known)}
        await dials_in(gate, words_of(line.replace("\\\n", " "), gate, sshd, names), tmp_path)


async def test_the_init_script_dials_in(sshd: Sshd, tmp_path: Path) -> None:
    require("dbclient")
    [script] = [block for block in blocks("sh") if "procd_set_param command" in block]
    [line] = re.findall(r"procd_set_param command (.*)", script)
    [make] = [each for each in "".join(blocks("sh")).splitlines() if each.startswith("dropbearkey")]
    key = tmp_path / "tunnel_key"
    told = subprocess.run(
        shlex.split(make.replace("/etc/dropbear/tunnel_key", str(key)), comments=True),
        check=True,
        capture_output=True,
        text=True,
    )
    public = next(row for row in told.stdout.splitlines() if row.startswith("ssh-ed25519 "))
    key.with_suffix(".pub").write_text(f"{public}\n")
    async with gateway(tmp_path, {"edge": entry(sshd, key)}) as gate:
        # The file of known hosts is that of the account's home, whatever HOME says; the lab leaves it alone.
        names = {"/etc/dropbear/tunnel_key": str(key)}
        words = words_of(line.replace("dbclient ", "dbclient -y -y "), gate, sshd, names)
        await dials_in(gate, words, tmp_path)


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    file = tmp_path / "mcp-tunnel.service"
    file.write_text(blocks("ini")[0].replace("User=tunnel", "User=root"))
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd here")
    found = subprocess.run([program, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False)
    assert str(file.name) not in found.stderr, found.stderr


@pytest.mark.parametrize("block", blocks("yaml"))
def test_its_configuration_loads(block: str) -> None:
    file = Path("/etc/mcp/hosts.yaml")
    parse(block, file, Environment(file, Path("/home/ann")))
