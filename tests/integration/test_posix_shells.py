"""Stateful shells on real ones behind a real sshd: state, exit codes, outputs and commands are exact."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.model.command import Key, Speech
from mcp_ssh.model.errors import NotAtPromptError, NothingAsksError, SessionLostError
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh_drivers.posixshell import PosixShell
from mcp_ssh_drivers.registry import known
from tests.support.parts import require
from tests.support.posix import command, host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, processes_with, send, until

LINUX = known()["linux"]
SHELLS = {
    "bash": "exec bash --norc -i",
    "bash with an OSC prompt": "exec env PS1='\\[\\e]0;title\\a\\]$ ' bash --norc -i",
    "dash": "exec dash -i",
    "ash": "exec busybox ash",
    "zsh": "exec zsh -f -i",
    "mksh": "exec mksh -i",
    "ksh93": "exec ksh93 -i",
    "fish": "exec fish --private",
    "tcsh": "exec tcsh",
}


@pytest.fixture(params=["bash", "dash", "ash"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sshd]:
    require(SHELLS[request.param].removeprefix("exec ").split()[0])
    with Sshd(tmp_path / "sshd", extra=(f"ForceCommand {SHELLS[request.param]}",)) as server:
        yield server


@pytest.fixture(params=SHELLS)
def every(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sshd]:
    require(SHELLS[request.param].removeprefix("exec ").split()[0])
    with Sshd(tmp_path / "sshd", extra=(f"ForceCommand {SHELLS[request.param]}",)) as server:
        yield server


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd", extra=("ForceCommand exec bash --norc -i",)) as server:
        yield server


@asynccontextmanager
async def shell_on(server: Sshd, folder: Path, directory: str = "") -> AsyncIterator[PosixShell]:
    connection = await transport_in(folder).connect(host_of(server), ["127.0.0.1"], NoSecrets())
    shell = PosixShell(connection, LINUX)
    try:
        await shell.open(15, directory)
        yield shell
    finally:
        await connection.close()


async def run(shell: PosixShell, text: str, timeout_s: float = 10) -> CommandResult:
    return await shell.run(command(text, timeout_s=timeout_s))


async def test_state_exit_codes_and_outputs_are_exact(every: Sshd, tmp_path: Path) -> None:
    """One login, for each shell: what a person would type, and what must come of it."""
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    expected: list[tuple[str, int, bytes]] = [
        ("echo hello", 0, b"hello\n"),
        (f'cd "{folder}"; greeting="a b"; false', 1, b""),
        ('echo $? "$greeting"; pwd', 0, b"1 a b\n" + str(folder).encode() + b"\n"),
        ("printf 'no end'", 0, b"no end"),
        ("f() { return 7; }; f", 7, b""),
        ("f", 7, b""),
        ("(exit 42)", 42, b""),
        ("echo \"wow!\" '!!' !x", 0, b"wow! !! !x\n"),
        ("cat <<E\na\tb\t\\$x `echo q`\nE", 0, b"a\tb\t$x q\n"),
        ("cat <<'E'\n\t!tab 'quote' \"double\" \\back\nE", 0, b"\t!tab 'quote' \"double\" \\back\n"),
        ("printf '\\000\\001\\377\\033[31mred\\r\\n'", 0, b"\0\x01\xff\x1b[31mred\r\n"),
        ("echo é € 𝄞", 0, "é € 𝄞\n".encode()),
        ("# only a comment", 0, b""),
        ("stty echo; echo seen", 0, b"seen\n"),
        ("echo still quiet", 0, b"still quiet\n"),
        ("trap 'echo trapped' USR1; kill -USR1 $$", 0, b"trapped\n"),
        ("exec 5>&1; echo five >&5", 0, b"five\n"),
    ]
    async with shell_on(every, tmp_path) as shell:
        for text, code, output in expected:
            result = await run(shell, text)
            assert (result.outcome, result.exit_code, result.stdout.head) == (Outcome.COMPLETED, code, output), text
        assert shell.directory == str(folder)


async def test_the_exit_code_of_a_command_is_what_the_next_one_sees(every: Sshd, tmp_path: Path) -> None:
    async with shell_on(every, tmp_path) as shell:
        for code in (0, 1, 2, 126, 127, 255, 0):
            assert (await run(shell, f"(exit {code})")).exit_code == code
            assert (await run(shell, "echo $?")).stdout.head == b"%d\n" % code
        killed = await run(shell, "sh -c 'kill -KILL $$' 2>/dev/null; [ $? -gt 128 ]; false")
        assert killed.exit_code == 1


async def test_what_a_command_does_to_the_terminal_is_undone_before_the_next(every: Sshd, tmp_path: Path) -> None:
    broken = "import termios as t; m = t.tcgetattr(0); m[3] ^= t.ECHO | t.ICANON; m[1] ^= t.OPOST; t.tcsetattr(0, 1, m)"
    async with shell_on(every, tmp_path) as shell:
        for text in (
            "stty echo",
            "stty opost onlcr",
            "stty sane",
            f'python3 -c "{broken}"',
            "stty raw",
            "stty -raw echo",
        ):
            assert (await run(shell, text)).exit_code == 0, text
            following = await run(shell, "printf 'a\\tb\\n'; pwd >/dev/null")
            assert (following.stdout.head, following.unsolicited) == (b"a\tb\n", ()), text


async def test_a_shell_that_stops_at_errors_goes_on(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        await run(shell, "set -e")
        assert (await run(shell, "false")).exit_code == 1
        assert (await run(shell, "echo on")).stdout.head == b"on\n"


async def test_a_program_that_was_killed_is_told_by_its_code(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        killed = await run(shell, "sh -c 'kill -TERM $$'")
        assert (killed.exit_code, killed.stdout.head) == (143, b"Terminated\n")


async def test_errors_of_the_shell_itself_end_the_command_and_not_the_shell(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        for text in (
            "if",
            "echo ${unset_one?is not set}",
            "no_such_command_here",
            "readonly r=1; r=2",
            ". /no/such/file",
        ):
            result = await run(shell, text)
            assert result.outcome is Outcome.COMPLETED, text
            assert result.exit_code not in {0, None}, text
            assert (await run(shell, "echo goes on")).stdout.head == b"goes on\n"


async def test_long_commands_arrive_whole(server: Sshd, tmp_path: Path) -> None:
    """dash cuts a typed line at 4,095 bytes and BusyBox ash at 1,022; the command comes in pieces and is compared."""
    async with shell_on(server, tmp_path, str(tmp_path)) as shell:
        for size in (900, 1_022, 1_023, 4_094, 4_096, 10_000):
            printed = 'é\t!$`\\"x' * (size // 8)
            result = await run(shell, f"printf %s '{printed}' | sha256sum")
            assert result.stdout.head[:64].decode() == hashlib.sha256(printed.encode()).hexdigest()


async def test_what_runs_without_input_is_interrupted_and_the_shell_goes_on(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        await run(shell, "kept=yes")
        for text in ("cat", "sleep 71.03", "while :; do :; done"):
            result = await run(shell, text, timeout_s=0.6)
            assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.SIGNALLED), text
        assert not processes_with("71.03")
        assert (await run(shell, "echo $kept")).stdout.head == b"yes\n"


async def test_exit_and_exec_end_the_shell_and_tell_the_code(server: Sshd, tmp_path: Path) -> None:
    for text, code in (("exit 3", 3), ("exec sh -c 'echo last; exit 4'", 4)):
        async with shell_on(server, tmp_path) as shell:
            result = await run(shell, text)
            assert (result.outcome, result.exit_code, result.has_ended) == (Outcome.COMPLETED, code, True)
            assert not shell.is_usable
            with pytest.raises(SessionLostError) as caught:
                await run(shell, "echo no")
            assert not caught.value.sent


async def test_background_jobs_go_on_and_what_they_say_later_is_told_apart(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path) as shell:
        assert (await run(shell, "(sleep 0.3; echo late) & echo now")).stdout.head.endswith(b"now\n")
        await asyncio.sleep(0.6)
        result = await run(shell, "echo next")
        assert result.stdout.head == b"next\n"
        assert "late" in result.unsolicited


async def test_a_question_waits_for_its_answer_and_a_secret_is_not_echoed(server: Sshd, tmp_path: Path) -> None:
    script = "printf 'Do you want to continue? [Y/n] '; read -r a; echo got $a"
    secret = "stty -echo; printf 'Password: '; read -r p; stty echo; echo; echo ${#p}"
    async with shell_on(server, tmp_path) as shell:
        asked = await run(shell, script)
        assert (asked.outcome, asked.question) == (Outcome.WAITING_INPUT, "Do you want to continue? [Y/n]")
        assert shell.answers("y")
        assert not shell.answers("rm -rf x")
        with pytest.raises(NotAtPromptError):
            await run(shell, "echo no")
        answered = await shell.say(Speech("y"), command(""))
        assert (answered.outcome, answered.stdout.head, answered.exit_code) == (Outcome.COMPLETED, b"got y\n", 0)
        assert (await run(shell, secret)).asks_secret
        given = await shell.say(Speech(secret=Secret("tell-nobody")), command(""))
        assert given.stdout.head == b"\n11\n"
        await run(shell, script)
        assert (await shell.say(Speech(key=Key.CTRL_C), command(""))).outcome is Outcome.INTERRUPTED
        assert (await run(shell, "echo on")).stdout.head == b"on\n"


async def test_words_reach_a_program_that_runs(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        running = asyncio.ensure_future(run(shell, "cat"))
        await asyncio.sleep(0.3)
        shell.type(Speech("line one"))
        await asyncio.sleep(0.2)
        shell.type(Speech(key=Key.CTRL_D))
        result = await running
        assert (result.exit_code, result.stdout.head) == (0, b"line one\n")


async def test_words_for_a_program_never_reach_a_prompt(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path, str(tmp_path)) as shell:
        with pytest.raises(NothingAsksError, match="nothing was sent"):
            shell.type(Speech("touch escaped"))
        assert (await run(shell, "ls")).stdout.head.find(b"escaped") < 0


async def test_a_cancelled_command_is_interrupted(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path) as shell:
        task = asyncio.ensure_future(run(shell, "sleep 72.03"))
        while not processes_with("72.03"):
            await asyncio.sleep(0.02)
        task.cancel()
        assert (await task).outcome is Outcome.CANCELLED
        until(lambda: not processes_with("72.03"), "the command still runs")
        assert (await run(shell, "echo on")).stdout.head == b"on\n"


async def test_a_program_that_ignores_the_interrupt_costs_the_shell_and_is_hung_up(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path) as shell:
        result = await run(shell, "sh -c 'trap \"\" INT; sleep 73.03; sleep 73.04'", timeout_s=0.5)
        assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.UNKNOWN)
        assert not shell.is_usable
        until(lambda: not processes_with("73.03"), "the program was not hung up")


async def test_a_broken_link_leaves_the_outcome_unknown(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path) as shell:
        task = asyncio.ensure_future(run(shell, "sleep 3.03"))
        while not processes_with("sleep\x003.03"):
            await asyncio.sleep(0.02)
        for pid in bash.connection_pids():
            send(pid, signal.SIGKILL)
        assert (await task).outcome is Outcome.UNKNOWN


async def test_a_shell_opens_in_the_directory_where_the_lost_one_was(bash: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "a 'quoted' $folder"
    folder.mkdir()
    async with shell_on(bash, tmp_path, str(folder)) as shell:
        assert (await run(shell, "pwd")).stdout.head.decode() == f"{folder}\n"


async def test_ten_megabytes_come_whole(bash: Sshd, tmp_path: Path) -> None:
    async with shell_on(bash, tmp_path) as shell:
        result = await run(shell, "yes 'a line of 40 bytes, with $ and > and # x' | head -c 10000000", timeout_s=30)
        assert result.stdout.total == 10_000_000


async def test_neither_tracing_nor_listing_variables_can_fake_an_end(server: Sshd, tmp_path: Path) -> None:
    async with shell_on(server, tmp_path) as shell:
        for text in ("set", 'echo "$PS1"', "set -x", "echo traced", "set +x"):
            result = await run(shell, text)
            assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, 0), text
        assert (await run(shell, "echo $((6*7))")).stdout.head == b"42\n"
