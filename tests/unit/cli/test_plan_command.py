"""`mcp-ssh plan`, as a person calls it."""

import subprocess
from pathlib import Path

import pytest

from tests.support.stdio import command, environment

FILE = """\
policy:
  rules:
    - {name: look, action: allow, commands: ['uptime*', 'ls*']}
    - {name: ask, action: confirm, commands: ['systemctl restart *']}
hosts:
  web: {host: 127.0.0.1, user: u, auth: {method: agent}}
"""


def said(folder: Path, *words: str) -> tuple[int, str]:
    config = folder / "hosts.yaml"
    config.write_text(f"{FILE}settings: {{state_dir: {folder}/state, audit_log: {folder}/audit.log}}\n")
    told = subprocess.run(
        [*command(), "plan", *words], env=environment(config), capture_output=True, text=True, check=False
    )
    return told.returncode, told.stdout + told.stderr


def test_every_layer_is_told_with_the_part_that_is_not_allowed(tmp_path: Path) -> None:
    code, text = said(tmp_path, "web", "uptime; rm -rf /etc > /tmp/x")
    assert code == 1
    for layer in ("host", "network", "access", "policy", "safety", "address"):
        assert f"  {layer}: " in text
    assert "no rule allows: rm -rf /etc" in text
    assert "            ^^^^^^^^^^^" in text
    assert "> /tmp/x" in text
    assert "limits: 60 s" in text
    assert "it would not run" in text
    assert not (tmp_path / "audit.log").exists(), "a plan is no command and leaves no record"


@pytest.mark.parametrize(
    ("asked", "code", "ending"),
    [("uptime", 0, "it would run\n"), ("systemctl restart nginx", 1, "it would run once it is confirmed")],
)
def test_whether_it_would_run(tmp_path: Path, asked: str, code: int, ending: str) -> None:
    got, text = said(tmp_path, "web", asked)
    assert got == code
    assert ending in text


def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, text = said(tmp_path, "wbe", "uptime")
    assert code == 1
    assert "did you mean 'web'" in text
