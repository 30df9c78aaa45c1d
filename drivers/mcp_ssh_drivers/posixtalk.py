"""What is said to a shell of the sh family, and what it says back. Pure: bytes in, events out.

A command travels as quoted data: its bytes in octal where they are not plain, in lines that every line editor and
every terminal takes whole (dash cuts at 4,095 bytes, BusyBox ash at 1,022). The shell compares before it runs
anything, so the bytes that were judged are the bytes that run. Its end is a marker with a fresh random token, printed
to the terminal itself, with the exit code and the directory. A record separator begins every marker, and the token is
never spelled in one piece in what is typed: neither `set -x` nor `set` can show it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_ssh_drivers.posixcompare import (
    Digest,
    Family,
    Shell,
    compared_by_digest,
    compared_twice,
    escapes_trial,
    pieces,
)

max_line = 1_000
max_marker = 8_192
separator = b"\x1e"
_marker = re.compile(rb"\x1e([0-9a-f]{16})(?:>|:(?:(b)|e(\d+):([^\0]*)\0))", re.DOTALL)
"""Of a prompt or of a command, whichever the token says."""


@dataclass(frozen=True, slots=True)
class Text:
    """Output, exactly."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Began:
    """The command's bytes were found right; what comes now is its output."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The command is over."""

    code: int
    directory: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The shell waits for a line."""


Event = Text | Began | Ended | Prompt


def find_shell(token: str) -> str:
    """A line that every shell understands, csh and fish too: it tells the name of the login shell."""
    return f' echo {token[:4]}""{token[4:]} $SHELL\n'


def shell_name(token: str, shown: bytes) -> str | None:
    """The name in the answer to `find_shell`, once it is there."""
    found = re.search(re.escape(token.encode()) + rb" +(\S*)\r?\n", shown)
    return found.group(1).decode("utf-8", "replace").rsplit("/", 1)[-1] if found else None


def prepare(prompt_token: str, token: str) -> str:
    """Makes an interactive shell a quiet one: no echo, no history, no expansion of `!`, a prompt that is a marker.

    Tells its family, what it compares digests with and whether it reads escapes.
    """
    here, there = prompt_token[:8], prompt_token[8:]
    family = '"${ZSH_VERSION:+zsh}${BASH_VERSION:+bash}"'
    parts = [
        " stty -echo -opost 2>/dev/null",
        '[ -n "${BASH_VERSION-}" ]&&{ set +o emacs +o vi +o history +H; unset PROMPT_COMMAND PS0; }',
        '[ -n "${KSH_VERSION-}" ]&&set +o emacs +o vi',
        '[ -n "${ZSH_VERSION-}" ]&&unsetopt zle prompt_cr prompt_sp bang_hist&&setopt prompt_subst',
        "unset HISTFILE MAIL MAILCHECK MAILPATH",
        "PS2=",
        f"PS1=$(printf '\\036{here}${{__mcp_unset-}}{there}>')",
        "for __mcp_d in sha256sum cksum md5sum;do command -v $__mcp_d>/dev/null 2>&1&&break;done",
        escapes_trial(),
        f"printf '\\036%s%s:%s:%s:%s\\n' {token[:8]} {token[8:]} {family} $__mcp_d \"$__mcp_w\"",
    ]
    return ";".join(parts) + "\n"


def prepared(token: str, shown: bytes) -> Shell | None:
    """The answer to `prepare`, once it is there."""
    answer = rb":(zsh|bash)?:(sha256sum|cksum|md5sum):(escapes)?\r?\n"
    found = re.search(separator + re.escape(token.encode()) + answer, shown)
    if found is None:
        return None
    return Shell(Family((found.group(1) or b"sh").decode()), Digest(found.group(2).decode()), bool(found.group(3)))


def lines(command: bytes, token: str, shell: Shell, last_code: int) -> list[str]:
    """The lines to type for a command; each but the last only adds to what the last one compares and runs."""
    text = b" " + command  # a damaged line that takes it for a program's name finds none of that name
    run = _run(token, shell.family, last_code)
    twice = compared_twice(text, shell)
    if twice is not None and len(line := _line(twice, run)) <= max_line:
        return [line]
    digest = compared_by_digest(text, shell)
    last = _line(digest, run)
    room = max_line - len(last) - len("__mcp_c=$'';")
    parts = list(pieces(text, shell, max_line - len(_added("", shell))))
    if len(parts) == 1 and len(parts[0]) <= room:
        return [_line(f"__mcp_c={shell.quote}{parts[0]}';{digest}", run)]
    return [" __mcp_c=\n", *(_added(part, shell) for part in parts), last]


def _line(compare: str, run: str) -> str:
    """Whatever breaks off in it leaves something open, and the shell runs nothing of it; `set -e` does not end it."""
    return f" {{ if {{ {compare}; }} 2>/dev/null;then {run};fi; }}||:\n"


def _added(piece: str, shell: Shell) -> str:
    """One more piece, behind a character that keeps it from being a program's name."""
    return f" {{ __mcp_part={shell.quote}.{piece}';__mcp_c=$__mcp_c${{__mcp_part#.}}; }}\n"


