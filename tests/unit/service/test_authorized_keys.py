import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.service.authorizedkeys import holds, with_line, without

BLOB = ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIOurs")
LINE = f"{BLOB[0]} {BLOB[1]} mcp-ssh@gate"
OURS = LINE.encode()
OTHER = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther ann@laptop"


@pytest.mark.parametrize(
    "line",
    [
        OURS,
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOurs",
        b"ssh-ed25519\tAAAAC3NzaC1lZDI1NTE5AAAAIOurs another comment",
        b"  ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOurs",
        b"restrict,pty " + OURS,
        b'from="10.0.0.0/8,fd00::/8",command="echo \\"a b\\" # no" ' + OURS,
        OURS + b"\r",
    ],
)
def test_a_line_of_our_key_is_found_whatever_stands_around_the_key(line: bytes) -> None:
    text = OTHER + b"\n" + line + b"\n" + OTHER
    assert holds(text, BLOB)
    assert without(text, BLOB) == OTHER + b"\n" + OTHER


@pytest.mark.parametrize(
    "line",
    [
        b"",
        OTHER,
        b"# " + OURS,
        b"#" + OURS,
        b'command="' + OURS + b'" ' + OTHER,
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOursAndMore x",
        b"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOurs x",
        b"cert-authority restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOurs",
        b"\xff\xfe no text at all",
    ],
)
def test_what_is_no_line_of_our_key_is_left_alone(line: bytes) -> None:
    assert not holds(line, BLOB)
    assert without(line, BLOB) == line


@pytest.mark.parametrize("text", [b"", OTHER, OTHER + b"\n", OTHER + b"\r\n", b"\n\n", OTHER + b"\n\n# end"])
def test_a_line_more_changes_no_other_byte_and_begins_a_line(text: bytes) -> None:
    more = with_line(text, LINE)
    assert more.startswith(text)
    assert more.split(b"\n")[-2:] == [OURS, b""]
    assert holds(more, BLOB)


@given(st.binary(max_size=400).filter(lambda text: not holds(text, BLOB)))
def test_what_was_put_in_is_taken_out_and_the_rest_is_as_it_was(text: bytes) -> None:
    after = without(with_line(text, LINE), BLOB)
    assert after in {text, text + b"\n"}
    assert without(text, BLOB) == text


@given(st.lists(st.sampled_from([OURS, OTHER, b"", b"# note", b"restrict " + OURS, b'"' + OURS])))
def test_after_it_no_line_lets_the_key_in(lines: list[bytes]) -> None:
    assert not holds(without(b"\n".join(lines), BLOB), BLOB)
