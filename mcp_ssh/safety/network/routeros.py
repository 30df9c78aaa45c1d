"""RouterOS: menu paths, scripts in braces and brackets, and what is dangerous under which menu.

Menus and commands are those of RouterOS 6 and 7; words may be shortened while no other begins so.
"""

import re
from collections.abc import Iterator

from mcp_ssh.safety.network.grammar import fits
from mcp_ssh.safety.network.routeros_menus import menus, rules, verbs

most_depth = 6


def statements(text: str) -> Iterator[tuple[str, int, int]]:
    """The commands of a text: between separators and braces, and each within brackets as well as around them."""
    outer: list[tuple[list[str], int]] = []
    piece, start, quote, at = list[str](), 0, "", 0
    while at < len(text):
        char = text[at]
        if quote:
            piece.append(text[at : at + 2] if char == "\\" else char)
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char == "#" and not "".join(piece).strip():
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        elif char == "[" and len(outer) < most_depth:
            outer.append((piece, start))
            piece, start = [], at + 1
        elif char == "]" and outer:
            inner = "".join(piece)
            yield inner, start, at
            piece, start = outer.pop()
            piece.append(f"[{inner}]")
        elif char in ";\n{}[]":
            yield "".join(piece), start, at
            piece, start = [], at + 1
        else:
            quote = char if char == '"' else ""
            start = start if piece else at
            piece.append(char)
        at += 1
    yield "".join(piece), start, at
    for rest, begin in reversed(outer):
        yield "".join(rest), begin, at


_anywhere = (
    "reboot",
    "shutdown",
    "reset-configuration",
    "remove",
    "disable",
    "format-drive",
    "uninstall",
    "downgrade",
    "upgrade",
    "import",
)


