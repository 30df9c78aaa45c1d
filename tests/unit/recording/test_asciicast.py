import json

from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.recording.asciicast import Events, Header, events_of, header_of


def shown(chunks: list[bytes]) -> str:
    events = Events()
    lines = [events.output(number / 10, chunk) for number, chunk in enumerate(chunks)]
    lines.append(events.output(9.0, b"", ends=True))
    return "".join(event.text for event in events_of(iter(line for line in lines if line)))


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
    assert Events().output(1.25, b"a\r\n\x1b[1m") == '[1.25, "o", "a\\r\\n\\u001b[1m"]\n'


@given(st.text(max_size=30), st.data())
def test_characters_survive_every_cut(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "ignore")
    cut = data.draw(st.integers(0, len(raw)))
    assert shown([raw[:cut], raw[cut:]]) == raw.decode()


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert shown([b"a\xffb", b"\xe2\x82"]) == "a\ufffdb\ufffd"


def test_a_recording_that_a_crash_cut_ends_there() -> None:
    lines = ['[0.1, "o", "one"]', '[0.2, "i", "typed"]', '[0.3, "o", "two"]', '[0.4, "o", "thr']
    assert [event.text for event in events_of(iter(lines))] == ["one", "two"]
