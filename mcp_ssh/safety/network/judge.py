"""A network device's command line judged: line by line, each word by any beginning of it, through its modes."""

import re
from collections.abc import Iterator
from dataclasses import replace

from mcp_ssh.model.decision import Finding, Level
from mcp_ssh.safety.network import routeros
from mcp_ssh.safety.network.danger import generic, grammars
from mcp_ssh.safety.network.filters import redirecting, split_filters, what_it_does
from mcp_ssh.safety.network.grammar import Danger, Grammar, fits, platform_of
from mcp_ssh.safety.posix import judge as posix

Judgement = posix.Judgement

max_lines = 2_000

_token = re.compile(r'"[^"]*"|\S+')
_looks = frozenset(
    "show display get ping traceroute tracert dir more where who whoami help history exit quit end logout return top up diff list verify systat".split()
)
_texts = frozenset(
    "description banner name remark comment alias-name annotate hostname sysname location contact title".split()
)


def judge(text: str, platform: str, *, mode: str | None = None, depth: int = 0) -> Judgement:
    """Judge the lines of a text for a platform, by our name or another; `mode` is the prompt's, or a menu path."""
    name = platform_of(platform)
    if name == "mikrotik_routeros":
        return _routeros(text, mode)
    grammar = grammars.get(name, generic)
    if grammar is generic and text.lstrip().startswith("/"):
        return _routeros(text, mode)
    reading = _Reading(grammar, mode, depth)
    for number, (line, start) in enumerate(_lines(text, grammar)):
        if number >= max_lines:
            long = Finding(
                "safety.too_long", Level.DANGEROUS, f"it has more than {max_lines} lines", (start, len(text))
            )
            return replace(reading.judgement(), findings=(*reading.judgement().findings, long))
        reading.line(line, start)
    return reading.judgement()


def _routeros(text: str, mode: str | None) -> Judgement:
    """A mode is a menu if it begins with a slash; any other one is a shell's, whose menu is not known."""
    menu = tuple(re.split(r"[/\s]+", mode.strip("/ "))) if mode and mode.startswith("/") and mode.strip("/ ") else ()
    hits = [*routeros.judged(text, menu)]
    if mode and not mode.startswith("/"):
        hits += routeros.anywhere(text)
    found = [Finding(rule, Level.DANGEROUS, reason, (start, end)) for rule, reason, start, end in hits]
    pieces = [(piece.strip(), start, end) for piece, start, end in routeros.statements(text) if piece.strip()]
    reads = bool(pieces) and all(routeros.only_reads(piece, menu) for piece, _, _ in pieces)
    canonical, spans = tuple(piece for piece, _, _ in pieces), tuple((start, end) for _, start, end in pieces)
    return Judgement(tuple(found), canonical, spans, True, reads and not found)


def _lines(text: str, grammar: Grammar) -> Iterator[tuple[str, int]]:
    at = 0
    for line in text.split("\n"):
        if grammar.separators:
            start = at
            for piece in re.split(f"[{re.escape(grammar.separators)}]", line):
                yield piece, start
                start += len(piece) + 1
        else:
            yield line, at
        at += len(line) + 1


