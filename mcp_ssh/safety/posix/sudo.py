"""Whether it is sudo itself that reads a secret, and nothing that a caller put in its place.

Who can say what reads the line can have it printed in another form. So a secret is given to one simple command alone:
`sudo -k …`, which asks before it runs anything, whatever was asked before (sudo(8): `-k` with a command ignores cached
credentials).
"""

from mcp_ssh.safety.posix.scanner import read
from mcp_ssh.safety.posix.syntax import SimpleCommand, UnreadableError

_valued = frozenset("ugpCDRThrUt")
"""Options with a value in the same or the next word."""


def asks_by_itself(command: str, *, from_stdin: bool) -> bool:
    """Whether the command is sudo, alone, that asks on its terminal, or reads its input (`-S`)."""
    try:
        commands = read(command)
    except UnreadableError:
        return False
    if len(commands) != 1 or not _is_plain(commands[0]):
        return False
    words = [word.literal for word in commands[0].words]
    flags = _flags(words[1:])
    return words[0] == "sudo" and "k" in flags and ("S" in flags) is from_stdin


def _is_plain(command: SimpleCommand) -> bool:
    """Runs once, here, with nothing before, beside or around it."""
    return bool(
        command.words
        and not command.scopes
        and not command.assignments
        and not command.is_piped
        and not command.background
        and not any(redirect.operator.startswith("<") for redirect in command.redirects)
    )


def _flags(words: list[str | None]) -> set[str]:
    """The letters of sudo's own options, up to the program."""
    flags, skips = set[str](), False
    for word in words:
        if skips:
            skips = False
            continue
        if word is None or word == "--" or not word.startswith("-") or word.startswith("--"):
            return flags
        for place, letter in enumerate(word[1:], 1):
            flags.add(letter)
            if letter in _valued:
                skips = place == len(word) - 1
                break
    return flags
