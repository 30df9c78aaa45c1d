"""Terminals that are recorded: what they showed, by an independent look at the files; and `mcp-ssh audit replay`."""

import json
import os
import pty
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.lab.device_host import DeviceHost
from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.errors import RecordingError
from mcp_ssh.ports import Pty
from mcp_ssh.recording import recorder
from mcp_ssh.recording.playing import undo
from mcp_ssh.recording.recorder import Recorder, day_s
from tests.support.clock import FakeClock
from tests.support.hosts import host
from tests.support.sshd import Sshd
from tests.support.stdio import command, configuration, environment, wire_to

pytestmark = pytest.mark.integration
RECORDED = "  recording: {enabled: true}\n"
SIZE = Pty("xterm", 80, 24)


def recordings(folder: Path) -> list[Path]:
    return sorted((folder / "state" / "recordings").glob("*.cast"))


def shown(path: Path) -> str:
    """What a player would draw, read without the code that wrote it."""
    header, *events = [json.loads(line) for line in path.read_text().splitlines()]
    assert (header["version"], isinstance(header["width"], int)) == (2, True)
    times = [time for time, _, _ in events]
    assert times == sorted(times)
    assert {kind for _, kind, _ in events} == {"o"}
    return "".join(text for _, _, text in events)


async def test_what_a_shell_showed_is_played_back(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    config.write_text(config.read_text() + RECORDED)
    async with wire_to(config) as wire:
        await wire.initialize()
        await wire.call("ssh_shell", host="web", command="echo the $((40 + 2)) things; printf '\\033]0;title\\007'")
    [path] = recordings(tmp_path)
    assert "the 42 things" in shown(path)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    records = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [record["recording"] for record in records if record["event"] == "recording"] == [path.name]
    said = replayed(config, path.name, "--speed", "1000")
    assert "the 42 things" in said.stdout
    assert "\x1b]0;" not in said.stdout
    assert "\x1b]0;title" in replayed(config, path.name, "--speed", "1000", "--raw").stdout
    listed = replayed(config).stdout
    assert path.name[:16] in listed
    assert "web (127.0.0.1)" in listed
    assert "no recording has" in replayed(config, "nothing").stderr


async def test_what_a_device_showed_is_recorded_and_its_secret_is_not(tmp_path: Path) -> None:
    async with DeviceHost(tmp_path / "switch", switch("enable-secret-7")) as device:
        config = tmp_path / "hosts.yaml"
        config.write_text(f"""\
hosts:
  sw:
    host: 127.0.0.1
    port: {device.port}
    user: ops
    auth: {{method: key, key_path: {device.client_key_path}}}
    shell: cli
    platform: cisco_ios
    enable_env: ENABLE
settings:
  state_dir: {tmp_path}/state
  audit_log: {tmp_path}/audit.log
  known_hosts: []
{RECORDED}""")
        async with wire_to(config, ENABLE="enable-secret-7") as wire:
            await wire.initialize()
            result: Any = await wire.call("ssh_run", host="sw", command="show clock")
            assert not result["isError"], result
    [path] = recordings(tmp_path)
    assert "show clock" in shown(path)
    assert "sw1#" in shown(path)
    assert "enable-secret-7" not in path.read_text()


async def test_a_terminal_that_cannot_be_recorded_is_not_opened(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    config.write_text(config.read_text() + RECORDED)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "recordings").write_text("in the way")
    async with wire_to(config) as wire:
        await wire.initialize()
        result = await wire.call("ssh_shell", host="web", command="echo hello")
        assert result["structuredContent"]["error"]["code"] == "recording_unavailable"
        assert not (await wire.call("ssh_run", host="web", command="echo hello"))["isError"]


def test_old_recordings_are_removed_and_nothing_else(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = Recorder(str(tmp_path), clock, lambda: (), keep_days=2)
    old, new = keeper.begin(host("web"), SIZE), keeper.begin(host("web"), SIZE)
    for each in (old, new):
        each.end()
    folder = old.path.parent
    (folder / "notes.txt").write_text("mine")
    (folder / "20200101T000000Z-web-00000000.cast").symlink_to(folder / "notes.txt")
    now = clock.wall()
    for path in folder.iterdir():
        os.utime(path, (now, now - 3 * day_s if path != new.path else now), follow_symlinks=False)
    assert keeper.forget_old() == 1
    assert {path.name for path in folder.iterdir()} == {
        new.path.name, "notes.txt", "20200101T000000Z-web-00000000.cast",
    }  # fmt: skip


def test_a_full_disk_ends_a_recording_and_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recorder(str(tmp_path), FakeClock(), lambda: (), 1).begin(host("web"), SIZE)
    recording.output(b"one")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        recording.output(b"two")
    recording.output(b"three")
    recording.end()
    assert shown(recording.path) == "one"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    with pytest.raises(RecordingError, match="cannot be begun"):
        Recorder(str(tmp_path), FakeClock(), lambda: (), 1).begin(host("web"), SIZE)


def test_secrets_are_taken_out_wherever_they_are_cut(tmp_path: Path) -> None:
    recording = Recorder(str(tmp_path), FakeClock(), lambda: ("hunter2hunter2",), 1).begin(host("web"), SIZE)
    for byte in b"pw: hunter2hunter2!":
        recording.output(bytes([byte]))
    recording.end()
    assert shown(recording.path) == "pw: [redacted]!"


async def test_a_fault_that_stops_the_daemon_is_told_in_words_with_recordings_too(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    config.write_text(config.read_text() + RECORDED)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        variables = environment(
            config, MCP_TRANSPORT="http", MCP_AUTH_TOKEN="t" * 40, MCP_PORT=str(taken.getsockname()[1])
        )
        said = subprocess.run(command(), env=variables, capture_output=True, text=True, timeout=30, check=False)
    assert (said.returncode, "Traceback" in said.stderr) == (2, False)
    assert "is in use" in said.stderr


def test_one_damaged_file_does_not_hide_the_others(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd)
    good = Recorder(str(tmp_path / "state"), FakeClock(), lambda: (), 1).begin(host("web"), SIZE)
    good.output(b"fine")
    good.end()
    for number, raw in enumerate((b"", b"\xff\xfe", b'{"version": 2, "timestamp": 1e99}\n', b"[]")):
        (good.path.parent / f"damaged{number}.cast").write_bytes(raw)
    listed = replayed(config)
    assert listed.returncode == 0
    assert good.path.name in listed.stdout
    assert listed.stdout.count("damaged") == 8
    assert "is no recording" in replayed(config, "damaged1").stderr


def test_a_recording_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "most_bytes", 1_000)
    recording = Recorder(str(tmp_path), FakeClock(), lambda: (), 1).begin(host("web"), SIZE)
    for _ in range(100):
        recording.output(b"x" * 100)
    recording.end()
    assert recording.path.stat().st_size < 1_500


def replayed(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(), "audit", "replay", *arguments],
        env=environment(config, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_terminal_is_put_back_when_the_play_is_over(tmp_path: Path) -> None:
    recording = Recorder(str(tmp_path), FakeClock(), lambda: (), 1).begin(host("web"), SIZE)
    recording.output(b"\x1b[?1049h\x1b[31mred")
    recording.end()
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*command(), "audit", "replay", str(recording.path)], stdout=slave, stderr=subprocess.DEVNULL, stdin=slave
    ) as play:
        os.close(slave)
        drawn = b""
        try:
            while chunk := os.read(master, 4096):
                drawn += chunk
        except OSError:  # a terminal that nobody writes to any more
            pass
        assert play.wait(20) == 0
    os.close(master)
    assert drawn == (f"\x1b[?1049h\x1b[31mred{undo}".replace("\n", "\r\n")).encode()
