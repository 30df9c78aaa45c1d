"""The one place that says yes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Decision, Effect, Finding, Layer, Level, Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Policy
from mcp_ssh.model.principal import Permission, Principal, Via
from mcp_ssh.policy.network import network
from mcp_ssh.policy.rules import access, rules

everything = Policy()


def decide(
    request: Request, host: Host, verdict: Verdict | None, policy: Policy = everything, addresses: Sequence[str] = ()
) -> Decision:
    """Ask every layer: one that denies decides, before one that asks. Without a command only the way is judged."""
    trace = tuple(_layers(request, host, verdict, policy, addresses))
    for effect in (Effect.DENY, Effect.CONFIRM):
        layer = next((each for each in trace if each.effect is effect), None)
        if layer is not None:
            return Decision(effect, layer.name, layer.rule, layer.reason, trace, effect is Effect.CONFIRM)
    last = trace[-1]
    asked = any(layer.reason.startswith("confirmed: ") for layer in trace)
    overridden = request.confirmed and verdict is not None and (asked or verdict.level is Level.DANGEROUS)
    return Decision(
        Effect.ALLOW, last.name, last.rule, last.reason, trace, confirmed_by="model" if overridden else None
    )


def _layers(
    request: Request, host: Host, verdict: Verdict | None, policy: Policy, addresses: Sequence[str]
) -> Iterator[Layer]:
    yield _host(host)
    yield network(host, addresses, policy.network)
    if verdict is not None:
        yield access(host, verdict)
        yield _confirmable(rules(host, request.wish.text if request.wish is not None else "", verdict, policy), request)
    yield _safety(verdict, request)


def _confirmable(layer: Layer, request: Request) -> Layer:
    """A rule that asks is answered as a danger is: by who may speak for a person."""
    if layer.effect is not Effect.CONFIRM:
        return layer
    if not _may_confirm(request.principal):
        return replace(layer, effect=Effect.DENY, reason=f"{layer.reason}; a person must agree to it")
    return replace(layer, effect=Effect.ALLOW, reason=f"confirmed: {layer.reason}") if request.confirmed else layer


def _host(host: Host) -> Layer:
    if host.enabled:
        return Layer("host", Effect.ALLOW, "configured", f"{host.name} is configured and enabled")
    return Layer("host", Effect.DENY, "disabled", f"{host.name} is disabled")


def _safety(verdict: Verdict | None, request: Request) -> Layer:
    if verdict is None:
        return Layer("safety", Effect.ALLOW, "no_command", "nothing runs")
    if verdict.level is not Level.DANGEROUS:
        return Layer("safety", Effect.ALLOW, verdict.level.value, "nothing dangerous was found")
    dangers = [found for found in verdict.findings if found.level is Level.DANGEROUS]
    words = _told(dangers)
    if not _may_confirm(request.principal):
        reason = f"{words}: a person must agree to it, and {request.principal.name} may not speak for one"
        return Layer("safety", Effect.DENY, dangers[0].rule, reason)
    effect = Effect.ALLOW if request.confirmed else Effect.CONFIRM
    reason = f"confirmed by the model, although {words}" if request.confirmed else words
    return Layer("safety", effect, dangers[0].rule, reason)


def _may_confirm(principal: Principal) -> bool:
    """On stdio the person sits beside the model; over the network the model speaks for one if its token says so."""
    return principal.via is Via.STDIO or principal.may(Permission.OVERRIDE)


def _told(dangers: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(f"{found.reason} ({found.rule})" for found in dangers))
