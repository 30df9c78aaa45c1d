"""A device that no profile knows, by the steps of `drivers/README.md` as they stand there."""

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mcp_ssh.cli import trial
from mcp_ssh.cli.main import main
from mcp_ssh.lab.device import Ask, Kind, Reply
from mcp_ssh.lab.device_host import DeviceHost
from mcp_ssh.model.result import Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.registry import known, profile_of
from tests.integration.test_lab import entry
from tests.support.posix import command, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

README = Path("drivers/README.md").read_text("utf-8")
SHOW = {"show version": Reply("ACME 1.0"), "show log": Reply("\n".join(f"line {n}" for n in range(60)))}
RESTART = Ask("Continue? [y/n]", ("y",), Reply(hangs_up=True), Reply())
ACME = Kind(
    prompts={"user": "{host}>", "privileged": "{host}#"},
    commands={
        "user": SHOW | {"enable": Reply(asks=Ask("Password: ", ("up",), Reply(to="privileged"), Reply(), secret=True))},
        "privileged": SHOW | {"restart": Reply(asks=RESTART), "disable": Reply(to="user")},
    },
    start="user",
    complaint="Error: unknown word",
    pager="-- more --",
)


def blocks(kind: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(rf"^```{kind}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MCP_SSH_CONFIG", str(tmp_path / "home" / "hosts.yaml"))
    return tmp_path / "home"


def configure(home: Path, lab: DeviceHost, **changes: object) -> None:
    (line,) = (text for text in blocks("yaml") if text.startswith("acme-1:"))
    (name, host), *_ = yaml.safe_load(line).items()
    host |= {"host": "127.0.0.1", "port": lab.port, "auth": {"method": "key", "key_path": str(lab.client_key_path)}}
    paths = {"state_dir": str(home / "state"), "audit_log": str(home / "audit.log")}
    (home / "hosts.yaml").write_text(
        yaml.safe_dump({"settings": paths, "hosts": {name: host | changes}}, sort_keys=False)
    )
    (home / "hosts.yaml").chmod(0o600)


async def typed(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    words = shlex.split(line.partition(">")[0])
    assert words[0] == "mcp-ssh"
    code = await asyncio.to_thread(main, words[1:])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


async def test_the_steps_of_the_readme_lead_to_a_profile_that_works(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (draft_line, check_line), facts = blocks("sh"), [t for t in blocks("yaml") if t.startswith("prompt:")]
    async with DeviceHost(tmp_path / "lab", ACME, host="acme-1") as lab:
        configure(home, lab)
        code, drafted, _ = await typed(draft_line, capsys)
        assert code == 0
        data = yaml.safe_load(drafted) | yaml.safe_load(facts[0])
        assert data["name"] == "acme_1"
        assert lab.devices[-1].lines == []  # nothing but Enter
        Path("acme_1.yaml").write_text(yaml.safe_dump(data))
        code, told, _ = await typed(check_line, capsys)
        assert code == 0
        assert "acme_1 is right" in told
        assert "'acme-1>' (mode user)" in told
        assert lab.devices[-1].lines == []

        Path("profiles").mkdir()
        Path("acme_1.yaml").rename("profiles/acme_1.yaml")
        profile = profile_of("acme_1", None, known("profiles"))
        connection = await transport_in(tmp_path).connect(entry(lab, lab.client_key_path), ["127.0.0.1"], NoSecrets())
        driver = CliDriver(connection, profile, enable=lambda: Secret("up"))
        assert (await driver.run(command("show version"))).stdout.head == b"ACME 1.0\n"
        assert (await driver.run(command("show log"))).stdout.head.count(b"\n") == 60
        assert (await driver.run(command("shwo"))).device_error == "Error: unknown word"
        asked = await driver.run(command("restart"))
        assert (asked.outcome, asked.question) == (Outcome.INTERRUPTED, "Continue? [y/n]")
        await connection.close()
    records = [json.loads(line) for line in (home / "audit.log").read_text().splitlines()]
    assert [each["event"] for each in records].count("connect") == 2


async def test_a_draft_fits_its_device_as_it_stands(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with DeviceHost(tmp_path / "lab", ACME, host="acme-1") as lab:
        configure(home, lab)
        _, drafted, _ = await typed("mcp-ssh profile new acme-1", capsys)
        Path("draft.yaml").write_text(drafted)
        code, told, _ = await typed("mcp-ssh profile check draft.yaml --against acme-1", capsys)
    assert (code, "mode user" in told) == (0, True)


async def test_a_device_behind_a_bastion_is_tried_through_it(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sshd: Sshd
) -> None:
    async with DeviceHost(tmp_path / "lab", ACME, host="acme-1") as lab:
        configure(home, lab, jump=["bastion"])
        data = yaml.safe_load((home / "hosts.yaml").read_text())
        login = {"user": sshd.user, "auth": {"method": "key", "key_path": str(sshd.key_path)}}
        data["hosts"]["bastion"] = {"host": "127.0.0.1", "port": sshd.port} | login
        (home / "hosts.yaml").write_text(yaml.safe_dump(data))
        code, drafted, _ = await typed("mcp-ssh profile new acme-1", capsys)
        assert (code, yaml.safe_load(drafted)["name"]) == (0, "acme_1")
    records = [json.loads(line) for line in (home / "audit.log").read_text().splitlines()]
    ways = [(each["host"], each.get("jump")) for each in records if each["event"] == "connect"]
    assert ways == [("bastion", None), ("acme-1", ["bastion"])]
    assert sshd.connections_made() == 1


async def test_a_profile_of_another_device_is_told_so(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with DeviceHost(tmp_path / "lab", ACME, host="acme-1") as lab:
        configure(home, lab)
        monkeypatch.setattr(trial, "login_s", 2.0)
        _, shown, _ = await typed("mcp-ssh profile show mikrotik_routeros", capsys)
        Path("other.yaml").write_text(shown)
        code, _, said = await typed("mcp-ssh profile check other.yaml --against acme-1", capsys)
        assert code != 0
        assert "acme-1>" in said
        data = yaml.safe_load(Path("other.yaml").read_text()) | {"modes": {"exec": "#"}}
        data |= {"prompt": ".+[>#]", "examples": {"prompt": {"never#": "exec"}}}
        Path("modeless.yaml").write_text(yaml.safe_dump(data))
        code, _, said = await typed("mcp-ssh profile check modeless.yaml --against acme-1", capsys)
    assert code == 1
    assert "is none of the modes exec" in said


@pytest.mark.parametrize("name", ["nobody", "web"])
async def test_what_is_no_device_is_refused_before_anything_is_dialled(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    async with DeviceHost(tmp_path / "lab", ACME, host="acme-1") as lab:
        configure(home, lab)
        text = (home / "hosts.yaml").read_text()
        (home / "hosts.yaml").write_text(text + "  web: {host: 127.0.0.1, user: me, auth: {method: agent}}\n")
        code, out, said = await typed(f"mcp-ssh profile new {name}", capsys)
        assert lab.devices == []
    assert (code != 0, out) == (True, "")
    assert name in said
