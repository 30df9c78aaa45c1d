"""From a command's text to a Verdict. Pure, linear, and it never raises: a crash in here is a dangerous verdict."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mcp_ssh.model.decision import Finding, Level, Verdict
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.gate import gate, homoglyph
from mcp_ssh.safety.patterns import Pattern, compile_pattern
from mcp_ssh.safety.rules import Rule, any_shell_rules, cli_rules, device_redirect, posix_rules
from mcp_ssh.safety.syntax import Line, SimpleCommand, Word
from mcp_ssh.safety.words import split
from mcp_ssh.safety.wrappers import basename, peel, scripts

max_script_depth = 5
_opaque_reason = "it is said to a program that runs, and only that program knows what it does with it"
_opaque_way = "where there is a way without a question, such as a flag, run that as a command of its own"

_order = {Level.READ_ONLY: 0, Level.MUTATING: 1, Level.DANGEROUS: 2}

_reading = frozenset(
    "ls cat head tail wc uptime df du free ps pwd id whoami groups uname arch nproc lscpu lsblk lsusb lspci date cal "
    "echo printf true false test stat file which type grep egrep fgrep cut uniq tr w who last dmesg hostname "
    "printenv readlink realpath basename dirname md5sum sha256sum cmp diff".split()
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One simple command behind its wrappers, and where it stands in the whole text."""

    words: Sequence[Word]
    command: SimpleCommand
    offset: int

    def span(self) -> tuple[int, int]:
        return self.words[0].start + self.offset, self.words[-1].end + self.offset


