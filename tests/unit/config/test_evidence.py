"""What hosts.yaml says of consent, evidence and secrets."""

import pytest

from mcp_ssh.model.policy import Confirm
from mcp_ssh.model.settings import AuditSettings
from tests.unit.config.test_load import GOOD, faults, one_host, read

DEFAULTS = AuditSettings()


def of_settings(lines: str) -> str:
    return f"settings: {{{lines}}}\n"


def test_nothing_said_is_the_defaults() -> None:
    kept = read("").settings
    assert kept.audit == DEFAULTS
    assert (kept.confirm, kept.recording_keep_days, kept.secrets_dir, kept.secret_command) == (None, None, None, ())


def test_the_keys_of_the_audit_log_reach_the_settings() -> None:
    kept = read(
        of_settings(
            "audit: {log_command: hmac, sync: always, rotate_bytes: 70000, key_env: AUDIT, also: [syslog, stderr]}"
        )
    ).settings.audit
    assert kept == AuditSettings(
        shows_command=False, sync_always=True, rotate_bytes=70_000, key_env="AUDIT", also=("syslog", "stderr")
    )


@pytest.mark.parametrize(
    ("of_host", "of_defaults", "of_all", "expected"),
    [
        ("", "", "", None),
        ("", "", "never", Confirm.NEVER),
        ("", "human", "never", Confirm.HUMAN),
        ("model", "human", "never", Confirm.MODEL),
    ],
)
def test_a_hosts_own_consent_comes_before_all_others(
    of_host: str, of_defaults: str, of_all: str, expected: Confirm | None
) -> None:
    rest = (f"defaults: {{confirm: {of_defaults}}}\n" if of_defaults else "") + (
        of_settings(f"confirm: {of_all}") if of_all else ""
    )
    assert one_host(GOOD + (f"\nconfirm: {of_host}" if of_host else ""), rest).confirm is expected


def test_secrets_and_recordings_are_where_the_file_says() -> None:
    kept = read(
        of_settings("secrets_dir: secrets, secret_command: [pass, show, 'ssh/{name}'], recording: {enabled: true}")
    ).settings
    assert (kept.secrets_dir, kept.secret_command) == ("/etc/mcp/secrets", ("pass", "show", "ssh/{name}"))
    assert kept.recording_keep_days == 30


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("audit: {log_command: hmac}", "audit.key_env: is required for log_command hmac"),
        ("audit: {also: [email]}", "settings.audit.also"),
        ("audit: {rotate_bytes: 10}", "settings.audit.rotate_bytes"),
        ("audit: {key_env: 'not a name!'}", "the NAME of an environment variable"),
        ("confirm: maybe", "settings.confirm"),
        ("secret_command: [pass, show]", "must hold {name} behind the program"),
        ("secret_command: ['{name}']", "must hold {name} behind the program"),
        ("secret_command: pass show", "settings.secret_command"),
        ("recording: {keep_days: 0}", "settings.recording.keep_days"),
    ],
)
def test_what_makes_no_sense_is_a_fault_with_its_key(lines: str, words: str) -> None:
    [fault] = faults(of_settings(lines))
    assert words in fault
