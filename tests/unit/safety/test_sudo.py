import pytest

from mcp_ssh.safety.posix.sudo import asks_by_itself


@pytest.mark.parametrize(
    "command",
    [
        "sudo -k -S id",
        "sudo -kS -p '' systemctl restart nginx",
        "sudo -k -S -p '' -u postgres psql -c 'select 1'",
        "sudo -S -k -- id > /tmp/x",
        "sudo -u root -Sk id 2>&1",
    ],
)
def test_sudo_that_asks_on_its_input_is_known(command: str) -> None:
    assert asks_by_itself(command, from_stdin=True)
    assert not asks_by_itself(command, from_stdin=False)


@pytest.mark.parametrize("command", ["sudo -k id", "sudo -k -u bob ls -S", "sudo -p 'S: ' -k ls"])
def test_sudo_that_asks_on_its_terminal_is_known(command: str) -> None:
    assert asks_by_itself(command, from_stdin=False)
    assert not asks_by_itself(command, from_stdin=True)


@pytest.mark.parametrize(
    "command",
    [
        "cat",
        "sudo -S cat",  # what was asked before is asked no more, and cat reads it
        "sudo -S id -k",
        "sudo -k -S id | rev",
        "cat | sudo -k -S id",
        "sudo -k -S id; cat",
        "cat; sudo -k -S id",
        "sudo -k -S id && cat",
        "(sudo -k -S id)",
        "if true; then sudo -k -S id; fi",
        "sudo -k -S id &",
        "sudo -k -S id < /dev/zero",
        "sudo -k -S id <<< x",
        "PATH=/tmp sudo -k -S id",
        "/tmp/sudo -k -S id",
        "s=sudo; $s -k -S id",
        "sudo $flags id",
        "bash -c 'sudo -k -S id'",
        "sudo() { rev; }; sudo -k -S id",
        "exec sudo -k -S id",
        "sudo -p -kS id",
        "sudo 'unfinished",
        "",
    ],
)
def test_whatever_else_could_read_it_is_not(command: str) -> None:
    assert not asks_by_itself(command, from_stdin=True)
