import subprocess

import pytest

from mcp_ssh_drivers.execshell import LoginShell, end_request, read_left
from tests.support.parts import require


@pytest.mark.integration
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash"])
def test_the_end_script_ends_the_whole_process_session_and_a_child_that_left_it(shell: str) -> None:
    words = shell.split()
    require(words[0])
    command = "sleep 61.25 & setsid sleep 61.25 & trap '' TERM; (sleep 61.25; :) & sleep 61.25; sleep 61.25"
    with subprocess.Popen(["sh", "-c", command], start_new_session=True) as leader:
        subprocess.run(["sleep", "0.2"], check=True)
        request = end_request(leader.pid, LoginShell.POSIX).removeprefix("exec ")
        answer = subprocess.run([*words, "-c", request], capture_output=True, timeout=20, check=True)
        leader.wait(timeout=5)
    assert read_left(answer.stdout) == 0
    assert b"sleep\x0061.25" not in _command_lines()


def _command_lines() -> bytes:
    return subprocess.run(
        ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null; true"], capture_output=True, check=True
    ).stdout
