"""What a host's access and the rules of the policy say of each part of a command."""

import fnmatch
from collections.abc import Iterator, Sequence

from mcp_ssh.model.decision import Effect, Layer, Level, Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Access, Action, Evaluation, LinePattern, Policy, PolicyRule

_effects = {Action.ALLOW: Effect.ALLOW, Action.DENY: Effect.DENY, Action.CONFIRM: Effect.CONFIRM}
_strictness = [Action.ALLOW, Action.CONFIRM, Action.DENY]
harmless_targets = frozenset({"/dev/null"})


def parts(verdict: Verdict) -> Iterator[str]:
    """What must be allowed, one by one: each simple command with its wrappers, and each file that is written to."""
    yield from verdict.lines
    for path in verdict.writes:
        if path not in harmless_targets:
            yield f"> {path}"


def access(host: Host, verdict: Verdict) -> Layer:
    """What the host's level of access says."""
    if host.access is Access.READONLY:
        if verdict.level is Level.READ_ONLY:
            return Layer("access", Effect.ALLOW, "readonly", "it only reads")
        what = (
            "; ".join(found.reason for found in verdict.findings[:1] if found.level is Level.DANGEROUS)
            or "it may change something"
        )
        return Layer("access", Effect.DENY, "readonly", f"{host.name} is read-only, and {what}")
    if host.access is Access.RESTRICTED:
        for part in _all_parts(verdict):
            if not _taken(host.allow_patterns, part):
                return Layer("access", Effect.DENY, "restricted", f"{host.name} takes none of its patterns for: {part}")
        return Layer("access", Effect.ALLOW, "restricted", "each part is allowed on this host")
    return Layer("access", Effect.ALLOW, "unrestricted", "all but what is dangerous")


def rules(host: Host, text: str, verdict: Verdict, policy: Policy) -> Layer:
    """What the rules say: the strictest answer over all parts."""
    found = next((each for each in policy.deny_substrings if each in text), None)
    if found is not None:
        return Layer("policy", Effect.DENY, "deny_substrings", f"it holds {found!r}")
    if not policy.rules:
        return Layer("policy", Effect.ALLOW, "none", "there are no rules")
    about = [rule for rule in policy.rules if _is_about(rule, host)]
    answers = [(part, *_answer(part, about, policy)) for part in _all_parts(verdict)]
    part, action, rule = max(answers, key=lambda answer: _strictness.index(answer[1]))
    name = rule.name if rule is not None else "default"
    if action is Action.ALLOW:
        return Layer("policy", Effect.ALLOW, name, "each part is allowed")
    words = "no rule allows" if rule is None else f"the rule {rule.name} says {action.value} to"
    return Layer("policy", _effects[action], name, f"{words}: {part}")


def _all_parts(verdict: Verdict) -> list[str]:
    found = [*parts(verdict)]
    return found if found and verdict.parsed else [*found, "a command that cannot be read whole"]


def _is_about(rule: PolicyRule, host: Host) -> bool:
    named = any(fnmatch.fnmatchcase(host.name, glob) for glob in rule.hosts)
    return named and (not rule.tags or bool(rule.tags & host.tags))


def _answer(part: str, about: Sequence[PolicyRule], policy: Policy) -> tuple[Action, PolicyRule | None]:
    taking = [rule for rule in about if not rule.patterns or _taken(rule.patterns, part, rule.action)]
    if not taking:
        return policy.default, None
    match policy.evaluation:
        case Evaluation.FIRST_MATCH:
            rule = taking[0]
        case Evaluation.LAST_MATCH:
            rule = taking[-1]
        case Evaluation.DENY_OVERRIDES:
            rule = max(taking, key=lambda each: _strictness.index(each.action))
    return rule.action, rule


def _taken(patterns: Sequence[LinePattern], part: str, action: Action = Action.ALLOW) -> bool:
    """Whether a pattern takes the part. What is to be stopped is looked for behind its wrappers, too."""
    if any(pattern.takes(part) for pattern in patterns):
        return True
    if action is Action.ALLOW:
        return False
    words = part.split(" ")
    return any(pattern.takes(" ".join(words[at:])) for at in range(1, min(len(words), 12)) for pattern in patterns)
