"""The text of an authorized_keys file (sshd(8)): whether a key stands in it, with it, and without it. Pure, on bytes.

A line is found by the key in it, whatever options stand before and whatever comment behind it. No other byte changes.
"""

Blob = tuple[str, str]
"""The type of a key and the key itself, in base64."""


def holds(text: bytes, blob: Blob) -> bool:
    """Whether a line of the file lets the key in."""
    return any(_is_of(line, blob) for line in _lines(text))


def with_line(text: bytes, line: str) -> bytes:
    """The file with one line more. A last line that has no end gets one."""
    end = b"" if not text or text.endswith(b"\n") else b"\n"
    return text + end + line.encode("ascii") + b"\n"


def without(text: bytes, blob: Blob) -> bytes:
    """The file without the lines of the key."""
    return b"".join(line for line in _lines(text) if not _is_of(line, blob))


def _lines(text: bytes) -> list[bytes]:
    """Lines as sshd reads them: only a line feed ends one."""
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _is_of(line: bytes, blob: Blob) -> bool:
    words = _words(line.strip(b" \t\r\n"))
    pair = (blob[0].encode("ascii"), blob[1].encode("ascii"))
    return pair in {tuple(words[:2]), tuple(words[1:3])}


def _words(line: bytes) -> list[bytes]:
    """The first words; options may hold blanks within quotes, and a quote behind a backslash is none. No comment."""
    if line.startswith(b"#"):
        return []
    words, word, is_quoted, at = list[bytes](), bytearray(), False, 0
    while at < len(line) and len(words) < 3:  # noqa: PLR2004  options, type, key
        char = line[at : at + 1]
        if char == b"\\" and line[at + 1 : at + 2] == b'"':
            word += line[at : at + 2]
            at += 2
            continue
        is_quoted ^= char == b'"'
        if char in b" \t" and not is_quoted:
            words += [bytes(word)] if word else []
            word.clear()
        else:
            word += char
        at += 1
    return [*words, bytes(word)] if word else words
