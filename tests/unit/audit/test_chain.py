import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.chain import Link, end_of, recovery_reason, seal, verify
from mcp_ssh.audit.record import Event, check, fields_of, line_of


def log(count: int) -> list[str]:
    lines, last = [], Link()
    for number in range(count):
        fields = fields_of(
            Event.DECIDED, {"host": "web", "command": f"echo {number} ü"}, 1e9 + number, lambda text: text
        )
        line, last = seal(fields, last)
        lines.append(line)
    return lines


def test_a_log_verifies_and_counts_its_records() -> None:
    report = verify(log(20))
    assert (report.ok, report.records) == (True, 20)
    assert verify([]).ok


@given(st.integers(0, 4), st.data())
def test_one_changed_byte_is_found_wherever_it_is(index: int, data: st.DataObject) -> None:
    lines = log(5)
    position = data.draw(st.integers(0, len(lines[index]) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != lines[index][position]))
    lines[index] = lines[index][:position] + other + lines[index][position + 1 :]
    assert not verify(lines).ok


@given(st.integers(0, 8))
def test_a_removed_line_is_found(index: int) -> None:
    lines = log(10)
    del lines[index]
    report = verify(lines)
    assert not report.ok
    assert report.line == index + 1


@given(st.integers(0, 9), st.integers(0, 9))
def test_swapped_and_repeated_lines_are_found(first: int, second: int) -> None:
    lines = log(10)
    if first != second:
        swapped = lines.copy()
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert not verify(swapped).ok
    assert not verify([*lines[: first + 1], lines[second], *lines[first + 1 :]]).ok


def test_a_record_that_somebody_recomputed_alone_is_found() -> None:
    lines = log(5)
    record = json.loads(lines[2])
    del record["hash"]
    record["command"] = "echo other"
    lines[2], _ = seal(record, Link(2, record["prev"]))
    report = verify(lines)
    assert (report.ok, report.line, report.reason) == (False, 4, "it does not follow the record before it")


def torn_log() -> tuple[list[str], str]:
    lines = log(3)
    torn = lines[2][:40]
    last = end_of(lines[1])
    assert last is not None
    reason = recovery_reason(torn.encode())
    recovery, _ = seal(fields_of(Event.RECOVER, {"reason": reason}, 1e9, lambda text: text), last)
    return [*lines[:2], torn, recovery], torn


def test_a_torn_line_is_accepted_where_the_next_record_tells_of_it() -> None:
    lines, _ = torn_log()
    assert verify(lines).ok


@pytest.mark.parametrize("change", ["tear further", "remove", "at the end"])
def test_any_other_line_that_is_no_record_is_found(change: str) -> None:
    lines, torn = torn_log()
    if change == "tear further":
        lines[2] = torn[:-1]
    elif change == "remove":
        del lines[2]
    else:
        del lines[3]
    assert not verify(lines).ok


def test_the_end_of_a_record_is_known_only_if_its_hash_holds() -> None:
    line = log(1)[0]
    assert end_of(line) == Link(1, json.loads(line)["hash"])
    assert end_of(line.replace("web", "wab")) is None
    assert end_of("torn") is None


def test_a_record_is_one_ascii_line_in_a_fixed_order_without_empty_fields() -> None:
    fields = fields_of(Event.FINISHED, {"exit_code": 0, "host": "web", "signal": None, "reason": ""}, 0.0, lambda t: t)
    assert line_of(fields) == (
        '{"v":1,"ts":"1970-01-01T00:00:00.000000Z","event":"finished","host":"web","exit_code":0}'
    )
    assert "\n" not in line_of(fields_of(Event.DECIDED, {"command": "a\nb ü"}, 0.0, lambda t: t))
    assert line_of({"command": "ü\u2028"}).isascii()


def test_a_field_without_a_place_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        check({"colour": "red"})


def test_long_texts_are_cut_with_a_mark() -> None:
    fields = fields_of(Event.FAILED, {"reason": "x" * 10_000}, 0.0, lambda text: text)
    assert str(fields["reason"]).endswith("x[cut]")
    assert len(str(fields["reason"])) < 4_200
