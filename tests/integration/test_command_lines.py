"""Stateless commands on real command lines: FRR's vtysh with its pager, and birdc, which repaints its prompt."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.model.errors import InvalidArgumentError, NotAtPromptError, SessionLostError
from mcp_ssh.model.result import Ended, Outcome
from mcp_ssh.ports import Connection
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.clishell import CliShell
from mcp_ssh_drivers.exchange import Standing
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.registry import generic, known, profile_for, profile_of
from tests.support.posix import command, host_of, transport_in
from tests.support.routers import birdc, vtysh
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, processes_with, send, until

PROFILES = known()


@asynccontextmanager
async def connected(server: Sshd, folder: Path) -> AsyncIterator[Connection]:
    connection = await transport_in(folder).connect(host_of(server), ["127.0.0.1"], NoSecrets())
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def shell(server: Sshd, folder: Path, platform: str) -> AsyncIterator[PtyDriver]:
    async with connected(server, folder) as connection:
        driver = PtyDriver(profile_of(platform, None, PROFILES))
        await driver.open(connection, 10)
        yield driver
        driver.close()


async def test_vtysh_is_followed_through_its_modes_and_a_prompt_that_changes(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with shell(server, tmp_path, "frr") as router:
            assert router.mode == "privileged"
            seen = []
            for line in ("configure terminal", "hostname other", "interface lo", "end", "configure terminal"):
                result = await router.run(line, 5)
                assert (result.standing, result.output.head) == (Standing.DONE, b"")
                seen.append(result.mode)
            assert seen == ["config", "config", "config", "privileged", "config"]
            assert (await router.run("no hostname", 5)).standing is Standing.DONE  # the prompt says (null) now
            assert (await router.walk("privileged", lambda: None, 5)).mode == "privileged"  # type: ignore[union-attr]
            assert (await router.run("shwo", 5)).device_error == "% Unknown command: shwo"
            text = "show " + "y" * 1_495
            assert (await router.run(text, 5)).device_error == f"% Unknown command: {text}"


async def test_a_paged_output_equals_the_unpaged_one_and_writes_nothing(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with shell(server, tmp_path, "frr") as router:
            await router.run("configure terminal", 5)
            for number in range(40):
                await router.run(f"interface made{number}", 5)
                await router.run(f"description number {number}", 5)
            await router.run("end", 5)
            plain = await router.run("show running-config", 10)
            assert len(plain.output.head.splitlines()) > 120  # several pages
            before = sorted(path.name for path in tmp_path.iterdir())
            await router.run("terminal paginate", 5)
            paged = await router.run("show running-config", 20)
            assert paged.output.head == plain.output.head
            assert sorted(path.name for path in tmp_path.iterdir()) == before


async def test_a_stateless_command_leaves_the_base_mode_as_it_was(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, profile_of("frr", None, PROFILES))
            assert (await driver.run(command("configure terminal"))).outcome is Outcome.COMPLETED
            result = await driver.run(command("show version"))
            assert result.stdout.head.startswith(b"FRRouting ")
            assert (await driver.run(command("interface lo"))).device_error == "% Unknown command: interface lo"


async def test_twenty_callers_of_one_device_each_get_their_own_answer(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, profile_of("frr", None, PROFILES))
            results = await asyncio.gather(*(driver.run(command(f"show nothing{n}")) for n in range(20)))
            errors = [result.device_error for result in results]
            assert errors == [f"% Unknown command: show nothing{n}" for n in range(20)]


async def test_a_device_of_which_only_the_prompt_is_known_answers_too(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, generic(r"[\w.-]+[>#]\s*$", PROFILES))
            assert (await driver.run(command("show version"))).stdout.head.startswith(b"FRRouting ")


async def test_birdc_erases_its_prompt_and_every_answer_is_whole(tmp_path: Path) -> None:
    with birdc(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, profile_of("bird", None, PROFILES))
            right = 0
            for _ in range(30):
                result = await driver.run(command("show protocols"))
                lines = result.stdout.head.decode().splitlines()
                right += lines[0].split() == ["Name", "Proto", "Table", "State", "Since", "Info"] and len(lines) == 2
                error = await driver.run(command("show nonsense"))
                right += error.device_error == "No such command. Press `?' for help."
            assert right == 60


async def test_what_completes_while_it_is_typed_is_not_run(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, profile_of("frr", None, PROFILES))
            with pytest.raises(NotAtPromptError, match="nothing ran"):
                await driver.run(command("sho\tversion"))
            assert (await driver.run(command("show version"))).stdout.head.startswith(b"FRRouting ")


async def test_while_a_pager_waits_no_command_reaches_it_and_the_home_folder_is_untouched(tmp_path: Path) -> None:
    """A pager takes a command for keys of its own: less would write a file, or run a program."""
    home = tmp_path / "home"
    home.mkdir()
    blind = PROFILES["frr"].model_copy(update={"pager": ()})  # it does not know that the pager is one
    with vtysh(home) as server:
        async with connected(server, tmp_path) as connection:
            before = {path.name for path in home.iterdir()}
            router = CliShell(connection, blind)
            await router.open(10)
            await router.run(command("terminal paginate"))
            paging = asyncio.ensure_future(router.run(command("show running-config", timeout_s=2)))
            await asyncio.sleep(1)
            with pytest.raises(SessionLostError) as caught:
                await router.run(command("show version"))
            assert not caught.value.sent
            assert (await paging).outcome is Outcome.TIMED_OUT
            # The interrupt has ended the pager, or the shell counts as lost, or the pager still reads: then the echo
            # is not prompt and command, and Enter never follows.
            with contextlib.suppress(SessionLostError, NotAtPromptError):
                await router.run(command("!touch escaped"))
            assert {path.name for path in home.iterdir()} == before


def plain(folder: Path) -> Sshd:
    """A login whose command line is a dash of which only the prompt is known."""
    return Sshd(folder / "plain", extra=("ForceCommand exec env PS1='unit-7> ' ENV= HISTFILE= dash -i",))


UNIT = generic(r"unit-7>\s*$", PROFILES)


async def test_a_line_that_the_editor_of_busybox_would_cut_is_refused(tmp_path: Path) -> None:
    ash = PROFILES["busybox"].model_copy(update={"prompt": "(?P<base>unit-7)(?P<end>>)"})
    with Sshd(tmp_path / "ash", extra=("ForceCommand exec env PS1='unit-7> ' ENV= busybox ash",)) as server:
        async with connected(server, tmp_path) as connection:
            shell = CliShell(connection, ash)
            await shell.open(10)
            fits = "echo " + "y" * 1_010
            assert (await shell.run(command(fits))).stdout.head.decode() == fits.removeprefix("echo ") + "\n"
            with pytest.raises(InvalidArgumentError, match="1023 characters and the device takes 1022"):
                await shell.run(command("echo " + "y" * 1_018))
            assert (await shell.run(command("echo on"))).stdout.head == b"on\n"


async def test_a_command_that_takes_too_long_is_interrupted_and_the_shell_goes_on(tmp_path: Path) -> None:
    with plain(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, UNIT)
            result = await driver.run(command("echo begun; sleep 61.07", timeout_s=2))
            assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.SIGNALLED)
            assert result.stdout.head == b"begun\n"
            until(lambda: not processes_with("61.07"), "the command still runs")
            assert (await driver.run(command("echo $((6 * 7))"))).stdout.head == b"42\n"


async def test_a_cancelled_command_is_interrupted_on_the_device(tmp_path: Path) -> None:
    with plain(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, UNIT)
            task = asyncio.ensure_future(driver.run(command("sleep 62.07")))
            while not processes_with("62.07"):
                await asyncio.sleep(0.02)
            task.cancel()
            assert (await task).outcome is Outcome.CANCELLED
            until(lambda: not processes_with("62.07"), "the command still runs")


async def test_a_link_that_breaks_in_mid_command_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    with plain(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            driver = CliDriver(connection, UNIT)
            task = asyncio.ensure_future(driver.run(command("sleep 3.07")))
            while not processes_with("sleep\x003.07"):
                await asyncio.sleep(0.02)
            for pid in server.connection_pids():
                send(pid, signal.SIGKILL)
            result = await task
            assert (result.outcome, result.ended) == (Outcome.UNKNOWN, Ended.UNKNOWN)


async def test_the_terminal_is_as_the_profile_says(tmp_path: Path) -> None:
    with plain(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            result = await CliDriver(connection, UNIT).run(command("echo $TERM; stty size"))
            assert result.stdout.head == b"vt100\n24 511\n"


async def test_ten_megabytes_come_whole(tmp_path: Path) -> None:
    with plain(tmp_path) as server:
        async with connected(server, tmp_path) as connection:
            line = "a line with a prompt in its middle: unit-7> and more"
            result = await CliDriver(connection, UNIT).run(command(f"yes '{line}' | head -n 190000"))
            assert result.outcome is Outcome.COMPLETED
            assert result.stdout.total == 190_000 * (len(line) + 1)


async def test_a_login_that_asks_first_is_answered_as_the_host_says_and_init_commands_run(tmp_path: Path) -> None:
    script = "printf 'Press any key to go on'; read -r key; exec env PS1='unit-7> ' ENV= dash -i"
    with Sshd(tmp_path / "asks", extra=(f"ForceCommand {script}",)) as server:
        entry = host_of(
            server, prompt_regex=r"unit-7>\s*$", login_dialogue=(("any key to go on", "k\r"),), init_commands=("n=41",)
        )
        async with connected(server, tmp_path) as connection:
            result = await CliDriver(connection, profile_for(entry, PROFILES)).run(command("echo $((n + 1))"))
            assert result.stdout.head == b"42\n"