def _run(token: str, family: Family, last_code: int) -> str:
    """Tell the beginning, make `$?` what it was, run, and tell the end; `stty` follows it and delays no answer."""
    evaluate = "builtin eval" if family is Family.ZSH else "command eval"
    # bash tells of jobs that have ended when it gets around to it: before the command is not in its output.
    jobs = "jobs -n;" if family is Family.BASH else ""
    code = {0: "", 1: "false;"}.get(last_code, f"(exit {last_code});")
    return (
        f"{{ {jobs}printf '\\036%s%s:b' {token[:8]} {token[8:]}; }} >/dev/tty 2>/dev/null;"
        f'{code}{evaluate} "$__mcp_c";{_end(token)}'
    )


def _end(token: str) -> str:
    return (
        f"{{ __mcp_code=$?;printf '\\036%s%s:e%s:%s\\0' {token[:8]} {token[8:]} $__mcp_code \"$PWD\";"
        "stty -echo -opost icanon; }"
        " </dev/tty >/dev/tty 2>/dev/null"
    )


def ask_end(token: str) -> str:
    """A line that only tells exit code and directory: after a line that the shell threw away."""
    return f" {_end(token)}\n"


class Reader:
    """Tells markers from output, however the stream is cut. What may still become a marker waits."""

    def __init__(self, prompt_token: str) -> None:
        self._prompt_token = prompt_token.encode()
        self._token = b""
        self._left = b""

    def expect(self, token: str) -> None:
        """From now on the markers of a command have this token."""
        self._token = token.encode()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events of a chunk, in order."""
        data = self._left + chunk
        self._left = b""
        while (at := data.find(separator)) >= 0:
            if at:
                yield Text(data[:at])
                data = data[at:]
            found = _marker.match(data)
            event = self._event(found) if found is not None else None
            if found is not None and event is not None:
                data = data[found.end() :]
                yield event
            elif self._may_become(data):
                self._left = data
                return
            else:
                yield Text(data[:1])
                data = data[1:]
        if data:
            yield Text(data)

    def _may_become(self, data: bytes) -> bool:
        """Whether more bytes could make a marker of this."""
        if len(data) >= max_marker or data.find(separator, 1) >= 0:
            return False
        words = [word for word in (self._token, self._prompt_token) if word]
        return any(data[1 : 1 + len(word)] == word[: len(data) - 1] for word in words)

    def _event(self, found: "re.Match[bytes]") -> Event | None:
        """What a marker means; None if it is not ours."""
        token, begun, code, directory = found.groups()
        if begun is None and code is None:
            return Prompt() if token == self._prompt_token else None
        if token != self._token:
            return None
        return Began() if begun else Ended(int(code), directory.decode("utf-8", "surrogateescape"))
