import pytest

from mcp_ssh.safety.patterns import PatternError, compile_pattern


def test_a_pattern_matches_anywhere_and_tells_where() -> None:
    assert compile_pattern(r"rm\s+-rf").search("sudo rm  -rf x") == (5, 12)
    assert compile_pattern("x").search("abc") is None
    assert compile_pattern("ä").search("naïve käse") == (7, 8)


@pytest.mark.parametrize(("text", "fault"), [("(", "not a regular expression"), ("", "empty"), ("x" * 1001, "1001")])
def test_what_is_no_pattern_is_refused_with_the_reason(text: str, fault: str) -> None:
    with pytest.raises(PatternError, match=fault):
        compile_pattern(text)


def test_look_around_works_although_the_linear_engine_has_none() -> None:
    pattern = compile_pattern(r"systemctl (?!status)")
    assert pattern.search("systemctl stop ssh")
    assert pattern.search("systemctl status ssh") is None


def test_a_pattern_that_takes_too_long_counts_as_a_hit() -> None:
    text = "abcacbbca" * 600 + "Z"
    assert compile_pattern(r"(.+)(.+)\2\1\1(?=Z)").search(text) == (0, len(text))


@pytest.mark.parametrize("evil", [r"(a+)+$", r"(a|a)*b", r"(.*a){20}"])
def test_patterns_that_explode_elsewhere_are_linear_here(evil: str) -> None:
    compile_pattern(evil).search("a" * 50_000)


def test_lone_surrogates_do_not_break_the_engine() -> None:
    assert compile_pattern("b").search("a\ud800b") == (2, 3)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(?=(a+)+b)(x+x+)+y", r"(.*)*\1z"])
def test_a_pattern_that_explodes_ends_in_time_and_never_as_an_allow(pattern: str) -> None:
    # No clock: each of these would take longer than the suite has, if an engine without a limit ran it.
    found = compile_pattern(pattern)
    for text in ("a" * 5_000 + "!", "x" * 5_000, "ab" * 2_500 + "1"):
        found.search(text)
    if "?=" in pattern:
        assert found.search("x" * 20_000 + "a" * 20_000) is not None, "a search that ran out of time counts as a hit"
