"""The menu on a real terminal of 80 by 24, as a person drives it."""

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.model.host import Host
from mcp_ssh_drivers.registry import known
from tests.support.sshd import Sshd

pytestmark = pytest.mark.integration

MENU = Path(__file__).parents[2] / "manage_hosts.py"
DOWN, CLEAR = "\x1b[B", "\x15"
LIST, ADD, EDIT, DELETE, TEST, LEAVE = range(6)
TEXT = """\
# Ours.
hosts:
  web-1:            # the front
    host: 192.0.2.1
    user: admin
    auth: {method: agent}
    colour: blue    # nobody knows it
"""


class Person:
    """Somebody at a keyboard."""

    def __init__(self, child: Any) -> None:
        self.child = child

    def sees(self, text: str) -> None:
        self.child.expect(re.escape(text), timeout=10)

    def picks(self, number: int) -> None:
        self.child.send(DOWN * number + "\r")

    def at_menu(self, number: int) -> None:
        self.sees("What to do?")
        self.sees("Leave")
        self.picks(number)

    def answers(self, question: str, text: str | None = None) -> None:
        """Type over the default, or keep it."""
        self.sees(question)
        self.child.send("\r" if text is None else f"\x01\x0b{text}\r")

    def chooses(self, question: str, number: int = 0) -> None:
        self.sees(question)
        self.picks(number)

    def leaves(self) -> None:
        self.at_menu(LEAVE)
        self.child.expect(pexpect.EOF, timeout=10)
        self.child.close()
        assert self.child.exitstatus == 0


@contextmanager
def menu(path: Path, **environ: str) -> Iterator[Person]:
    own = {
        **os.environ,
        "MCP_SSH_CONFIG": str(path),
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm",
        "HOME": str(path.parent),
    }
    child = pexpect.spawn(sys.executable, [str(MENU)], env=own | environ, dimensions=(24, 80), encoding="utf-8")
    try:
        yield Person(child)
    finally:
        child.close(force=True)


def hosts(path: Path) -> dict[str, Host]:
    return dict(parse(path.read_text(), path, Environment(path, path.parent), known).inventory.hosts)


def test_a_host_is_added_to_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    with menu(path) as person:
        person.at_menu(LIST)
        person.sees("there are no hosts yet")
        person.at_menu(ADD)
        person.answers("Name", "core switch")
        person.sees("letters, digits, dot, dash and underscore")
        person.answers("", "core-1")
        person.answers("Address", "300.1.1.1")
        person.sees("is no host name and no IP address")
        person.answers("", "2001:db8::7")
        person.answers("Port:", "99999")
        person.sees("a port is a number from 1 to 65535")
        person.answers("", "2222")
        person.answers("User:", "ops")
        person.chooses("Login by:", 1)
        person.answers("with the password", "hunter 2")
        person.sees("the secret itself never stands here")
        person.answers("", "CORE_PASS")
        person.chooses("What kind of host?", 1)
        person.chooses("Platform:")
        person.answers("enable secret")
        person.answers("Tags", "network, core")
        person.answers("Description", "In the cellar")
        person.sees("core-1 is written")
        person.sees("CORE_PASS is not set here")
        person.leaves()
    core = hosts(path)["core-1"]
    assert (core.address, core.port, core.user, core.auth.password_env) == ("2001:db8::7", 2222, "ops", "CORE_PASS")
    assert core.tags == {"network", "core"}
    assert core.platform in known()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_edit_keeps_every_default_comment_and_unknown_key(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(TEXT)
    with menu(path) as person:
        person.at_menu(EDIT)
        person.chooses("Which host?")
        person.answers("Address")
        person.answers("Port:")
        person.answers("User:", "root")
        person.chooses("Login by:")
        person.chooses("What kind of host?")
        person.answers("Tags")
        person.answers("Description")
        person.sees("web-1 is written")
        person.leaves()
    assert path.read_text() == TEXT.replace("user: admin", "user: root")


def test_a_delete_asks_first(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(TEXT)
    with menu(path) as person:
        person.at_menu(DELETE)
        person.chooses("Which host?")
        person.sees("Delete web-1 from the file?")
        person.child.send("n")
        person.sees("left as it was")
        assert path.read_text() == TEXT
        person.at_menu(DELETE)
        person.chooses("Which host?")
        person.sees("Delete web-1 from the file?")
        person.child.send("y")
        person.sees("web-1 is deleted")
        person.leaves()
    assert hosts(path) == {}
    assert "# Ours." in path.read_text()


def test_ctrl_c_leaves_a_question_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(TEXT)
    with menu(path) as person:
        person.at_menu(EDIT)
        person.chooses("Which host?")
        person.sees("Address")
        person.child.sendintr()
        person.sees("left as it was")
        person.leaves()
    assert path.read_text() == TEXT


def test_a_host_is_tested_for_real(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    login = f"user: {sshd.user}, auth: {{method: key, key_path: {sshd.key_path}}}"
    entry = f"{{host: 127.0.0.1, port: {sshd.port}, {login}}}"
    dead = f"{{host: 127.0.0.1, port: 1, {login}}}"
    settings = f"settings: {{state_dir: {tmp_path}/state, audit_log: {tmp_path}/audit.log, known_hosts: []}}"
    path.write_text(f"hosts:\n  alive: {entry}\n  dead: {dead}\n{settings}\n")
    with menu(path, LOG_LEVEL="error") as person:
        person.at_menu(TEST)
        person.chooses("Which host?")
        person.sees("alive answers")
        person.sees("SHA256:")
        person.at_menu(TEST)
        person.chooses("Which host?", 1)
        person.sees("connecting to dead")
        person.sees("refused")
        person.leaves()
