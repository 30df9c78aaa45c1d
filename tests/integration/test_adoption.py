"""A device that nobody knows becomes a host: by the operator's word alone, and without a restart."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_ssh.cli.main import main
from tests.support.edges import PORT, device_key, dialling, ended, forward, gateway, ssh
from tests.support.sshd import Sshd
from tests.support.waiting import until

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """The command line, as the operator of the folder's hosts.yaml: exit code, stdout, stderr."""
    monkeypatch.setenv("MCP_SSH_CONFIG", str(tmp_path / "hosts.yaml"))

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(words)
        return (code, *capsys.readouterr())

    return run


async def test_a_stranger_is_shown_and_adopted_and_works(sshd: Sshd, tmp_path: Path, said: Said) -> None:
    key = device_key(tmp_path, "stranger")
    async with gateway(tmp_path, {}, rest="# kept\n") as gate:
        assert said("hosts", "pending")[2] == "no key that is no device's has come to the tunnel listener\n"
        await ended(ssh(gate, key, *forward(sshd), "pi@127.0.0.1"))
        state = tmp_path / "state" / "devices.json"
        await until(lambda: state.exists() and "SHA256:" in state.read_text(), "nobody wrote down who came")
        [row] = [json.loads(line) for line in said("hosts", "pending", "--json")[1].splitlines()]
        assert (row["user"], row["address"], row["times"]) == ("pi", "127.0.0.1", 1)
        assert row["fingerprint"] in said("hosts", "pending")[1]
        assert await gate.code("edge") == "unknown_host", "the daemon takes nobody by itself"

        code, _, told = said("hosts", "adopt", row["fingerprint"][:30], "edge", "--user", "x")
        assert (code, "no key with the fingerprint" in told) == (1, True)
        words = ["hosts", "adopt", row["fingerprint"], "edge", "--user", sshd.user, "--key", str(sshd.key_path)]
        code, _, told = said(*words)
        assert code == 0, told
        assert f"ssh -N -R {PORT}:localhost:22" in told
        text = (tmp_path / "hosts.yaml").read_text()
        assert "# kept" in text
        assert f"tunnel: {{port: {PORT}, device_key_file: edge.pub}}" in text
        assert (tmp_path / "edge.pub").read_text().split()[:2] == key.with_suffix(".pub").read_text().split()[:2]
        assert said("hosts", "pending")[1] == ""
        assert said(*words)[0] == 1

        assert gate.running.reload.now()
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open")


async def test_what_would_bring_a_fault_or_write_over_something_writes_nothing(
    sshd: Sshd, tmp_path: Path, said: Said
) -> None:
    key = device_key(tmp_path, "stranger")
    async with gateway(tmp_path, {}) as gate:
        await ended(ssh(gate, key, *forward(sshd), "pi@127.0.0.1"))
    before = (tmp_path / "hosts.yaml").read_text()
    [row] = [json.loads(line) for line in said("hosts", "pending", "--json")[1].splitlines()]
    for words, told in (
        (["edge", "--user", "x"], "hosts.edge.auth: is required"),
        (["../edge", "--user", "x", "--auth", "agent"], "a host's name is"),
        (["edge", "--auth", "agent", "--port", "70000", "--user", "x"], "must be less than or equal to 65535"),
        (["stranger", "--auth", "agent", "--user", "x"], "stranger.pub: File exists; nothing was written"),
    ):
        code, _, error = said("hosts", "adopt", row["fingerprint"], *words)
        assert code != 0
        assert told in error
    assert (tmp_path / "hosts.yaml").read_text() == before
    assert not (tmp_path / "edge.pub").exists()


async def test_a_device_can_know_the_listener_before_its_first_call(sshd: Sshd, tmp_path: Path, said: Said) -> None:
    key = device_key(tmp_path)
    async with gateway(tmp_path, {}) as gate:
        code, line, told = said("tunnel", "key", "127.0.0.1")
        assert code == 0
        assert "the listener's host key is SHA256:" in told
        (tmp_path / "known").write_text(line)
        strict = ssh(gate, key, "-o", "StrictHostKeyChecking=yes", *forward(sshd), "pi@127.0.0.1")
        assert "Permission denied (publickey)" in await ended(strict)  # and not: host key verification failed
