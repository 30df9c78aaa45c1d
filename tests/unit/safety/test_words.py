import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.safety.words import split


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in split(text).commands if command.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c", [["a", "b", "c"]]),
        ("a;b&c|d&&e||f|&g", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("a\nb", [["a"], ["b"]]),
        ("'a b' \"c d\" e\\ f", [["a b", "c d", "e f"]]),
        ('"a\\"b\\$c\\d"', [['a"b$c\\d']]),
        ("a\\\nb", [["ab"]]),
        ("a # b; c", [["a"]]),
        ("a#b", [["a#b"]]),
        ("x=1 y=2 a", [["a"]]),
        ("a >out 2>&1 <in b", [["a", "b"]]),
        ("(a; b)", [["a"], ["b"]]),
        ("{ a; }", [["a"]]),
        ("if a; then b; else c; fi", [["a"], ["b"], ["c"]]),
        ("cat <<E\na; b\nE\nc", [["cat"], ["c"]]),
        ("cat <<-'E'\n\ta\n\tE\nc", [["cat"], ["c"]]),
        ("cat <<A <<B\n1\nA\n2\nB\nc", [["cat"], ["c"]]),
        ("$'ab'", [["ab"]]),
        ("a &>f", [["a"]]),
    ],
)
def test_a_line_is_its_simple_commands(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected
    assert split(text).parsed


@pytest.mark.parametrize("text", ["a $(b)", 'a "$(b)"', "a `b`", "a <(b)", "a ${x:-$(b)}", "a $(c `b`)", 'a "`b`"'])
def test_commands_in_substitutions_are_commands(text: str) -> None:
    assert ["b"] in words(text)


@pytest.mark.parametrize(
    "text", ["a 'b", 'a "b', "a $(b", "a `b", "a ${b", "a >", "a <<", "a $((1", "$'a\\x62'", "`$(`", '`"`"`']
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    assert not split(text).parsed


def test_a_word_that_the_shell_would_change_is_not_literal() -> None:
    [command] = split("a '$x' $x \"$x\" *.c 'b'*").commands
    assert [word.literal for word in command.words] == [True, True, False, False, False, False]


@given(st.text(alphabet=st.sampled_from("ab \n'\"`$(){}<>|&;#\\=0"), max_size=50))
def test_it_never_raises_and_words_stand_where_they_say(text: str) -> None:
    for command in split(text).commands:
        for word in command.words:
            assert 0 <= word.start <= word.end <= len(text)
            if word.end - word.start == len(word.text) and word.text.isalnum():
                assert text[word.start : word.end] == word.text


def test_nesting_has_a_bound() -> None:
    assert not split("$(" * 1000 + ")" * 1000).parsed
