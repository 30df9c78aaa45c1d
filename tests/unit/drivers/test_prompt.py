import pytest

from mcp_ssh_drivers.prompt import PromptReader

CISCO = r"(?P<base>[\w.\-/:@+]{1,63})(?:\((?P<mode>[^)\s]{1,40})\))?(?P<end>[>#])"
MODES = {"user": ">", "privileged": "#", "config": r"\(conf"}


def reader() -> PromptReader:
    return PromptReader(CISCO, MODES)


@pytest.mark.parametrize(
    ("tail", "mode"),
    [
        ("R1>", "user"),
        ("R1#", "privileged"),
        ("R1# ", "privileged"),
        ("R1(config)#", "config"),
        ("R1(config-if)#", "config"),
    ],
)
def test_a_prompt_tells_its_mode(tail: str, mode: str) -> None:
    found = reader().read(tail)
    assert found is not None
    assert (found.base, found.mode, found.is_strong) == ("R1", mode, False)


@pytest.mark.parametrize("tail", ["", "Total: 5#", "R1# show ver", "interface Gi0/1", "R1", "x" * 5000 + "#"])
def test_what_is_no_prompt_is_none(tail: str) -> None:
    assert reader().read(tail) is None


def test_only_the_learned_base_is_strong_in_every_mode() -> None:
    prompts = reader()
    first = prompts.read("R1#")
    assert first is not None
    prompts.learn(first)
    for tail, strong in (("R1#", True), ("R1(config)#", True), ("R1>", True), ("R2#", False), ("line5#", False)):
        found = prompts.read(tail)
        assert found is not None
        assert found.is_strong is strong
    prompts.forget()
    again = prompts.read("R1#")
    assert again is not None
    assert not again.is_strong


def test_an_operators_pattern_without_groups_is_learned_whole() -> None:
    prompts = PromptReader(r"[\w.-]+[>#]\s*$", {})
    found = prompts.read("sw-1# ")
    assert found is not None
    assert (found.base, found.suffix) == ("sw-1", "#")
    prompts.learn(found)
    assert prompts.read("sw-1>").is_strong  # type: ignore[union-attr]  # it matched above


def test_a_device_that_shows_its_own_transcript_is_noticed() -> None:
    prompts = reader()
    prompts.learn(prompts.read("R1#"))  # type: ignore[arg-type]  # it is a prompt
    assert prompts.begins("R1# show version")
    assert not prompts.begins("R2# show version")
