import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.scrub import Needles
from mcp_ssh.recording.asciicast import Header, event_line, events_of, header_of
from mcp_ssh.recording.recorder import Shown


def test_a_header_is_that_of_version_two() -> None:
    header = Header(80, 24, 1_700_000_000, "web (192.0.2.1) as admin", "xterm")
    line = header.line()
    assert json.loads(line) == {
        "version": 2,
        "width": 80,
        "height": 24,
        "timestamp": 1_700_000_000,
        "title": "web (192.0.2.1) as admin",
        "env": {"TERM": "xterm"},
    }
    assert header_of(line).title == header.title


def test_an_event_is_a_line_of_time_kind_and_text() -> None:
    assert event_line(1.25, "a\r\n\x1b[1m") == '[1.25, "o", "a\\r\\n\\u001b[1m"]\n'


def shown(chunks: list[bytes], charset: str = "utf-8", *known: str) -> str:
    text = Shown(Needles(lambda: known), charset)
    return "".join(text.feed(chunk) for chunk in chunks) + text.finish()


@given(st.text(max_size=30), st.data())
def test_characters_survive_every_cut(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "ignore")
    cut = data.draw(st.integers(0, len(raw)))
    assert shown([raw[:cut], raw[cut:]]) == raw.decode()


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert shown([b"a\xffb", b"\xe2\x82"]) == "a\ufffdb\ufffd"


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "cp1252"])
def test_a_secret_is_known_in_the_charset_of_its_host(charset: str) -> None:
    raw = "pw: geheimß-wort!".encode(charset)
    assert shown([raw[:9], raw[9:]], charset, "geheimß-wort") == "pw: [redacted]!"


@pytest.mark.parametrize("line", ["[]", "x", '{"version": 1}', '{"version": 2, "width": []}'])
def test_what_is_no_header_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        header_of(line)


def test_what_is_no_event_is_the_end() -> None:
    lines = ['[0.1, "o", "one"]', '["soon", "o", "two"]', '[0.3, "o", "three"]']
    assert [event.text for event in events_of(iter(lines))] == ["one"]


def test_a_recording_that_a_crash_cut_ends_there() -> None:
    lines = ['[0.1, "o", "one"]', '[0.2, "i", "typed"]', '[0.3, "o", "two"]', '[0.4, "o", "thr']
    assert [event.text for event in events_of(iter(lines))] == ["one", "two"]
