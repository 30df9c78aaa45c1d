"""From a command's text to a Verdict. Pure, and it never raises: a crash in here is a dangerous verdict."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mcp_ssh.model.decision import Finding, Level, Verdict
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.gate import gate
from mcp_ssh.safety.network import judge as network
from mcp_ssh.safety.patterns import Pattern, compile_pattern
from mcp_ssh.safety.posix import judge as posix
from mcp_ssh.safety.posix.judge import Judgement

max_chars = 131_072
_opaque_reason = "it is said to a program that runs, and only that program knows what it does with it"
_opaque_way = "where there is a way without a question, such as a flag, run that as a command of its own"

_order = {Level.READ_ONLY: 0, Level.MUTATING: 1, Level.DANGEROUS: 2}

base_patterns: dict[str, tuple[str, ...]] = {
    r"rm\s+-rf\s+/": ("posix.delete",),
    "mkfs": ("posix.format",),
    r"\bmkfs\b": ("posix.format",),
    r"mkfs\.": ("posix.format",),
    "reboot": ("posix.power", "network.power"),
    r"\breboot\b": ("posix.power", "network.power"),
    "shutdown": ("posix.power", "network.power"),
    r"\bshutdown\b": ("posix.power", "network.power"),
    r"dd\s+.*of=/dev/": ("posix.raw_disk",),
    r"dd\s+.*of=/dev/.*": ("posix.raw_disk",),
    r"write\s+erase": ("network.erase",),
    r"erase\s+startup-config": ("network.erase",),
}
"""The base deny list as people have it in their files, and the rules that stand for each of its patterns."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The judgement of one host: its shell, its platform, its rules, the operator's patterns. Build it once."""

    shell: Shell
    platform: str
    families: tuple[str, ...] | None
    patterns: tuple[Pattern, ...]

    @classmethod
    def build(cls, *, builtin: bool, patterns: Sequence[str], shell: Shell, platform: str = "") -> "Guard":
        """A pattern that is textually one of the base deny list is those rules, with or without the built-in ones.

        Raises `PatternError` for a pattern that the configuration should have refused.
        """
        named = tuple(family for text in patterns for family in base_patterns.get(text, ()))
        return cls(
            shell=shell,
            platform=platform,
            families=None if builtin else named,
            patterns=tuple(compile_pattern(text) for text in patterns if text not in base_patterns),
        )

    def classify(self, command: str, *, host: str, mode: str | None = None, directory: str | None = None) -> Verdict:
        """What the command is on this host, in this mode or directory. Spans count characters of the text as given."""
        digest = hashlib.sha256(f"{host}\0{command}".encode("utf-8", "surrogatepass")).hexdigest()
        try:
            return self._classify(command, digest, mode, directory)
        except Exception as error:  # noqa: BLE001  whatever it is: what cannot be judged is dangerous
            reason = f"the classifier failed on it ({type(error).__name__})"
            failed = Finding("safety.failed", Level.DANGEROUS, reason, (0, len(command)))
            return Verdict(Level.DANGEROUS, (failed,), (), parsed=False, digest=digest)

    def interactive(self, text: str, *, host: str) -> Verdict:
        """What a text is that goes into a program that runs: only the program knows what it does with it."""
        verdict = self.classify(text, host=host)
        opaque = Finding("opaque.interactive", Level.DANGEROUS, _opaque_reason, (0, len(text)), _opaque_way)
        return replace(verdict, level=Level.DANGEROUS, findings=(opaque, *verdict.findings))

    def _classify(self, command: str, digest: str, mode: str | None, directory: str | None) -> Verdict:
        if len(command) > max_chars:
            long = Finding("safety.too_long", Level.DANGEROUS, "it is too long to be judged", (0, len(command)))
            return Verdict(Level.DANGEROUS, (long,), (), parsed=False, digest=digest)
        judged = self._judged(command, mode, directory)
        findings = [*gate(command, self.shell), *self._in_force(judged.findings)]
        findings += self._by_patterns(command, judged)
        if not findings and self.shell is Shell.POSIX:
            findings += _seen(command)
        findings = _once(findings)
        quiet = Level.READ_ONLY if judged.reads else Level.MUTATING
        level = max([quiet, *(found.level for found in findings)], key=_order.__getitem__)
        return Verdict(
            level,
            tuple(findings),
            judged.canonical,
            parsed=judged.parsed,
            digest=digest,
            writes=judged.writes,
            lines=judged.lines or judged.canonical,
            secrets=judged.secrets,
        )

    def _judged(self, command: str, mode: str | None, directory: str | None) -> Judgement:
        if self.shell is Shell.CLI:
            return network.judge(command, self.platform, mode=mode)
        return posix.judge(command, directory=directory or None)

    def _in_force(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        for found in findings:
            if self.families is None or found.rule.startswith((*self.families, "bytes.")):
                yield found

    def _by_patterns(self, command: str, judged: Judgement) -> Iterator[Finding]:
        for pattern in self.patterns:
            span = pattern.search(command)
            for place, line in zip(judged.spans, judged.canonical, strict=True):
                if span is None and pattern.search(line):
                    span = place
            if span is not None:
                reason = f"it matches the operator's pattern {pattern.text}"
                yield Finding("operator.pattern", Level.DANGEROUS, reason, span)


def _seen(command: str) -> Iterator[Finding]:
    """Texts of the base deny list that stand in data only, such as a pattern for grep: told, and no reason to stop."""
    for text, pattern in _base.items():
        span = pattern.search(command)
        if span is not None:
            yield Finding("base.seen", Level.READ_ONLY, f"its text matches {text}, as data: nothing runs it", span)
            return


_base = {text: compile_pattern(text) for text in base_patterns}


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Each rule once a place, in the order of the text."""
    kept = {(found.rule, found.span): found for found in findings}
    return sorted(kept.values(), key=lambda found: (found.span, found.rule))