def anywhere(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Verbs without a menu, where nobody knows in which one the prompt stands."""
    for piece, start, end in statements(text):
        word = piece.strip().split(" ", 1)[0].lower()
        if len(word) > 2 and any(verb.startswith(word) for verb in _anywhere):
            yield "network.menu", "in which menu it stands is not known, and it may take away what is there", start, end


def only_reads(piece: str, menu: tuple[str, ...]) -> bool:
    """Whether a command shows something and does nothing else."""
    words, arguments = _split(piece, menu)
    shows = bool(words) and words[-1] in {"print", "export", "ping", "traceroute", "monitor", "get", "find"}
    return shows and re.search(r"\b(file|script|on-event)\s*=", arguments) is None


def _expanded(words: list[str]) -> list[str]:
    """Shortened menus in full, where the menu above is known."""
    found = list[str]()
    menu = ""
    for given in words:
        word, known = given, menus.get(menu)
        if known is not None and word not in known:
            readings = [each for each in known if each.startswith(word)]
            word = min(readings, key=len) if readings else word
            if menu == "system" and word == "resource" and words[-1].startswith("rese") and len(words[-1]) > 3:
                word = "reset-configuration"
        found.append(word)
        menu = word if menu == "" or word in menus else "?"
    return found


def judged(text: str, menu: tuple[str, ...] = (), depth: int = 0) -> Iterator[tuple[str, str, int, int]]:
    """Rule, reason and place of all that is dangerous in a text. `menu` is where the prompt stands."""
    here = menu
    for piece, start, end in statements(text):
        stripped = piece.strip()
        stripped = re.sub(r"^(:?do|on-error|else)\s*=?\s*$", "", stripped)
        if not stripped:
            continue
        yield from _of_statement(stripped, here, start, end, depth)
        moved = _moves_to(stripped, here)
        if moved is not None:
            here = moved


_by_letter: dict[str, list[tuple[str, str, list[str], str]]] = {}
for _rule, _reason, _pattern, _expected in rules:
    _by_letter.setdefault(_pattern[0], []).append((_rule, _reason, _pattern.split(), _expected))


def _of_statement(
    text: str, menu: tuple[str, ...], start: int, end: int, depth: int
) -> Iterator[tuple[str, str, int, int]]:
    head = text.lstrip(":/ ").split(" ", 1)[0]
    texts = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    if text.startswith(":") or head in {"execute", "parse"}:
        name = head.rstrip("=")
        if ("execute".startswith(name) and len(name) > 2) or ("parse".startswith(name) and len(name) > 1):
            if (not texts and "$" in text) or (
                not texts and "script=" not in text and len(text.split()) > 1 and "/" not in text
            ):
                yield "shell.dynamic", "it runs a script that nobody can know before", start, end
            rest = text.split(" ", 1)[1] if " " in text else ""
            texts = [*texts, *([rest] if rest and not rest.startswith('"') else [])]
            for inner in texts:
                if depth < most_depth:
                    plain = inner.replace('\\"', '"').removeprefix("script=").strip('"{}')
                    yield from ((rule, reason, start, end) for rule, reason, _, _ in judged(plain, (), depth + 1))
            return
        if head in {"while", "for"} and re.search(r"true|1=1", text):
            yield "network.crash", "it may run without an end", start, end
        if head not in {
            "ip",
            "system",
            "interface",
            "user",
            "file",
            "tool",
            "import",
            "routing",
            "certificate",
            "disk",
            "password",
        }:
            return
    if re.search(r"(on-event|source|on-up|on-down|script|up-script|down-script|lease-script)=", text):
        for inner in texts:
            if depth < most_depth:
                yield from (
                    (rule, reason, start, end)
                    for rule, reason, _, _ in judged(inner.replace('\\"', '"'), (), depth + 1)
                )
    words, arguments = _split(text, menu)
    if not words:
        return
    for rule, reason, wanted, expected in _by_letter.get(words[0][:1], ()):
        if len(words) < len(wanted):
            continue
        row = words[: len(wanted)]
        if not all(
            fits(word, each)
            if each == "*" or each.endswith("*")
            else each == word or (each.startswith(word) and len(word) > 1)
            for word, each in zip(row, wanted, strict=True)
        ):
            continue
        rest = " ".join([*words[len(wanted) :], arguments]).strip()
        if (
            len(words) > len(wanted)
            and "=" not in words[len(wanted)]
            and wanted[-1] not in {"*"}
            and not expected
            and words[len(wanted)] in verbs
        ):
            continue
        if expected in {"", "."} or re.search(
            expected, " ".join([words[len(wanted) - 1], rest]) if wanted[-1] == "*" else rest
        ):
            if (wanted[-1] == "*" and words[len(wanted) - 1] in {"print", "get", "find", "export", "monitor"}) or (
                len(words) > len(wanted) and words[len(wanted)] in {"print", "export"}
            ):
                continue
            yield rule, reason, start, end
            return


def _split(text: str, menu: tuple[str, ...]) -> tuple[list[str], str]:
    """The words of menu and verb in full, and the arguments as text."""
    absolute = text.startswith("/")
    body = text.lstrip("/ :")
    words, rest = list[str](), body
    while rest:
        found = re.match(r"([A-Za-z0-9._-]+)([\s/]+|$)", rest)
        if not found or "=" in found[1]:
            break
        words.append(found[1].lower())
        rest = rest[found.end() :]
        if words[-1] in verbs or (
            any(
                verb.startswith(words[-1]) and len(words[-1]) > 2
                for verb in ("remove", "disable", "enable", "print", "export")
            )
            and len(words) > 1
        ):
            break
    if text.startswith("..") or (words and words[0] == ".."):
        return [], ""
    full = _expanded(words if absolute or not menu else [*menu, *words])
    if full:
        last = full[-1]
        readings = [
            verb
            for verb in (
                "remove",
                "disable",
                "enable",
                "reboot",
                "shutdown",
                "print",
                "export",
                "set",
                "add",
                "reset-configuration",
            )
            if verb.startswith(last)
        ]
        if len(readings) == 1 and len(last) > 1 and last not in verbs:
            full[-1] = readings[0]
    return full, rest


def _moves_to(text: str, menu: tuple[str, ...]) -> tuple[str, ...] | None:
    """Another menu, if the text is nothing but one."""
    if text == "/":
        return ()
    if text == "..":
        return menu[:-1]
    words, rest = _split(text, menu)
    if words and not rest.strip() and words[-1] not in verbs and not text.startswith(":"):
        top = words[0]
        if top in {
            "system",
            "ip",
            "ipv6",
            "interface",
            "user",
            "file",
            "tool",
            "routing",
            "certificate",
            "disk",
            "ppp",
            "queue",
            "log",
            "port",
            "snmp",
            "radius",
            "mpls",
        }:
            return tuple(words)
    return None
