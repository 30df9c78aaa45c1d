"""The one place that says yes."""

from collections.abc import Sequence

from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Decision, Effect, Finding, Layer, Level, Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Permission, Principal, Via


def decide(request: Request, host: Host, verdict: Verdict | None) -> Decision:
    """Ask the layers in order; the first that does not allow decides. Without a command only the host is asked."""
    trace: list[Layer] = []
    for layer in (_host(host), _safety(verdict, request)):
        trace.append(layer)
        if layer.effect is not Effect.ALLOW:
            return Decision(
                layer.effect, layer.name, layer.rule, layer.reason, tuple(trace), layer.effect is Effect.CONFIRM
            )
    last = trace[-1]
    overridden = request.confirmed and verdict is not None and verdict.level is Level.DANGEROUS
    return Decision(
        Effect.ALLOW, last.name, last.rule, last.reason, tuple(trace), confirmed_by="model" if overridden else None
    )


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
