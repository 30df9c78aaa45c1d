"""The quick mode of the bench of other servers: ours is always measured, and whoever is not installed is told of."""

import pytest

from bench.peers import rows
from bench.peers.install import lines_of
from bench.peers.known import others, own
from bench.peers.peer import Kind, requirements
from bench.peers.running import is_answered


def test_ours_is_measured_and_so_is_whoever_is_installed() -> None:
    found = {row.what: row for row in rows(quick=True)}
    for tool in ("ssh_run", "ssh_shell"):
        for command in ("echo hi", "uname -a"):
            assert found[f"ours {tool}: {command}"].figure > 0
    assert len([row for row in found.values() if row.goal == 10]) == 8
    assert found["ours: tools/list"].figure > 1_000
    for peer in others:
        told = peer.name in found
        assert told is not any(what.startswith(f"{peer.name}: ") for what in found)
        if told and not peer.is_slow:
            assert found[peer.name].unit == "not installed"


def test_each_server_has_a_pin_and_a_way_to_run_a_command() -> None:
    for peer in others:
        text = (requirements / f"{peer.name}.txt").read_text()
        assert text.splitlines()[-1].startswith(f"{peer.name}==")
        assert peer.ways
    assert {path.stem for path in requirements.glob("*.txt")} == {peer.name for peer in others}
    assert [way.kind for way in own.ways] == [Kind.EXEC, Kind.SHELL]


@pytest.mark.parametrize("tool", ["pip", "npm"])
def test_a_requirement_is_installed_by_the_tool_that_it_names(tool: str) -> None:
    text = {"pip": "x==1.2\n", "npm": "# npm\nx==1.2\n"}[tool]
    *_, last = lines_of(text, requirements)
    assert last[-1] == {"pip": "x==1.2", "npm": "x@1.2"}[tool]
    assert tool in last


def test_an_echo_of_the_command_is_no_answer() -> None:
    assert not is_answered('{"command": "echo hi", "stdout": ""}', "echo hi")
    assert is_answered('{"command": "echo hi", "stdout": "hi\\n"}', "echo hi")
    assert not is_answered('{"stdout": "which"}', "echo hi")
