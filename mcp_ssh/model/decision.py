"""What safety and policy say of a request, as values that can be shown, recorded and compared."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How far a command reaches."""

    READ_ONLY = "read_only"
    MUTATING = "mutating"
    DANGEROUS = "dangerous"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `span` is (start, end) in characters of the command as it was given."""

    rule: str
    level: Level
    reason: str
    span: tuple[int, int]
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Assumes:
    """What a verdict takes for granted of the session it will run in; compared under the session's lock.

    `None` means that the verdict does not depend on it: an exec channel is always fresh.
    """

    mode: str | None = None
    directory: str | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What safety says: the strictest level of all findings, and the canonical lines that were judged.

    `lines` are the same commands with their wrappers, as rules of the policy see them. `parsed` is false where the
    structure could not be read. `writes` are the files that redirections write to.
    `secrets` are the spans of the command in which one stands, for records to leave out.
    `digest` is SHA-256 over the host's name and exactly these bytes; a confirmation is bound to it.
    """

    level: Level
    findings: tuple[Finding, ...]
    canonical: tuple[str, ...]
    parsed: bool
    digest: str
    assumes: Assumes = Assumes()
    writes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    secrets: tuple[tuple[int, int], ...] = ()


class Effect(StrEnum):
    """The three answers of `decide`."""

    ALLOW = "allow"
    DENY = "deny"
    CONFIRM = "needs_confirmation"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer said, for the trace of a plan."""

    name: str
    effect: Effect
    rule: str
    reason: str
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer with its trace. `layer` and `rule` name what decided; `confirmed_by` who overrode it.

    `confirmable` says whether `confirm_dangerous: true` from this caller would change the answer, `asks_person` whether
    a person's approval would.
    """

    effect: Effect
    layer: str
    rule: str
    reason: str
    trace: tuple[Layer, ...]
    confirmable: bool = False
    asks_person: bool = False
    confirmed_by: str | None = None
