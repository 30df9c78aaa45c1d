"""What is said to a shell of the sh family, and what it says back. Pure: bytes in, events out.

A command travels as quoted data: its bytes in octal where they are not plain, in lines that every line editor and
every terminal takes whole (dash cuts at 4,095 bytes, BusyBox ash at 1,022). The shell compares a digest before it runs
anything, so the bytes that were judged are the bytes that run. Its end is a marker with a fresh random token, printed
to the terminal itself, with the exit code and the directory. A record separator begins every marker, and the token is
never spelled in one piece in what is typed: neither `set -x` nor `set` can show it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

max_line = 1_000
max_marker = 8_192
separator = b"\x1e"
_plain = frozenset(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:,=+@-{}()[]<>|&;*?^~#%"')
_crc_poly = 0x04C11DB7


class Family(StrEnum):
    """How a shell runs a text so that an error in it does not end the line."""

    SH = "sh"
    BASH = "bash"
    ZSH = "zsh"


class Digest(StrEnum):
    """The program on the host that compares."""

    SHA256 = "sha256sum"
    CKSUM = "cksum"
    MD5 = "md5sum"

    def of(self, text: bytes) -> str:
        """What the program prints for a text."""
        match self:
            case Digest.SHA256:
                return f"{hashlib.sha256(text).hexdigest()}  -"
            case Digest.MD5:
                return f"{hashlib.md5(text, usedforsecurity=False).hexdigest()}  -"
            case Digest.CKSUM:
                return f"{cksum(text)} {len(text)}"


@dataclass(frozen=True, slots=True)
class Text:
    """Output, exactly."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Began:
    """The command's bytes were found right; what comes now is its output."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The command's bytes were not those that were sent. Nothing ran."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The command is over."""

    code: int
    directory: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The shell waits for a line."""


Event = Text | Began | Refused | Ended | Prompt


def find_shell(token: str) -> str:
    """A line that every shell understands, csh and fish too: it tells the name of the login shell."""
    return f' echo {token[:4]}""{token[4:]} $SHELL\n'


def shell_name(token: str, shown: bytes) -> str | None:
    """The name in the answer to `find_shell`, once it is there."""
    found = re.search(re.escape(token.encode()) + rb" +(\S*)\r?\n", shown)
    return found.group(1).decode("utf-8", "replace").rsplit("/", 1)[-1] if found else None


def prepare(prompt_token: str, token: str) -> str:
    """Makes an interactive shell a quiet one: no echo, no history, no expansion of `!`, a prompt that is a marker.

    Tells its family and what it compares digests with.
    """
    here, there = prompt_token[:8], prompt_token[8:]
    family = '"${ZSH_VERSION:+zsh}${BASH_VERSION:+bash}"'
    parts = [
        " stty -echo -opost 2>/dev/null",
        '[ -n "${BASH_VERSION-}" ]&&{ set +o emacs +o vi +o history +H; unset PROMPT_COMMAND PS0; }',
        '[ -n "${ZSH_VERSION-}" ]&&unsetopt zle prompt_cr prompt_sp bang_hist&&setopt prompt_subst',
        "unset HISTFILE MAIL MAILCHECK MAILPATH",
        "PS2=",
        f"PS1=$(printf '\\036{here}${{__mcp_unset-}}{there}>')",
        "for __mcp_d in sha256sum cksum md5sum;do command -v $__mcp_d>/dev/null 2>&1&&break;done",
        f"printf '\\036%s%s:%s:%s\\n' {token[:8]} {token[8:]} {family} $__mcp_d",
    ]
    return ";".join(parts) + "\n"


def prepared(token: str, shown: bytes) -> tuple[Family, Digest] | None:
    """The answer to `prepare`, once it is there."""
    found = re.search(separator + re.escape(token.encode()) + rb":(zsh|bash)?:(sha256sum|cksum|md5sum)\r?\n", shown)
    if found is None:
        return None
    return Family((found.group(1) or b"sh").decode()), Digest(found.group(2).decode())


def lines(command: bytes, token: str, family: Family, digest: Digest, last_code: int) -> list[str]:
    """The lines to type for a command; each but the last only adds to what the last one compares and runs."""
    evaluate = "builtin eval" if family is Family.ZSH else "command eval"
    # bash tells of jobs that have ended when it gets around to it: before the command is not in its output.
    jobs = "jobs -n;" if family is Family.BASH else ""
    mark = f"printf '\\036%s%s:{{}}' {token[:8]} {token[8:]}"
    run = (
        f'{{ __mcp_c=$(printf %b. "$__mcp_c");__mcp_c=${{__mcp_c%.}};'
        f'[ "$(printf %s "$__mcp_c"|{digest.value})" = "{digest.of(command)}" ]; }} 2>/dev/null'
        f'&&{{ {{ {jobs}{mark.format("b")}; }} >/dev/tty 2>/dev/null;(exit {last_code});{evaluate} "$__mcp_c";'
        f"{{ __mcp_r=$?;stty -echo -opost;printf '\\036%s%s:e%s:%s\\0' {token[:8]} {token[8:]} $__mcp_r \"$PWD\"; }}"
        f" </dev/tty >/dev/tty 2>/dev/null; }}||{{ {mark.format('x')}; }} >/dev/tty 2>/dev/null\n"
    )
    first, rest = "__mcp_c='", []
    room = max_line - len(run) - len("';")
    pieces = list(_pieces(command, max_line - 40))
    if len(pieces) == 1 and len(pieces[0]) <= room - len(first):
        return [f" {first}{pieces[0]}';{run}"]
    rest = [f" __mcp_c=$__mcp_c'{piece}'\n" for piece in pieces]
    return [" __mcp_c=\n", *rest, f" {run}"]


def ask_end(token: str) -> str:
    """A line that only tells exit code and directory: after a line that the shell threw away."""
    return (
        f" {{ __mcp_r=$?;stty -echo -opost;printf '\\036%s%s:e%s:%s\\0' {token[:8]} {token[8:]} $__mcp_r \"$PWD\"; }}"
        " </dev/tty >/dev/tty 2>/dev/null\n"
    )


def _pieces(command: bytes, size: int) -> Iterator[str]:
    """The command for `printf %b`, cut between characters of the escaped text."""
    piece: list[str] = []
    length = 0
    for byte in command:
        text = chr(byte) if byte in _plain else f"\\0{byte:03o}"
        if length + len(text) > size:
            yield "".join(piece)
            piece, length = [], 0
        piece.append(text)
        length += len(text)
    yield "".join(piece)


def cksum(data: bytes) -> int:
    """The CRC of POSIX cksum: of the bytes and of their number."""
    crc = 0
    size = len(data)
    length = bytearray()
    while size:
        length.append(size & 0xFF)
        size >>= 8
    for byte in (*data, *length):
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ _crc_poly if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc ^ 0xFFFFFFFF


class Reader:
    """Tells markers from output, however the stream is cut. What may still become a marker waits."""

    def __init__(self, prompt_token: str) -> None:
        self._prompt_token = prompt_token.encode()
        self._token = b""
        self._pattern = re.compile(rb"(?!)")
        self._left = b""
        self.expect("")

    def expect(self, token: str) -> None:
        """From now on the markers of a command have this token."""
        self._token = token.encode()
        own = self._token or rb"(?!)"
        self._pattern = re.compile(
            separator + rb"(?:" + own + rb":(?:(b)|(x)|e(\d+):([^\0]*)\0)|(" + self._prompt_token + rb")>)", re.DOTALL
        )

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events of a chunk, in order."""
        data = self._left + chunk
        self._left = b""
        while (at := data.find(separator)) >= 0:
            if at:
                yield Text(data[:at])
                data = data[at:]
            found = self._pattern.match(data)
            if found is not None:
                data = data[found.end() :]
                yield self._event(found)
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

    @staticmethod
    def _event(found: "re.Match[bytes]") -> Event:
        begun, refused, code, directory, _ = found.groups()
        if begun:
            return Began()
        if refused:
            return Refused()
        if code is not None:
            return Ended(int(code), directory.decode("utf-8", "surrogateescape"))
        return Prompt()
