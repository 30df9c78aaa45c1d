"""How a command is spelled for a shell, and how that shell compares what arrived before it runs it.

Twice: once as it reads, once in other digits, each character of it. What a terminal drops, doubles or changes in one
of them it does not do to the other so that both still say the same, and a shell compares them without starting a
program. Where that does not fit a line, or the shell has no second spelling for it, a program computes a digest.

What is spelled as it reads never holds a character by which text behind a lost quote could end the typed line before
its own end: such a line stays unfinished, and nothing of it runs.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_plain = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:,=+@-{}()[]<>|&;*?^~%")
_sample = b"a\x01\n\"'\\*\x7f\x80\xc3\xa9\xff z"
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
class Shell:
    r"""What the opening learnt: the family, the program, and whether `$'\x41'` is read here (by dash it is not)."""

    family: Family
    digest: Digest
    reads_escapes: bool

    @property
    def quote(self) -> str:
        """What begins a spelled text."""
        return "$'" if self.reads_escapes else "'"


unknown = Shell(Family.SH, Digest.SHA256, reads_escapes=False)


def escapes_trial() -> str:
    """Sets `__mcp_w` if the shell reads both spellings as `printf` does."""
    octal = "".join(f"\\{byte:03o}" for byte in _sample)
    digits = "".join(f"\\x{byte:02x}" for byte in _sample)
    return (
        f"__mcp_w=;__mcp_c=$(printf '{octal}');"
        f"[ \"$__mcp_c\" = $'{octal}' ]&&[ \"$__mcp_c\" = $'{digits}' ]&&__mcp_w=escapes"
    )


def compared_twice(text: bytes, shell: Shell) -> str | None:
    """Sets `__mcp_c`, and is true if both spellings arrived; None if the shell has no second one for this text.

    The second one begins with the length: a terminal that doubled each 7 would double it in the digits of 7 as well.
    What is not ASCII has a length that depends on the host's locale.
    """
    if not text.isascii():
        return None
    counted = b"%d.%b" % (len(text), text)
    if shell.reads_escapes:
        digits = "".join(f"\\x{byte:02x}" for byte in counted)
        return f"__mcp_c=$'{''.join(_spelled(text, shell))}';[ \"${{#__mcp_c}}.$__mcp_c\" = $'{digits}' ]"
    if not _plain.issuperset(text):
        return None
    digits = "".join(f"\\0{byte:03o}" for byte in counted)
    return f"__mcp_c='{text.decode()}';[ \"${{#__mcp_c}}.$__mcp_c.\" = \"$(printf %b. '{digits}')\" ]"


def compared_by_digest(text: bytes, shell: Shell) -> str:
    """Is true if what stands in `__mcp_c` is this text; decodes it where the shell could not."""
    decode = "" if shell.reads_escapes else '__mcp_c=$(printf %b. "$__mcp_c");__mcp_c=${__mcp_c%.};'
    program = f"'{shell.digest.value}'"  # in quotes no damage makes `sh` of it
    return f'{decode}[ "$(printf %s "$__mcp_c"|{program})" = "{shell.digest.of(text)}" ]'


def pieces(text: bytes, shell: Shell, size: int) -> Iterator[str]:
    """The text as it is spelled, cut between characters."""
    piece: list[str] = []
    length = 0
    for spelled in _spelled(text, shell):
        if length + len(spelled) > size:
            yield "".join(piece)
            piece, length = [], 0
        piece.append(spelled)
        length += len(spelled)
    yield "".join(piece)


def _spelled(text: bytes, shell: Shell) -> Iterator[str]:
    octal = "\\{:03o}" if shell.reads_escapes else "\\0{:03o}"
    return (chr(byte) if byte in _plain else octal.format(byte) for byte in text)


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
