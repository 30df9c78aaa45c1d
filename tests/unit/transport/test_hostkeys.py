import base64
import hmac
import stat
from pathlib import Path

import asyncssh
import pytest

from mcp_ssh.model.errors import HostKeyChangedError, HostKeyUnknownError
from mcp_ssh.model.host import HostKeyChecking
from mcp_ssh.transport.hostkeys import HostKeyJudge, entry_name, fingerprint, look_up, pin
from tests.support.hosts import host

KEY, OTHER = (asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(2))


def line(name: str, key: asyncssh.SSHKey) -> str:
    return f"{name} {key.export_public_key('openssh').decode().strip()}\n"


def judge(folder: Path, text: str = "", **changes: object) -> HostKeyJudge:
    known = folder / "known_hosts"
    known.write_text(text)
    web = host("web", address="web.example", **changes)
    return HostKeyJudge(web, look_up([str(known)], web.address, web.port), str(folder / "own"))


def test_entries_off_the_standard_port_carry_it() -> None:
    assert entry_name("web.example", 22) == "web.example"
    assert entry_name("2001:db8::1", 2222) == "[2001:db8::1]:2222"


@pytest.mark.parametrize("name", ["web.example", "*.example", "other,web.example"])
def test_a_key_in_a_file_is_trusted(tmp_path: Path, name: str) -> None:
    assert judge(tmp_path, line(name, KEY)).trusted_keys() == (KEY,)


def test_hashed_names_are_read(tmp_path: Path) -> None:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, b"192.168.1.61", "sha1").digest()  # HashKnownHosts of ssh_config(5)
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    known = tmp_path / "known_hosts"
    known.write_text(line(hashed, KEY))
    assert look_up([str(known)], "192.168.1.61", 22).keys == (KEY,)
    assert look_up([str(known)], "192.168.1.62", 22).keys == ()


def test_a_first_key_is_pinned_before_it_is_accepted(tmp_path: Path) -> None:
    first = judge(tmp_path)
    assert first.accepts(KEY)
    assert first.pinned_now
    own = tmp_path / "own"
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert look_up([str(own)], "web.example", 22).keys == (KEY,)


def test_a_changed_key_is_refused_with_both_fingerprints_and_the_command_that_mends_it(tmp_path: Path) -> None:
    changed = judge(tmp_path, line("web.example", KEY))
    assert not changed.accepts(OTHER)
    assert isinstance(changed.refusal, HostKeyChangedError)
    assert fingerprint(KEY) in changed.refusal.message
    assert fingerprint(OTHER) in changed.refusal.message
    assert f"ssh-keygen -R 'web.example' -f '{tmp_path / 'known_hosts'}'" in changed.refusal.hint
    assert not (tmp_path / "own").exists()


def test_under_strict_an_unknown_key_is_refused_and_not_pinned(tmp_path: Path) -> None:
    strict = judge(tmp_path, host_key_checking=HostKeyChecking.STRICT)
    assert not strict.accepts(KEY)
    assert isinstance(strict.refusal, HostKeyUnknownError)
    assert fingerprint(KEY) in strict.refusal.message
    assert not (tmp_path / "own").exists()


def test_a_fingerprint_in_the_configuration_stands_above_every_file(tmp_path: Path) -> None:
    pinned = judge(tmp_path, line("web.example", OTHER), host_key=fingerprint(KEY))
    assert pinned.trusted_keys() == ()
    assert pinned.accepts(KEY)
    assert not pinned.accepts(OTHER)
    assert not pinned.pinned_now


def test_an_entry_without_a_port_vouches_for_another_port_but_makes_no_key_there_a_changed_one(tmp_path: Path) -> None:
    behind_nat = judge(tmp_path, line("web.example", KEY), port=2222)
    assert behind_nat.trusted_keys() == (KEY,)
    assert behind_nat.accepts(OTHER)
    assert look_up([str(tmp_path / "own")], "web.example", 2222).keys == (OTHER,)


def test_a_bad_line_hides_neither_a_key_nor_a_revocation(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(
        line("web.example", KEY) + "web.example ssh-ed25519 not-base64\n" + line("@revoked web.example", OTHER)
    )
    found = look_up([str(known)], "web.example", 22)
    assert found.keys == (KEY,)
    assert found.revoked == (OTHER,)


def test_missing_files_say_nothing(tmp_path: Path) -> None:
    assert look_up([str(tmp_path / "none")], "web.example", 22).trusted == ()


def test_the_type_of_a_known_key_is_asked_for_first(tmp_path: Path) -> None:
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048).convert_to_public()
    known = tmp_path / "known_hosts"
    known.write_text(line("web.example", rsa))
    assert look_up([str(known)], "web.example", 22).algorithms()[:3] == ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]


def test_pinning_adds_and_never_overwrites(tmp_path: Path) -> None:
    own = str(tmp_path / "deep" / "own")
    pin(own, "a.example", 22, KEY)
    pin(own, "b.example", 2222, OTHER)
    assert look_up([own], "a.example", 22).keys == (KEY,)
    assert look_up([own], "b.example", 2222).keys == (OTHER,)