@dataclass(frozen=True, slots=True)
class Guard:
    """The judgement of one host: its shell, its rules, the operator's patterns. Build it once a configuration."""

    shell: Shell
    rules: tuple[Rule, ...]
    raw: tuple[tuple[Rule, Pattern], ...]
    patterns: tuple[Pattern, ...]

    @classmethod
    def build(cls, *, builtin: bool, patterns: Sequence[str], shell: Shell) -> "Guard":
        """A pattern that is textually one of the base deny list is that rule, with or without the built-in ones.

        Raises `PatternError` for a pattern that the configuration should have refused.
        """
        known = (*posix_rules, *any_shell_rules) if shell is Shell.POSIX else cli_rules
        named = {text for rule in known for text in rule.base}
        rules = tuple(rule for rule in known if builtin or set(rule.base) & set(patterns))
        return cls(
            shell=shell,
            rules=rules,
            raw=tuple((rule, compile_pattern(needle)) for rule in rules for needle in rule.needles),
            patterns=tuple(compile_pattern(text) for text in patterns if text not in named),
        )

    def classify(self, command: str, *, host: str) -> Verdict:
        """What the command is on this host. Spans count characters of the text as given."""
        digest = hashlib.sha256(f"{host}\0{command}".encode("utf-8", "surrogatepass")).hexdigest()
        try:
            return self._classify(command, digest)
        except Exception as error:  # noqa: BLE001  whatever it is: what cannot be judged is dangerous
            reason = f"the classifier failed on it ({type(error).__name__})"
            failed = Finding("safety.failed", Level.DANGEROUS, reason, (0, len(command)))
            return Verdict(Level.DANGEROUS, (failed,), (), parsed=False, digest=digest)

    def interactive(self, text: str, *, host: str) -> Verdict:
        """What a text is that goes into a program that runs: only the program knows what it does with it."""
        verdict = self.classify(text, host=host)
        opaque = Finding("opaque.interactive", Level.DANGEROUS, _opaque_reason, (0, len(text)), _opaque_way)
        return replace(verdict, level=Level.DANGEROUS, findings=(opaque, *verdict.findings))

    def _classify(self, command: str, digest: str) -> Verdict:
        parts, parsed = self._read(command)
        canonical = tuple(_canonical(part.words) for part in parts)
        findings = [*gate(command, self.shell), *self._by_rules(parts)]
        if not parsed:
            findings += self._by_raw_text(command)
        findings += self._by_patterns(command, parts, canonical)
        findings = _once(findings)
        level = max(
            (found.level for found in findings), key=_order.__getitem__, default=self._quiet(parts, parsed=parsed)
        )
        return Verdict(level, tuple(findings), canonical, parsed=parsed, digest=digest)

    # --- reading

    def _read(self, command: str) -> tuple[list[_Part], bool]:
        if self.shell is Shell.CLI:
            return list(_cli_lines(command)), True
        parts: list[_Part] = []
        parsed = self._collect(split(command), 0, parts, 0)
        return parts, parsed

    def _collect(self, line: Line, offset: int, parts: list[_Part], depth: int) -> bool:
        parsed = line.parsed
        for command in line.commands:
            words = peel(command.words)
            if words or command.redirects:
                parts.append(_Part(words or [redirect.target for redirect in command.redirects], command, offset))
            for script in scripts(words):
                if depth < max_script_depth and script.literal:
                    # Its quotes are gone, so places inside it cannot be told: all of it is the place.
                    inner: list[_Part] = []
                    parsed = self._collect(split(script.text), 0, inner, depth + 1) and parsed
                    parts += [_moved(part, script, offset) for part in inner]
                else:
                    parsed = False
        return parsed

    # --- judging

    def _by_rules(self, parts: Iterable[_Part]) -> Iterator[Finding]:
        for part in parts:
            first = part.words[0]
            strange = homoglyph(first.text, 0) if self.shell is Shell.POSIX else None
            if strange is not None:
                yield Finding(strange.rule, strange.level, strange.reason, part.span(), strange.suggestion)
            for rule in self.rules:
                if rule.matches(part.words):
                    yield Finding(rule.id, Level.DANGEROUS, rule.reason, part.span(), rule.suggestion)
            if self.shell is Shell.POSIX and posix_rules[0] in self.rules:
                for redirect in part.command.redirects:
                    found = device_redirect(redirect)
                    if found is not None:
                        yield Finding(found.rule, found.level, found.reason, part.span(), found.suggestion)

    def _by_raw_text(self, command: str) -> Iterator[Finding]:
        for rule, pattern in self.raw:
            span = pattern.search(command)
            if span is not None:
                reason = f"the command cannot be read whole, and its text looks as if {rule.reason}"
                yield Finding(rule.id, Level.DANGEROUS, reason, span, rule.suggestion)

    def _by_patterns(self, command: str, parts: Sequence[_Part], canonical: Sequence[str]) -> Iterator[Finding]:
        for pattern in self.patterns:
            span = pattern.search(command)
            for part, line in zip(parts, canonical, strict=True):
                if span is None and pattern.search(line):
                    span = part.span()
            if span is not None:
                reason = f"it matches the operator's pattern {pattern.text}"
                yield Finding("operator.pattern", Level.DANGEROUS, reason, span)

    def _quiet(self, parts: Sequence[_Part], *, parsed: bool) -> Level:
        """The level of a command without findings: read-only only where every part plainly is."""
        reads = parsed and bool(parts) and all(_only_reads(part) for part in parts)
        return Level.READ_ONLY if reads and self.shell is Shell.POSIX else Level.MUTATING


def _only_reads(part: _Part) -> bool:
    command = part.command
    if not command.words or command.assignments or part.words is not command.words or not part.words[0].literal:
        return False
    writes = any(">" in each.operator and each.target.text not in {"/dev/null", "1", "2"} for each in command.redirects)
    name, arguments = part.words[0].text, [word.text for word in part.words[1:]]
    if name in {"date", "dmesg", "hostname"} and any(not each.startswith("+") for each in arguments):
        return False  # they can set what they show
    return name in _reading and not writes


def _cli_lines(command: str) -> Iterator[_Part]:
    at = 0
    for line in command.split("\n"):
        words, start = [], at
        for text in line.split(" "):
            if text:
                words.append(Word(text, start, start + len(text)))
            start += len(text) + 1
        if words and words[0].text == "do" and len(words) > 1:
            words = words[1:]
        if words:
            yield _Part(words, SimpleCommand(words), 0)
        at += len(line) + 1


def _moved(part: _Part, script: Word, offset: int) -> _Part:
    words = [Word(word.text, script.start, script.end, word.literal) for word in part.words]
    return _Part(words, part.command, offset)


def _canonical(words: Sequence[Word]) -> str:
    return " ".join([basename(words[0].text), *(word.text for word in words[1:])])


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Each rule once a place, in the order of the text."""
    kept = {(found.rule, found.span): found for found in findings}
    return sorted(kept.values(), key=lambda found: (found.span, found.rule))
