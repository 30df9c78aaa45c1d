"""Records that are sent on, to real sockets and descriptors."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcp_ssh.audit.disk import forward
from mcp_ssh.audit.disk.forward import Forward, Stderr, Syslog
from mcp_ssh.audit.disk.sink import AuditLog, Options
from mcp_ssh.audit.record import Event
from tests.support.clock import FakeClock

pytestmark = pytest.mark.integration


@contextmanager
def syslog_at(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        daemon.settimeout(10)
        yield daemon


async def test_each_record_goes_to_stderr_and_to_the_systems_log_as_well(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audit.log"
    with syslog_at(tmp_path / "log") as daemon:
        with Forward([Stderr(), Syslog(str(tmp_path / "log"))]) as sent:
            async with AuditLog(str(path), FakeClock(), lambda: (), Options(sends_on=sent)) as log:
                await log.append(Event.DECIDED, {"command": "uptime"})
        told = [daemon.recv(65_536) for _ in range(2)]
    lines = path.read_text().splitlines()
    assert [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")] == lines
    assert told[1].startswith(b"<38>mcp-ssh: {")  # facility auth, severity info
    assert json.loads(told[1].split(b": ", 1)[1].rstrip(b"\x00"))["command"] == "uptime"


async def test_a_record_longer_than_a_datagram_is_cut_for_the_systems_log(tmp_path: Path) -> None:
    with syslog_at(tmp_path / "log") as daemon, Forward([Syslog(str(tmp_path / "log"))]) as sent:
        sent(["x" * 60_000])
        assert daemon.recv(65_536).rstrip(b"\x00").endswith(b"x[cut]")


def test_a_log_that_is_away_holds_nobody_up_and_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Forward([Syslog(str(tmp_path / "nobody"))]) as sent:
        for number in range(50):
            sent([str(number)])
    out, err = capfd.readouterr()
    assert (out + err).count("audit_not_sent_on") == 1
    assert "Traceback" not in err


def test_what_a_slow_reader_cannot_be_given_is_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "most_waiting", 10)
    may_go, told = threading.Event(), list[str]()

    class Slow:
        def send(self, line: str) -> None:
            may_go.wait(10)
            told.append(line)

        def close(self) -> None:
            told.append("closed")

    with Forward([Slow()]) as sent:
        for number in range(100):
            sent([str(number)])
        may_go.set()
    lost = json.loads(told[-2])
    assert lost["event"] == "forward.lost"
    assert lost["records"] + len(told) - 2 == 100
