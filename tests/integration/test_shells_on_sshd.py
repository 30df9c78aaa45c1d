"""Shells and long outputs on a real sshd, through the whole daemon."""

import asyncio
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.app import App, wired
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.command import Key, Wish
from mcp_ssh.model.errors import InvalidArgumentError, StateChangedError
from mcp_ssh.model.host import Inventory
from mcp_ssh.model.refusals import ConfirmationRequiredError
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.reading import Place
from mcp_ssh.service.said import Said
from tests.support.clock import FakeClock
from tests.support.daemon import ANN, Ledger
from tests.support.hosts import settings
from tests.support.posix import host_of, transport_in
from tests.support.secrets import SomeSecrets
from tests.support.sshd import Sshd, processes_with, send

pytestmark = pytest.mark.integration

ONE, OTHER = replace(ANN, conversation="one"), replace(ANN, conversation="other")
ASKS = (
    "sudo() { stty -echo; printf '[sudo] password for ann: '; read -r p; stty echo; echo; [ ${#p} = 11 ] && echo in; }"
)
"""It asks as sudo does."""


@asynccontextmanager
async def app_on(server: Sshd, folder: Path, audit: Ledger | None = None, **changes: Any) -> AsyncIterator[App]:
    entry = host_of(server, sudo_env="WEB_SUDO")
    facts = {"state_dir": str(folder / "state")} | changes
    snapshot = Snapshot(Inventory({"web": entry}), settings(**facts), "hosts.yaml")
    secrets = Keyrings(SomeSecrets({"WEB_SUDO": "open-sesame"}))
    parts = (Configuration(lambda: snapshot), audit or Ledger(), transport_in(folder, **changes), FakeClock(), secrets)
    async with wired(*parts) as app:
        yield app


async def run(app: App, text: str, **more: Any) -> CommandResult:
    answer, _ = await app.terminals.run(more.pop("caller", ONE), "web", Wish(text, timeout_s=20), **more)
    return answer.result


