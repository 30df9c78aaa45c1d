"""Which prompt belongs to what: one follows every end, and any other means that a line was thrown away."""

from mcp_ssh.ports import Stream
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.posixline import PosixLine


class Line(PosixLine):
    @staticmethod
    def now() -> float:
        return 0.0


def hear(line: PosixLine, *words: str) -> None:
    for word in words:
        line.data(b"\x1e" + word.encode(), Stream.STDOUT)


def test_a_command_is_over_at_its_end_and_the_prompt_after_it_is_no_refusal_of_the_next() -> None:
    line = Line(Changes())
    prompt = f"{line.prompt_token}>"
    token = line.expect()
    hear(line, f"{token}:b", f"{token}:e0:/\0")
    assert (line.is_over, line.owed) == (True, True)
    line.expect()
    hear(line, prompt)
    assert (line.is_over, line.owed) == (False, False)
    hear(line, prompt)
    assert (line.began, line.is_over) == (False, True)


def test_prompts_before_an_end_do_not_stand_for_the_one_after_it() -> None:
    line = Line(Changes())
    prompt = f"{line.prompt_token}>"
    token = line.expect()
    hear(line, prompt, prompt, f"{token}:e0:/\0")
    assert (line.prompts, line.owed) == (0, True)
    hear(line, prompt)
    assert (line.prompts, line.owed) == (0, False)