class _Reading:
    """One text as it is read: what was found, and in which mode it stands."""

    def __init__(self, grammar: Grammar, mode: str | None, depth: int) -> None:
        self._grammar = grammar
        self._configures = (mode or "").startswith("conf")
        self._depth = depth
        self._found: list[Finding] = []
        self._canonical: list[str] = []
        self._spans: list[tuple[int, int]] = []
        self._reads = True
        self._path: tuple[str, ...] = ()

    def judgement(self) -> Judgement:
        """What was found."""
        reads = self._reads and bool(self._canonical) and not self._found
        return Judgement(tuple(self._found), tuple(self._canonical), tuple(self._spans), True, reads)

    def line(self, line: str, start: int) -> None:
        """One line."""
        stripped = line.strip()
        if not stripped or stripped[0] in "!#":
            if stripped.startswith("!") and self._grammar.name == "extreme_exos":
                self._hit("network.shell", "it opens a shell or runs a script", start, line)
            return
        command, filters = split_filters(stripped)
        words = [each.strip('"') for each in _token.findall(command)]
        lowered = [word.lower() for word in words]
        lowered = self._peeled(lowered)
        if not lowered:
            return
        self._canonical.append(" ".join(lowered))
        self._spans.append((start + len(line) - len(line.lstrip()), start + len(line.rstrip())))
        self._reads = self._reads and (
            lowered[0] in _looks
            or any(head in _looks for head in self._grammar.readings(lowered[0], configures=self._configures)[:1])
        )
        self._filtered(command, filters, lowered, start, line)
        if self._shell(lowered, words, start, line):
            return
        if fits(lowered[0], "ali|as") and len(lowered) > 3:
            self._by_rules(lowered[3:], start, line)  # what the new word will stand for
        self._by_rules(lowered, start, line)
        self._follow(lowered)

    def _peeled(self, words: list[str]) -> list[str]:
        while words and (words[0] in {"do", "run", "top"} and len(words) > 1):
            if words[0] in {"run", "top"} and self._grammar.style not in {"junos", "vyos"}:
                break
            words = words[1:]
        return words

    def _by_rules(self, words: list[str], start: int, line: str) -> None:
        first = words[0]
        if first in _texts or (first == "no" and len(words) > 1 and words[1] in _texts):
            return
        readings = self._grammar.readings(first, configures=self._configures)
        if readings and readings[0] in _looks and first != readings[0]:
            return
        if first in _looks:
            return
        if self._cancels(words):
            return
        hits = self._grammar.matching(words)
        if not hits and self._path:
            whole = [first, *self._path, *words[1:]]
            hits = self._grammar.matching(whole)
        for rule in _meant(first, hits, readings):
            self._hit(rule.rule, rule.reason, start, line)
            return

    def _cancels(self, words: list[str]) -> bool:
        """Commands that take something dangerous back."""
        joined = " ".join(words)
        saves = (
            len(words) > 2
            and fits(words[0], "cop|y")
            and (fits(words[1], "r|unning-config") or words[1] == "system:running-config")
        )
        return saves or bool(
            re.match(
                r"(rel\w*|reboot|shutdown) (can\w*|abort)\b|reload (cancel|abort)|schedule reboot.* cancel|no (shu\w*|debug|reload|scheduler|kron|event|alias|access-class)\b|undo (shu\w*|schedule|debugging|traffic-filter|packet-filter)|request system (reboot|halt).* cancel|clear system (reboot|commit)|admin sho?w? |commit confirmed?|commit check|undebug|delete .* description$|no banner|no shut\w*|no dampening",
                joined,
            )
        )

    def _shell(self, lowered: list[str], words: list[str], start: int, line: str) -> bool:
        """Lines that a shell of the device reads go to the judge of shells."""
        rest = " ".join(words[1:])
        inner = ""
        if self._grammar.shell_heads and lowered[0] in self._grammar.shell_heads and len(lowered) > 1:
            inner = rest
        elif (lowered[:2] == ["run", "bash"] and len(lowered) > 2) or lowered[:2] == ["guestshell", "run"]:
            inner = " ".join(words[2:])
        elif (self._grammar.style == "vyos" and lowered[0] not in self._grammar.heads) or (
            self._grammar.style == "vyos" and lowered[0] in {"sudo"}
        ):
            inner = line
        elif lowered[:3] == ["start", "shell", "command"]:
            inner = " ".join(words[3:])
        if not inner or self._depth:
            return False
        verdict = posix.judge(inner.strip('"'), depth=1)
        for found in verdict.findings:
            self._hit(found.rule, found.reason, start, line)
        return bool(verdict.findings) or self._grammar.style == "vyos" or lowered[0] == "bash"

    def _filtered(self, command: str, filters: list[str], words: list[str], start: int, line: str) -> None:
        for each in filters:
            for rule, reason in what_it_does(each, self._grammar):
                self._hit(rule, reason, start, line)
        reads = words[0] in _looks or self._grammar.readings(words[0])[:1] in (["show"], ["display"])
        if reads and self._grammar.name in redirecting and re.search(r"\s>{1,2}\s*\S", command):
            self._hit("network.filter_writes", "it writes the output to a file", start, line)

    def _follow(self, words: list[str]) -> None:
        if words[0] == "end" or words == ["commit"]:
            self._configures = False
        elif len(words) > 1 and fits(words[0], "conf|igure") and fits(words[1], "terminal"):
            self._configures = True
        if self._grammar.style != "junos":
            return
        if words[0] == "edit":
            self._path = (*self._path, *words[1:])
        elif words[0] in {"top"}:
            self._path = ()
        elif words[0] in {"up", "exit"}:
            self._path = self._path[:-1]

    def _hit(self, rule: str, reason: str, start: int, line: str) -> None:
        span = (start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
        self._found.append(Finding(rule, Level.DANGEROUS, reason, span))


def _meant(first: str, hits: list[Danger], readings: list[str]) -> list[Danger]:
    """The rules that a shortened first word means: that of the shortest known word, or all if it can mean nothing else."""
    heads = {rule.words[0].replace("|", "") for rule in hits}
    known = heads | set(readings)
    if first in known:
        return [rule for rule in hits if rule.words[0].replace("|", "") == first or "*" in rule.words[0]]
    plain = sorted((head for head in known if "*" not in head), key=lambda head: (len(head), head))
    if set(plain) <= heads:
        return hits
    return [rule for rule in hits if rule.words[0].replace("|", "") == plain[0] or "*" in rule.words[0]]
