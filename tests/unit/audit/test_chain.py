import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.chain import Link, place_of, recovery_reason, seal
from mcp_ssh.audit.head import Head, head_of, size_bytes, text_of
from mcp_ssh.audit.keys import key_of
from mcp_ssh.audit.record import Event, Form, check, fields_of, line_of
from mcp_ssh.audit.verify import Against, Report, verify

plain = Form()


def sealed(event: Event, fields: dict[str, object], last: Link) -> tuple[bytes, Link]:
    line, link = seal(fields_of(event, fields, 1e9 + last.seq, plain), last)
    return line.encode(), link


def log(count: int, last: Link | None = None) -> list[bytes]:
    lines, last = list[bytes](), last or Link()
    for number in range(count):
        line, last = sealed(Event.DECIDED, {"host": "web", "command": f"echo {number} ü"}, last)
        lines.append(line)
    return lines


def end_of(lines: Sequence[bytes]) -> Link:
    place = place_of(lines[-1])
    assert place is not None
    return place.link


def checked(lines: Sequence[bytes], against: Against | None = None) -> Report:
    return verify([("audit.log", lines)], against or Against())


def test_a_log_verifies_and_counts_its_records() -> None:
    report = checked(log(20))
    assert (report.ok, report.records, report.last.seq) == (True, 20, 20)
    assert verify([]).ok


@given(st.integers(0, 4), st.data())
def test_one_changed_byte_is_found_wherever_it_is(index: int, data: st.DataObject) -> None:
    lines = log(5)
    position = data.draw(st.integers(0, len(lines[index]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in {lines[index][position], 10}))
    lines[index] = lines[index][:position] + bytes([other]) + lines[index][position + 1 :]
    report = checked(lines)
    assert (report.ok, report.line) == (False, index + 1)


@given(st.integers(0, 8))
def test_a_removed_line_is_found(index: int) -> None:
    lines = log(10)
    del lines[index]
    report = checked(lines)
    assert not report.ok
    assert report.line == index + 1


@given(st.integers(0, 10))
def test_a_line_that_was_added_is_found(index: int) -> None:
    lines = log(10)
    before = end_of(lines[:index]) if index else Link()
    line, _ = sealed(Event.FINISHED, {"host": "web"}, before)
    lines.insert(index, line)
    report = checked(lines)
    assert report.ok is (index == 10)  # the next number behind the end is what anybody may write who can write at all
    if not report.ok:
        assert report.line == index + 2


@given(st.integers(0, 9), st.integers(0, 9))
def test_swapped_and_repeated_lines_are_found(first: int, second: int) -> None:
    lines = log(10)
    if first != second:
        swapped = lines.copy()
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert not checked(swapped).ok
    assert not checked([*lines[: first + 1], lines[second], *lines[first + 1 :]]).ok


def test_a_record_that_somebody_recomputed_alone_is_found() -> None:
    lines = log(5)
    record = json.loads(lines[2])
    del record["hash"]
    record["command"] = "echo other"
    lines[2] = seal(record, Link(2, record["prev"]))[0].encode()
    report = checked(lines)
    assert (report.ok, report.line, report.reason) == (False, 4, "it does not follow the record before it")


# --- torn lines


def torn_log(torn: bytes) -> list[bytes]:
    lines = log(3)
    recovery, last = sealed(Event.RECOVER, {"reason": recovery_reason(torn)}, end_of(lines[:2]))
    return [*lines[:2], *torn.split(b"\n"), recovery, *log(1, last)]


@pytest.mark.parametrize("torn", [b'{"v":1,"seq":3,"ts"', b"half\nand half again", b"\x00\xff", b""])
def test_torn_lines_are_accepted_where_the_next_record_tells_of_them(torn: bytes) -> None:
    report = checked(torn_log(torn))
    assert (report.ok, report.torn, report.records) == (True, 1, 4)


@pytest.mark.parametrize("change", ["tear further", "remove", "at the end", "twice"])
def test_any_other_line_that_is_no_record_is_found(change: str) -> None:
    lines = torn_log(b"half a line")
    if change == "tear further":
        lines[2] = b"half a lin"
    elif change == "remove":
        del lines[2]
    elif change == "at the end":
        del lines[3:]
    else:
        lines.insert(2, b"half a line")
    report = checked(lines)
    assert (report.ok, report.line) == (False, 3)


def test_where_a_line_stands_is_known_and_whether_its_hash_holds() -> None:
    line = log(1)[0]
    place = place_of(line)
    assert place is not None
    assert (place.link, place.prev, place.holds) == (Link(1, json.loads(line)["hash"]), "0" * 64, True)
    changed = place_of(line.replace(b"web", b"wab"))
    assert changed is not None
    assert not changed.holds
    assert place_of(b"torn") is None
    assert place_of(line + b" ") is None


# --- several files, a head, keys


def test_the_chain_goes_on_across_files_and_names_the_bad_one() -> None:
    first = log(4)
    second = log(3, end_of(first))
    assert verify([("old", first), ("new", second)]).records == 7
    report = verify([("old", first[:-1]), ("new", second)])
    assert (report.ok, report.file, report.line, report.reason) == (
        False,
        "new",
        1,
        "it is record 5, expected was 4",
    )
    alone = verify([("new", second)])
    assert (alone.ok, alone.reason) == (False, "it is record 5: the records before it are not here")


@given(st.integers(1, 9))
def test_a_cut_tail_shows_against_the_head(cut: int) -> None:
    lines = log(10)
    head = Head(end_of(lines))
    assert checked(lines, Against(head)).ok
    report = checked(lines[:-cut], Against(head))
    assert not report.ok
    assert f"{cut} record" in report.reason
    assert "the head file tells of record 10" in report.reason


def test_a_log_that_went_on_after_its_head_was_read_is_well() -> None:
    lines = log(10)
    assert checked(lines, Against(Head(end_of(lines[:7])))).ok


def test_a_chain_that_was_computed_anew_shows_against_a_link_that_was_kept_elsewhere() -> None:
    lines = log(10)
    other = [sealed(Event.FINISHED, {}, Link())[0]]
    other += log(9, end_of(other))
    assert checked(other).ok
    report = checked(other, Against(known=[end_of(lines[:5])]))
    assert (report.ok, report.line) == (False, 5)
    gone = checked(lines[:3], Against(known=[end_of(lines[:5])]))
    assert (gone.ok, gone.reason) == (False, "2 records missing at the end: who kept its hash tells of record 5")


private_text = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIIpp4BksKGWWC+Okvj06g/sOBoYkSvWhz7MLGibXmQma
-----END PRIVATE KEY-----
"""
public_text = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAvCepIgKILApAWt5H5zAJu2Yhe1h4pYGauvQjOCywnlM=
-----END PUBLIC KEY-----
"""
"""A pair that was made for this test."""

secret_text = "0123456789abcdef0123456789abcdef"


def signed_log(key_text: str, count: int) -> list[bytes]:
    key, lines = key_of(key_text), log(count)
    link = end_of(lines)
    checkpoint, last = sealed(Event.CHECKPOINT, {"key": key.id, "mark": key.sign(link)}, link)
    return [*lines, checkpoint, *log(2, last)]


@pytest.mark.parametrize(("signs", "checks"), [(secret_text, secret_text), (private_text, public_text)])
def test_a_checkpoint_holds_for_the_key_that_made_it_and_no_other(signs: str, checks: str) -> None:
    lines = signed_log(signs, 5)
    key = key_of(checks)
    report = checked(lines, Against(key=key))
    assert (report.ok, report.signed) == (True, 5)
    other = checked(lines, Against(key=key_of("f" * 32)))
    assert (other.ok, other.reason) == (False, "there is no checkpoint of this key")
    assert checked(lines).ok


@pytest.mark.parametrize("text", [secret_text, private_text])
def test_a_chain_that_was_computed_anew_shows_against_the_key(text: str) -> None:
    key = key_of(text)
    mark = key.sign(Link(5, "0" * 64))
    lines = log(5)
    forged, _ = sealed(Event.CHECKPOINT, {"key": key.id, "mark": mark}, end_of(lines))
    report = checked([*lines, forged], Against(key=key))
    assert (report.ok, report.line, report.reason) == (False, 6, "a checkpoint that was not made with this key")


@pytest.mark.parametrize("text", ["", secret_text, private_text])
def test_a_head_has_one_size_and_tells_who_made_it(text: str) -> None:
    key = key_of(text) if text else None
    link = Link(12_345_678, "ab" * 32)
    data = text_of(link, key)
    assert len(data) == size_bytes
    head = head_of(data)
    assert head is not None
    assert head.link == link
    assert key is None or head.is_of(key)
    assert not head.is_of(key_of("e" * 32))
    assert key is None or not Head(Link(12_345_677, link.hash), head.key, head.mark).is_of(key)
    assert head_of(data[:40]) is None
    assert head_of(b"[]") is None


def test_a_head_that_another_made_shows_against_the_key() -> None:
    key, lines = key_of(secret_text), signed_log(secret_text, 5)
    mine = head_of(text_of(end_of(lines), key))
    theirs = head_of(text_of(end_of(lines[:-1]), None))
    assert checked(lines, Against(mine, key=key)).ok
    report = checked(lines[:-1], Against(theirs, key=key))
    assert (report.ok, report.reason) == (False, "the head file was not made with this key")


@pytest.mark.parametrize(
    "text", ["short", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "ssh-ed25519 AAAA"]
)
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="key") as caught:
        key_of(text)
    assert "AAAA" not in str(caught.value)


