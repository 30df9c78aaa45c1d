"""Where secrets come from, in which order, and which files are not taken."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_ssh.config.secrets import DaemonSecrets, EitherSecrets, EnvSecrets, secret_names
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.config.tokens import digest
from mcp_ssh.model.errors import SecretMissingError, SecretUnavailableError
from mcp_ssh.model.host import Auth, AuthMethod, Inventory
from mcp_ssh.model.principal import Token
from mcp_ssh.model.settings import AuditSettings
from tests.support.hosts import host, settings
from tests.support.secrets import NoSecrets, SomeSecrets


def put(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def in_folder(folder: Path, environ: dict[str, str] | None = None) -> DaemonSecrets:
    kept = settings(secrets_dir=str(folder))
    return DaemonSecrets(environ or {}, lambda: kept)


def test_a_missing_secret_names_the_variable_and_the_line_that_sets_it() -> None:
    with pytest.raises(SecretMissingError) as caught:
        EnvSecrets({"EMPTY": ""}).get("EMPTY")
    assert "EMPTY" in caught.value.message
    assert "export EMPTY=" in caught.value.hint


def test_a_secret_shows_stars() -> None:
    secrets = EnvSecrets({"P": "hunter2hunter2"})
    secret = secrets.get("P")
    assert "hunter2" not in f"{secret!r} {secret}"
    assert secret.reveal() == "hunter2hunter2"


def test_a_variable_comes_before_one_with_our_prefix_before_a_file_before_a_line(tmp_path: Path) -> None:
    for name in ("ONE", "TWO", "THREE"):
        put(tmp_path, name, f"file {name}\n")
    put(tmp_path, ".env", "\n".join(f"{name}='line {name}'" for name in ("ONE", "TWO", "THREE", "FOUR")))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("ONE", "TWO", "THREE", "FOUR", "FIVE"):
        put(credentials, name, "credential")
    environ = {"ONE": "variable", "MCP_SSH_SECRET_TWO": "prefixed", "CREDENTIALS_DIRECTORY": str(credentials)}
    for secrets in (in_folder(tmp_path, environ), EnvSecrets(environ | {"MCP_SSH_SECRETS_DIR": str(tmp_path)})):
        told = [secrets.get(name).reveal() for name in ("ONE", "TWO", "THREE", "FOUR", "FIVE")]
        assert told == ["variable", "prefixed", "file THREE", "line FOUR", "credential"]


def test_the_variable_of_the_folder_comes_before_its_setting(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    put(tmp_path, "P", "of the setting")
    with pytest.raises(SecretMissingError):
        in_folder(tmp_path, {"MCP_SSH_SECRETS_DIR": str(other)}).get("P")


def test_lines_are_taken_as_they_are(tmp_path: Path) -> None:
    lines = ["# a comment", "export A=plain # not this", "B='with $A and \"quotes\"'", 'C="two\\nlines"', "D=$A`id`"]
    put(tmp_path, ".env", "\n".join(lines))
    told = {name: in_folder(tmp_path).get(name).reveal() for name in "ABCD"}
    assert told == {"A": "plain", "B": 'with $A and "quotes"', "C": "two\nlines", "D": "$A`id`"}


def test_a_rotated_secret_counts_when_it_is_used_next(tmp_path: Path) -> None:
    secrets = in_folder(tmp_path)
    put(tmp_path, "P", "old")
    assert secrets.get("P").reveal() == "old"
    put(tmp_path, "P", "new")
    assert secrets.get("P").reveal() == "new"


@pytest.mark.parametrize("name", ["../P", "/etc/passwd", ".env", "..", "a b", "P/x", "", "x" * 300])
def test_a_name_that_is_no_name_leads_to_no_file(tmp_path: Path, name: str) -> None:
    put(tmp_path, ".env", "P=x")
    folder = tmp_path / "secrets"
    folder.mkdir()
    put(tmp_path, "P", "outside")
    put(folder, ".env", "Q=x")
    with pytest.raises(SecretMissingError, match="is not set"):
        in_folder(folder).get(name)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("large", "more than 65536 bytes"),
        ("written by others", "chmod 600"),
        ("read by others", "chmod 600"),
        ("a link out", "leads out of its folder"),
        ("a folder", "not a regular file"),
        ("a pipe", "not a regular file"),
    ],
)
def test_a_file_that_is_not_right_is_refused_and_not_looked_past(tmp_path: Path, harm: str, words: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    put(folder, ".env", "P=of the line")
    match harm:
        case "large":
            put(folder, "P", "x" * 70_000)
        case "written by others":
            put(folder, "P", "x", 0o620)
        case "read by others":
            put(folder, "P", "x", 0o644)
        case "a link out":
            (folder / "P").symlink_to(put(tmp_path, "outside", "x"))
        case "a folder":
            (folder / "P").mkdir()
        case _:
            os.mkfifo(folder / "P", 0o600)
    with pytest.raises(SecretMissingError) as caught:
        in_folder(folder).get("P")
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_links_within_the_folder_are_followed_as_kubernetes_mounts_them(tmp_path: Path) -> None:
    data = tmp_path / "..2026_11_27"
    data.mkdir()
    put(data, "P", "mounted")
    (tmp_path / "..data").symlink_to(data.name)
    (tmp_path / "P").symlink_to("..data/P")
    assert in_folder(tmp_path).get("P").reveal() == "mounted"


def test_a_client_that_is_attached_has_its_own_before_those_of_the_daemon() -> None:
    daemon = SomeSecrets({"P": "of the daemon", "Q": "too"})
    both = EitherSecrets(SomeSecrets({"P": "of the client"}), daemon)
    assert [both.get(name).reveal() for name in "PQ"] == ["of the client", "too"]
    with pytest.raises(SecretMissingError):
        EitherSecrets(NoSecrets(), NoSecrets()).get("P")


def test_what_is_there_and_not_right_is_told_also_to_a_client_that_is_attached(tmp_path: Path) -> None:
    put(tmp_path, "P", "x", 0o644)
    for both in (
        EitherSecrets(NoSecrets(), in_folder(tmp_path)),
        EitherSecrets(EnvSecrets({"MCP_SSH_SECRETS_DIR": str(tmp_path)}), SomeSecrets({"P": "of the daemon"})),
    ):
        with pytest.raises(SecretUnavailableError) as caught:
            both.get("P")
        assert caught.value.hint == f"chmod 600 {tmp_path}/P"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of root")
@pytest.mark.parametrize(("flags", "is_taken"), [(os.ST_RDONLY, True), (0, False)])
def test_files_that_root_mounted_read_only_have_modes_that_are_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int, is_taken: bool
) -> None:
    put(tmp_path, "P", "mounted", 0o444)
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_flag=flags))
    if is_taken:
        assert in_folder(tmp_path).get("P").reveal() == "mounted"
    else:
        with pytest.raises(SecretUnavailableError, match="read by others"):
            in_folder(tmp_path).get("P")


def test_the_variables_that_hold_secrets_are_known_so_that_no_child_has_them() -> None:
    token = "t" * 40
    snapshot = Snapshot(
        Inventory(
            {
                "web": host("web", auth=Auth(AuthMethod.PASSWORD, password_env="WEB_PASS"), sudo_env="WEB_SUDO"),
                "agent": host("agent", auth=Auth(AuthMethod.AGENT)),
            }
        ),
        settings(audit=AuditSettings(key_env="AUDIT")),
        "hosts.yaml",
        (Token("ops", digest(token), frozenset()),),
    )
    environ = {"OPS": token, "MCP_SSH_SECRET_X": "x", "MCP_AUTH_TOKEN": "y", "PATH": "/bin", "SSH_AUTH_SOCK": "/s"}
    assert secret_names(snapshot, environ) == {
        "OPS", "MCP_SSH_SECRET_X", "MCP_AUTH_TOKEN", "MCP_TOKEN", "WEB_PASS", "WEB_SUDO", "AUDIT",
    }  # fmt: skip
