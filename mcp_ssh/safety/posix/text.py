"""Text as the shell makes it: what braces become, what `echo` and `printf` put out, and what nobody can know."""

import re
from collections.abc import Iterator, Sequence

unknown = "\x00"
"""Stands for text that is not known. No command holds it: the gate has turned it away."""

most_values = 64
most_chars = 4_096
most_braces = 8
_brace = re.compile(r"\{([^{}\s]*(?:,[^{}\s]*)+|[A-Za-z0-9]+\.\.[A-Za-z0-9]+)\}")


def braces(text: str) -> Iterator[str]:
    """`a{b,c}` as `ab` and `ac`; ranges of letters and numbers. Too many of them are unknown."""
    if text.count("{") > most_braces:
        yield unknown
        return
    found = _brace.search(text)
    if found is None:
        yield text
        return
    inner = found[1]
    choices = inner.split(",") if "," in inner else _range(*inner.split("..", 1))
    count = 0
    for choice in choices:
        for each in braces(text[: found.start()] + choice + text[found.end() :]):
            count += 1
            if count > most_values:
                return
            yield each


def _range(first: str, last: str) -> list[str]:
    if first.isdigit() and last.isdigit():
        low, high = sorted((int(first), int(last)))
        return [str(number) for number in range(low, min(high, low + most_values) + 1)]
    if len(first) == len(last) == 1:
        low, high = sorted((ord(first), ord(last)))
        return [chr(code) for code in range(low, high + 1)]
    return [f"{{{first}..{last}}}"]


def printed(words: Sequence[str]) -> str:
    """What `echo` and `printf` put out."""
    arguments = list(words[1:])
    if words[0].rsplit("/", 1)[-1] == "echo":
        escapes = False
        while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
            escapes = escapes or "e" in arguments[0]
            arguments.pop(0)
        text = " ".join(arguments)
        return _unescaped(text) if escapes else text
    if arguments[:1] == ["--"]:
        arguments.pop(0)
    if arguments[:1] == ["-v"] or not arguments:
        return ""
    template, rest = _unescaped(arguments[0]), arguments[1:]
    slots = re.findall(r"%[-0-9.]*[sbqdiuxXoc]", template)
    if not slots:
        return template.replace("%%", "%")
    text, values = "", list(rest) or [""]
    while values:
        current = template
        for slot in slots:
            value = values.pop(0) if values else ""
            current = current.replace(slot, _unescaped(value) if slot.endswith("b") else value, 1)
        text += current
        if len(text) > most_chars:
            return unknown
    return text.replace("%%", "%")


def _unescaped(text: str) -> str:
    def one(found: "re.Match[str]") -> str:
        if found[1] or found[2]:
            code = int(found[1], 16) if found[1] else int(found[2], 8)
            return chr(code) if 0 < code <= 0x10FFFF else "\n"  # what ends a name for xargs -0
        return {"n": "\n", "t": "\t", "r": "\r", "e": "\x1b", "\\": "\\"}.get(found[3], found[0])

    return re.sub(r"\\(?:x([0-9A-Fa-f]{1,2})|0?([0-7]{1,3})|(.))", one, text)
