"""Tokens: in hosts.yaml, in the environment, and made by command."""

import datetime as dt
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment, Network
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.config.tokenfile import TokenFile
from mcp_ssh.config.tokens import digest
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.principal import Permission

SECRET = "s" * 40
NETWORK = Network(frozenset({"http"}), token="d" * 40)


def read(text: str, network: Network = NETWORK, **environ: str) -> Snapshot:
    environment = Environment(Path("/etc/hosts.yaml"), Path("/home/ann"), network=network, environ=environ)
    return parse(text, Path("/etc/hosts.yaml"), environment)


def test_tokens_of_the_file_and_the_one_of_the_environment() -> None:
    snapshot = read(
        f"""
hosts: {{}}
tokens:
  cursor:
    token_env: CURSOR
    permissions: [execute, override]
    allowed_hosts: ['db-*']
    allowed_tags: [lab]
    expires: 2027-01-01
  ci: {{token_sha256: {digest(SECRET)}, enabled: false}}
""",
        CURSOR=SECRET,
    )
    default, cursor, ci = snapshot.tokens
    assert (default.name, default.sha256) == ("default", digest("d" * 40))
    assert Permission.OVERRIDE not in default.permissions
    assert (cursor.sha256, cursor.hosts, cursor.tags) == (digest(SECRET), ("db-*",), frozenset({"lab"}))
    assert cursor.permissions == {Permission.EXECUTE, Permission.OVERRIDE}
    assert cursor.expires_at == dt.datetime(2027, 1, 1, tzinfo=dt.UTC).timestamp()
    assert cursor.is_valid(cursor.expires_at - 1)
    assert not cursor.is_valid(cursor.expires_at)
    assert not ci.is_valid(0)
    assert SECRET not in repr(snapshot)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{}", "tokens.t.token_env: needs token_env or token_sha256"),
        ("{token_env: A, token_sha256: b}", "tokens.t.token_sha256"),
        ("{token_env: UNSET}", "tokens.t.token_env: UNSET is not set"),
        ("{token_env: SHORT}", "tokens.t.token_env: SHORT has fewer than 32 characters"),
        ("{token_env: LONG, permissions: [fly]}", "tokens.t.permissions.0: must be"),
        ("{token_env: LONG, expires: soon}", "tokens.t.expires: is no day such as 2027-01-31"),
    ],
)
def test_a_token_that_is_not_right_is_told_with_its_line(entry: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(f"hosts: {{}}\ntokens:\n  t: {entry}\n", SHORT="x", LONG=SECRET)
    assert words in str(caught.value)
    assert ":3:" in str(caught.value)


def test_on_stdio_no_variable_of_a_token_is_needed() -> None:
    assert read("hosts: {}\ntokens:\n  t: {token_env: UNSET}\n", network=Network()).tokens == ()


def test_what_is_made_rotated_and_revoked_counts_at_once_and_no_secret_is_kept(tmp_path: Path) -> None:
    daemon, command = TokenFile(str(tmp_path)), TokenFile(str(tmp_path))
    assert daemon.current() == ()
    first = command.create("cursor", {"permissions": ["execute"]})
    assert [token.sha256 for token in daemon.current()] == [digest(first)]
    second = command.rotate("cursor")
    assert [token.sha256 for token in daemon.current()] == [digest(second)]
    file = tmp_path / "tokens.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(secret not in file.read_text() for secret in (first, second))
    command.revoke("cursor")
    assert daemon.current() == ()
    with pytest.raises(InvalidArgumentError, match="has no token"):
        command.revoke("cursor")


def test_a_change_that_would_not_be_right_changes_nothing(tmp_path: Path) -> None:
    file = TokenFile(str(tmp_path))
    file.create("a", {"permissions": ["execute"]})
    before = (tmp_path / "tokens.yaml").read_bytes()
    for name, entry in (("a", {}), ("b", {"permissions": ["fly"]}), ("../c", {}), ("default", {})):
        with pytest.raises((ConfigurationError, InvalidArgumentError)):
            file.create(name, entry)
    assert (tmp_path / "tokens.yaml").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokens.lock", "tokens.yaml"]


def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    file = TokenFile(str(tmp_path))
    file.create("a", {"permissions": ["execute"]})
    (tmp_path / "tokens.yaml").write_text("tokens: [")
    assert file.current() == ()
    with pytest.raises(ConfigurationError):
        file.tokens()


def test_the_command_prints_the_token_alone_so_that_it_can_be_piped(tmp_path: Path) -> None:
    config = tmp_path / "hosts.yaml"
    config.write_text(f"hosts: {{}}\nsettings: {{state_dir: {tmp_path}/state}}\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mcp_ssh", "tokens", *words]
        return subprocess.run(
            command, env={"MCP_SSH_CONFIG": str(config)}, capture_output=True, text=True, check=False, timeout=30
        )

    made = run("create", "cursor", "--tags", "lab", "--days", "3")
    assert made.returncode == 0
    [token] = TokenFile(f"{tmp_path}/state").current()
    assert digest(made.stdout.strip()) == token.sha256
    assert (token.hosts, token.tags) == ((), frozenset({"lab"}))
    assert "cursor" in run("list").stdout
    assert token.sha256 not in run("list").stdout
    assert run("create", "cursor").returncode == 1
    assert run("revoke", "cursor").returncode == 0
    assert "there are no tokens" in run().stderr
