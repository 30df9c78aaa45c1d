"""A program that keeps secrets, really run."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from mcp_ssh.config import secretcommand
from mcp_ssh.config.secrets import DaemonSecrets
from mcp_ssh.model.errors import SecretMissingError
from tests.support.hosts import settings
from tests.support.sshd import processes_with

pytestmark = pytest.mark.integration


def asking(script: str, environ: dict[str, str] | None = None, ours: tuple[str, ...] = ()) -> DaemonSecrets:
    kept = settings(secret_command=(sys.executable, "-c", script, "{name}"))
    return DaemonSecrets(environ or {}, lambda: kept, lambda: ours)


async def test_it_is_asked_for_what_is_nowhere_else_and_the_answer_is_kept(tmp_path: Path) -> None:
    script = f"import sys; open({str(tmp_path / 'asked')!r}, 'a').write(sys.argv[1] + ' '); print('said', sys.argv[1])"
    secrets = asking(script, environ={"HERE": "variable"})
    with pytest.raises(SecretMissingError):
        secrets.get("P")  # nobody waits for a program on the event loop
    await asyncio.gather(*(secrets.fetch(["P", "HERE"]) for _ in range(5)))
    await secrets.fetch(["P"])
    assert (secrets.get("P").reveal(), secrets.get("HERE").reveal()) == ("said P", "variable")
    assert (tmp_path / "asked").read_text() == "P "


async def test_it_is_asked_anew_when_the_configuration_was_read_again(tmp_path: Path) -> None:
    (tmp_path / "P").write_text("old")
    versions = [settings(secret_command=("cat", f"{tmp_path}/{{name}}")) for _ in range(2)]
    secrets = DaemonSecrets({"PATH": "/usr/bin:/bin"}, lambda: versions[0])
    await secrets.fetch(["P"])
    (tmp_path / "P").write_text("new")
    await secrets.fetch(["P"])
    assert secrets.get("P").reveal() == "old"
    del versions[0]
    await secrets.fetch(["P"])
    assert secrets.get("P").reveal() == "new"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; print('no such entry', file=sys.stderr); sys.exit(1)", "no such entry"),
        ("import sys; sys.exit(7)", "exit code 7"),
        ("pass", "said nothing"),
        ("print('x' * 100_000)", "more than 65536 bytes"),
        ("while True: print('x' * 1000)", "more than 65536 bytes"),
        ("import sys; sys.exit('no \x1b[31mentry\x07')", r"no \?\[31mentry\?$"),
    ],
)
async def test_what_it_cannot_tell_is_told_with_its_own_words(script: str, words: str) -> None:
    secrets = asking(script)
    async with asyncio.timeout(8):  # less than the program's own time: it is not waited for
        await secrets.fetch(["P"])
    with pytest.raises(SecretMissingError, match=words):
        secrets.get("P")


@pytest.mark.parametrize("ending", ["sys.exit(1)", "sys.exit('no such entry')", "print('x' * 100_000)"])
async def test_what_it_prints_is_in_no_error(ending: str) -> None:
    secrets = asking(f"import sys; print('canary', flush=True); {ending}")
    await secrets.fetch(["P"])
    with pytest.raises(SecretMissingError) as caught:
        secrets.get("P")
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"


async def test_one_that_hangs_is_ended_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secretcommand, "timeout_s", 0.5)
    secrets = asking("import subprocess; subprocess.run(['sleep', '71.31'])")
    await secrets.fetch(["P"])
    with pytest.raises(SecretMissingError, match=r"not answered within 0.5 s"):
        secrets.get("P")
    async with asyncio.timeout(10):
        while processes_with("71.31"):
            await asyncio.sleep(0.02)


async def test_those_who_wait_for_one_that_hangs_share_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secretcommand, "timeout_s", 1.0)
    secrets = asking(f"import sys, time; open({str(tmp_path / 'asked')!r}, 'a').write('P '); time.sleep(60)")
    await asyncio.gather(*(secrets.fetch(["P"]) for _ in range(5)))
    with pytest.raises(SecretMissingError, match="not answered"):
        secrets.get("P")
    assert (tmp_path / "asked").read_text() == "P "


async def test_one_whose_asker_leaves_is_ended_and_asked_anew_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "wait").touch()
    kept = settings(secret_command=("sh", "-c", f"test -e {tmp_path}/wait && exec sleep 71.41; echo {{name}}"))
    secrets = DaemonSecrets({"PATH": "/usr/bin:/bin"}, lambda: kept)
    asked = asyncio.ensure_future(secrets.fetch(["P"]))
    async with asyncio.timeout(10):
        while not processes_with("sleep\0" + "71.41"):
            await asyncio.sleep(0.02)
    second = asyncio.ensure_future(secrets.fetch(["P"]))
    (tmp_path / "wait").unlink()
    asked.cancel()
    await second
    assert secrets.get("P").reveal() == "P"
    assert not processes_with("sleep\0" + "71.41")


async def test_what_it_leaves_behind_does_not_keep_its_answer_back() -> None:
    script = "import subprocess; p = subprocess.Popen(['sleep', '71.43'], start_new_session=True); print(p.pid)"
    secrets = asking(script)
    async with asyncio.timeout(8):
        await secrets.fetch(["P"])
    os.kill(int(secrets.get("P").reveal()), signal.SIGKILL)


async def test_an_answer_to_what_was_asked_before_a_reload_does_not_count(tmp_path: Path) -> None:
    slow = f"touch {tmp_path}/asked; while ! test -e {tmp_path}/go; do sleep 0.02; done; echo old"
    versions = [settings(secret_command=("sh", "-c", f"{text} # {{name}}")) for text in (slow, "echo new")]
    secrets = DaemonSecrets({"PATH": "/usr/bin:/bin"}, lambda: versions[0])
    asked = asyncio.ensure_future(secrets.fetch(["P"]))
    async with asyncio.timeout(10):
        while not (tmp_path / "asked").exists():
            await asyncio.sleep(0.02)
    del versions[0]
    await secrets.fetch(["P"])
    assert secrets.get("P").reveal() == "new"
    (tmp_path / "go").touch()
    await asked
    assert secrets.get("P").reveal() == "new"


async def test_one_that_is_not_there_is_told() -> None:
    kept = settings(secret_command=("/nowhere/pass", "show", "{name}"))
    secrets = DaemonSecrets({}, lambda: kept)
    await secrets.fetch(["P"])
    with pytest.raises(SecretMissingError, match="No such file"):
        secrets.get("P")


async def test_it_inherits_none_of_our_secrets() -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/h",
        "MCP_AUTH_TOKEN": "canary",
        "CISCO_PASS": "canary",
        "OP_TOKEN": "op",
        "OP_HOST_PASS": "canary",
    }
    secrets = asking("import os, json; print(json.dumps(dict(os.environ)))", environ, ours=("OP_HOST_PASS",))
    await secrets.fetch(["P"])
    seen = json.loads(secrets.get("P").reveal())
    assert "canary" not in str(seen)
    assert (seen["HOME"], seen["OP_TOKEN"]) == ("/h", "op")
