import pytest

from mcp_ssh.recording.playing import Filter

PASSES = [
    "plain text\r\n\tand \x07".replace("\x07", ""),
    "\x1b[1;31mred\x1b[0m",
    "\x1b[2J\x1b[H\x1b[10;20H\x1b[3A\x1b[K\x1b[2K",
    "\x1b[?1049h\x1b[?25l",
    "\x1b7\x1b8\x1bM",
    "\x1b(0lqk\x1b(B",
    "ü € 漢字",
    "a\bb",
]
STOPS = {
    "title": "\x1b]0;pwned\x07",
    "clipboard": "\x1b]52;c;cm0gLXJm\x1b\\",
    "link": "\x1b]8;;http://evil\x1b\\",
    "DCS": "\x1bP$q\x1b\\",
    "APC": "\x1b_x\x1b\\",
    "PM": "\x1b^x\x1b\\",
    "where is the cursor": "\x1b[6n",
    "what are you": "\x1b[c",
    "secondary": "\x1b[>c",
    "window size": "\x1b[18t",
    "paste mode": "\x1b[?2004h",
    "mouse": "\x1b[?1000;1006h",
    "reset": "\x1bc",
    "keypad": "\x1b=",
    "eight-bit OSC": "\x9d0;pwned\x9c",
    "eight-bit CSI": "\x9b6n",
    "bell": "\x07",
    "null": "\x00",
    "media copy": "\x1b[5i",
    "soft reset": "\x1b[!p",
    "cursor style": "\x1b[2 q",
    "keyboard protocol": "\x1b[>1u",
    "what was there before": "\x1b[3J",
    "for ever": "\x1b[9999999999999999999999999b",
    "follow the mouse": "\x1b[1;2;3;4;5T",
    "bidi": "\u202e\u2066",
    "tags": "\U000e0072\U000e006d",
}


@pytest.mark.parametrize("text", PASSES)
def test_what_draws_is_shown(text: str) -> None:
    assert Filter().feed(text + ".") == text + "."


@pytest.mark.parametrize("name", STOPS)
def test_what_does_more_than_draw_is_not_wherever_it_is_cut(name: str) -> None:
    text = f"a{STOPS[name]}b"
    for cut in range(len(text) + 1):
        passes = Filter()
        assert passes.feed(text[:cut]) + passes.feed(text[cut:]) == "ab", (cut, text)


@pytest.mark.parametrize("end", ["\x07", "\x1b\\", "\n"])
def test_a_string_without_an_end_is_not_shown_and_holds_nothing_up_for_ever(end: str) -> None:
    passes = Filter()
    assert passes.feed("\x1b]52;c;" + "x" * 10_000) == ""
    assert passes.feed("y" * 10_000) == ""
    assert passes.feed(f"y{end}shown").lstrip("\n") == "shown"
