"""Programs that run another program: the command behind them is what gets judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_ssh.safety.syntax import Word

max_wrappers = 20


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`with_value`: options that take the next word. `arguments`: plain words before the command, such as a time."""

    with_value: frozenset[str] = frozenset()
    arguments: int = 0
    assignments: bool = False


_wrappers = {
    "sudo": Wrapper(
        frozenset("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir".split()),
        0,
        assignments=True,
    ),
    "doas": Wrapper(frozenset(("-u", "-C"))),
    "env": Wrapper(frozenset("-u -C --unset --chdir".split()), 0, assignments=True),
    "nohup": Wrapper(),
    "command": Wrapper(),
    "exec": Wrapper(frozenset(("-a",))),
    "builtin": Wrapper(),
    "time": Wrapper(frozenset("-f -o --format --output".split())),
    "nice": Wrapper(frozenset("-n --adjustment".split())),
    "ionice": Wrapper(frozenset("-c -n --class --classdata".split())),
    "setsid": Wrapper(),
    "stdbuf": Wrapper(frozenset("-i -o -e --input --output --error".split())),
    "timeout": Wrapper(frozenset("-s -k --signal --kill-after".split()), 1),
    "busybox": Wrapper(),
    "toybox": Wrapper(),
}

shells = frozenset("sh bash dash ash ksh mksh zsh".split())


def basename(text: str) -> str:
    """The name of a program without its folder."""
    return text.rsplit("/", 1)[-1]


def peel(words: Sequence[Word]) -> Sequence[Word]:
    """The words behind all wrappers."""
    for _ in range(max_wrappers):
        wrapper = _wrappers.get(basename(words[0].text)) if words else None
        if wrapper is None:
            return words
        inner = words[_skip(words, wrapper) :]
        if not inner:
            return words
        words = inner
    return words


def _skip(words: Sequence[Word], wrapper: Wrapper) -> int:
    """Where the wrapped command begins."""
    at, arguments = 1, wrapper.arguments
    while at < len(words):
        text = words[at].text
        if text == "--":
            at += 1
        elif text in wrapper.with_value:
            at += 2
        elif (text.startswith("-") and len(text) > 1) or (
            wrapper.assignments and text.partition("=")[0].isidentifier() and "=" in text
        ):
            at += 1
        elif arguments:
            arguments -= 1
            at += 1
        else:
            return at
    return at


def scripts(words: Sequence[Word]) -> Iterator[Word]:
    """Texts that a command hands to a shell: `sh -c TEXT`, `eval TEXT`. Only literal ones can be read."""
    name = basename(words[0].text) if words else ""
    if name == "eval":
        yield from words[1:]
    if name in shells:
        for position, word in enumerate(words[1:-1], 1):
            if word.text.startswith("-") and not word.text.startswith("--") and "c" in word.text:
                yield words[position + 1]
                return