# --- records


def test_a_record_is_one_ascii_line_in_a_fixed_order_without_empty_fields() -> None:
    fields = fields_of(Event.FINISHED, {"exit_code": 0, "host": "web", "signal": None, "reason": ""}, 0.0, plain)
    assert line_of(fields) == (
        '{"v":1,"ts":"1970-01-01T00:00:00.000000Z","event":"finished","host":"web","exit_code":0}'
    )
    assert "\n" not in line_of(fields_of(Event.DECIDED, {"command": "a\nb ü"}, 0.0, plain))
    assert line_of({"command": "ü\u2028"}).isascii()


def test_a_command_stands_beside_its_hmac_or_is_left_out_for_it() -> None:
    key = key_of(secret_text)
    shown = fields_of(Event.DECIDED, {"command": "mysql -psecret"}, 0.0, Form(lambda _: "mysql", key.command_hmac))
    assert (shown["command"], shown["command_hmac"]) == ("mysql", key.command_hmac("mysql -psecret"))
    hidden = fields_of(
        Event.DECIDED, {"command": "uptime"}, 0.0, Form(command_hmac=key.command_hmac, shows_command=False)
    )
    assert "command" not in hidden
    assert hidden["command_hmac"] == key.command_hmac("uptime") != key.command_hmac("uptime ")
    assert "command_hmac" not in fields_of(Event.RELOAD, {}, 0.0, Form(command_hmac=key.command_hmac))


def test_a_field_without_a_place_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        check({"colour": "red"})


def test_long_texts_are_cut_with_a_mark() -> None:
    fields = fields_of(Event.FAILED, {"reason": "x" * 10_000}, 0.0, plain)
    assert str(fields["reason"]).endswith("x[cut]")
    assert len(str(fields["reason"])) < 4_200