async def test_a_shell_that_was_lost_is_back_in_its_directory_and_says_what_is_gone(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        await run(app, f"cd {tmp_path} && greeting=hello")
        assert (await run(app, "echo $greeting")).stdout.head == b"hello\n"
        for pid in sshd.connection_pids():
            send(pid, signal.SIGKILL)
        while app.commands.sessions(ONE):  # what is typed before the loss is noticed has an unknown outcome
            await asyncio.sleep(0.02)
        again = await run(app, 'pwd; echo "[$greeting]"')
        assert again.renewed
        assert again.stdout.head.decode() == f"{tmp_path}\n[]\n"
        ended = await run(app, "exit 3")
        assert (ended.exit_code, ended.has_ended) == (3, True)
        assert (await run(app, "pwd")).stdout.head.decode() == f"{tmp_path}\n"


async def test_a_stateless_command_and_another_conversation_do_not_see_the_shell(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        await run(app, f"cd {tmp_path}; export greeting=hello")
        assert (await run(app, "echo [$greeting]", caller=OTHER)).stdout.head == b"[]\n"
        stateless = await app.commands.run(ONE, "web", Wish("echo [$greeting]"))
        assert stateless.result.stdout.head == b"[]\n"


async def test_the_secret_that_sudo_asks_for_is_given_by_name_and_shown_nowhere(sshd: Sshd, tmp_path: Path) -> None:
    audit = Ledger()
    async with app_on(sshd, tmp_path, audit) as app:
        await run(app, ASKS)
        await run(app, "read -r -p 'Password: ' x")
        with pytest.raises(InvalidArgumentError, match="sudo -k PROGRAM"):  # whoever asks, it is not sudo
            await app.terminals.send(ONE, "web", Said(secret="WEB_SUDO"))
        await app.terminals.send(ONE, "web", Said(key=Key.CTRL_C))
        asked = await run(app, "sudo -k id")
        assert (asked.outcome, asked.asks_secret) == (Outcome.WAITING_INPUT, True)
        assert asked.question == "[sudo] password for ann:"
        with pytest.raises(InvalidArgumentError, match="never text from you"):
            await app.terminals.send(ONE, "web", Said(text="open-sesame"), confirmed=True)
        answer, _ = await app.terminals.send(ONE, "web", Said(secret="WEB_SUDO"))
        assert answer.result.stdout.head == b"\nin\n"
        assert "open-sesame" not in repr((asked, answer.result, audit.records))


async def test_words_to_a_program_need_a_person_and_listed_answers_do_not(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        await run(app, "printf 'Do you want to continue? [Y/n] '; read -r a; echo $a")
        with pytest.raises(ConfirmationRequiredError):
            await app.terminals.send(ONE, "web", Said(text="n; rm -r /srv"))
        assert (await app.terminals.send(ONE, "web", Said(text="n")))[0].result.stdout.head == b"n\n"
        running, _ = await app.terminals.run(ONE, "web", Wish("cat", timeout_s=20), reply_within_s=1)
        assert running.done is None
        with pytest.raises(ConfirmationRequiredError):
            await app.terminals.send(ONE, "web", Said(text="hello"))
        await app.terminals.send(ONE, "web", Said(text="hello"), confirmed=True)
        ended, _ = await app.terminals.send(ONE, "web", Said(key=Key.CTRL_D), confirmed=True)
        assert ended.result.stdout.head == b"hello\n"


async def test_a_command_goes_on_after_its_call_answered_and_its_output_is_kept_whole(
    sshd: Sshd, tmp_path: Path
) -> None:
    async with app_on(sshd, tmp_path) as app:
        text = "seq 1 20000; sleep 2; seq 20001 40000"
        answer = await app.commands.run(ONE, "web", Wish(text, timeout_s=20), reply_within_s=0.5)
        assert answer.done is None
        assert answer.handle is not None
        async with asyncio.timeout(10):
            while (await app.reader.read(ONE, answer.handle, Place(tail=1))).data != b"20000":
                await asyncio.sleep(0.02)
        after = await app.reader.read(ONE, answer.handle, Place(grep="^39999$"), wait_s=10)
        assert after.data == b"39999"
        result = answer.run.result
        assert result is not None
        assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, 0)
        whole, offset = b"", 0
        while True:
            part = await app.reader.read(ONE, answer.handle, Place(offset=offset))
            whole += part.data
            if part.next_offset is None:
                break
            offset = part.next_offset
        assert whole == b"".join(b"%d\n" % number for number in range(1, 40_001))
        [file] = (tmp_path / "state" / "outputs").rglob("r-*")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list((tmp_path / "state" / "outputs").iterdir()) == []


async def test_a_stateless_command_is_ended_by_its_handle_with_all_that_it_started(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        wish = Wish("sleep 75.04 & sleep 75.04", timeout_s=30)
        answer = await app.commands.run(ONE, "web", wish, reply_within_s=0.5)
        stopped, _ = await app.terminals.send(ONE, "web", Said(key=Key.CTRL_C), session=answer.handle)
        assert (stopped.result.outcome, stopped.result.ended) == (Outcome.CANCELLED, Ended.CERTAIN)
        assert processes_with("75.04") == []


async def test_who_leaves_before_the_first_answer_ends_the_command(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        calling = asyncio.ensure_future(run(app, "sleep 76.04"))
        while not processes_with("76.04"):
            await asyncio.sleep(0.02)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        while processes_with("76.04"):
            await asyncio.sleep(0.02)
        assert (await run(app, "echo on")).stdout.head == b"on\n"


@pytest.mark.parametrize("delay", ["", "sleep 0.3; "])
async def test_a_command_that_ends_its_own_link_runs_once_and_its_outcome_is_unknown(
    sshd: Sshd, tmp_path: Path, delay: str
) -> None:
    async with app_on(sshd, tmp_path) as app:
        await run(app, "true")
        pids = " ".join(map(str, sshd.connection_pids()))
        result = await run(app, f"echo ran >> {tmp_path}/times; {delay}kill -KILL {pids}", confirmed=True)
        assert result.outcome is Outcome.UNKNOWN
        assert (await run(app, f"cat {tmp_path}/times")).stdout.head == b"ran\n"


async def test_a_link_that_goes_while_a_command_is_being_interrupted_runs_nothing_again(
    sshd: Sshd, tmp_path: Path
) -> None:
    async with app_on(sshd, tmp_path) as app:
        await run(app, "true")
        pids = " ".join(map(str, sshd.connection_pids()))
        text = f"echo ran >> {tmp_path}/times; sh -c \"trap 'kill -KILL {pids}' INT; while :; do sleep 0.1; done\""
        answer, _ = await app.terminals.run(ONE, "web", Wish(text, timeout_s=0.7), confirmed=True)
        assert (answer.result.outcome, answer.result.ended) == (Outcome.TIMED_OUT, Ended.UNKNOWN)
        assert (await run(app, f"cat {tmp_path}/times")).stdout.head == b"ran\n"


async def test_what_a_command_does_in_the_shells_directory_is_judged_there(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        (tmp_path / "work").mkdir()
        await run(app, f"cd {tmp_path}/work")
        await run(app, "rm -rf ./*")
        await run(app, "cd /")
        with pytest.raises(ConfirmationRequiredError, match=r"posix\.delete"):
            await run(app, "rm -rf etc")


async def test_a_command_that_was_judged_in_another_directory_is_not_sent(sshd: Sshd, tmp_path: Path) -> None:
    async with app_on(sshd, tmp_path) as app:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "kept").touch()
        await run(app, f"cd {tmp_path}/a")
        moves = asyncio.ensure_future(run(app, f"sleep 0.5; cd {tmp_path}/b"))
        await asyncio.sleep(0.2)
        with pytest.raises(StateChangedError, match="nothing was sent"):
            await run(app, "rm -rf ./*")
        await moves
        assert (tmp_path / "b" / "kept").exists()
