"""The one place that says yes."""

from collections.abc import Iterator, Sequence

from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Decision, Effect, Finding, Layer, Level, Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Policy
from mcp_ssh.policy.confirm import answered, confirm_of, flag_counts, person_counts
from mcp_ssh.policy.network import jumps, network
from mcp_ssh.policy.rules import access, rules

everything = Policy()


def decide(  # noqa: PLR0913, PLR0917  each layer is about one of them
    request: Request,
    host: Host,
    verdict: Verdict | None,
    policy: Policy = everything,
    addresses: Sequence[str] = (),
    consent: str | None = None,
    hops: Sequence[Sequence[str]] = (),
) -> Decision:
    """Ask every layer: one that denies decides, before one that asks. Without a command only the way is judged.

    `consent` is the person who approved exactly this, if one did. `hops` are the addresses of each host on the way.
    """
    way = (network(host, addresses, policy.network), *jumps(host, hops, policy.network))
    trace = tuple(_layers(request, host, verdict, policy, way, consent))
    for effect in (Effect.DENY, Effect.CONFIRM):
        layer = next((each for each in trace if each.effect is effect), None)
        if layer is not None:
            asks, confirm = effect is Effect.CONFIRM, confirm_of(host, request.principal)
            return Decision(
                effect,
                layer.name,
                layer.rule,
                layer.reason,
                trace,
                confirmable=asks and flag_counts(confirm, request),
                asks_person=asks and person_counts(confirm, request),
            )
    last = trace[-1]
    by = next((layer.confirmed_by for layer in trace if layer.confirmed_by is not None), None)
    return Decision(Effect.ALLOW, last.name, last.rule, last.reason, trace, confirmed_by=by)


def _layers(  # noqa: PLR0913, PLR0917  as above
    request: Request,
    host: Host,
    verdict: Verdict | None,
    policy: Policy,
    way: Sequence[Layer],
    consent: str | None,
) -> Iterator[Layer]:
    yield _host(host)
    yield from way
    if verdict is not None and request.node is not None:
        # Access and rules are about commands. Who may do this is a permission, and a new host takes a person's yes.
        layer = _safety(verdict)
        yield answered(layer, host, request, consent) if layer.effect is Effect.CONFIRM else layer
    elif verdict is not None:
        yield access(host, verdict)
        for layer in (rules(host, request.text, verdict, policy), _safety(verdict)):
            yield answered(layer, host, request, consent) if layer.effect is Effect.CONFIRM else layer
    else:
        yield Layer("safety", Effect.ALLOW, "no_command", "nothing runs")


def _host(host: Host) -> Layer:
    if host.enabled:
        return Layer("host", Effect.ALLOW, "configured", f"{host.name} is configured and enabled")
    return Layer("host", Effect.DENY, "disabled", f"{host.name} is disabled")


def _safety(verdict: Verdict) -> Layer:
    if verdict.level is not Level.DANGEROUS:
        return Layer("safety", Effect.ALLOW, verdict.level.value, "nothing dangerous was found")
    dangers = [found for found in verdict.findings if found.level is Level.DANGEROUS]
    return Layer("safety", Effect.CONFIRM, dangers[0].rule, _told(dangers))


def _told(dangers: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(f"{found.reason} ({found.rule})" for found in dangers))
