"""Who may say yes to what is dangerous, or to what a rule asks about."""

from dataclasses import replace

from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Confirm
from mcp_ssh.model.principal import Permission, Principal, Via


def confirm_of(host: Host, principal: Principal) -> Confirm:
    """What holds on the host for this principal.

    Where the file says nothing: on stdio the person sits beside the model; over the network a person must be asked,
    unless the token says that its model speaks for one.
    """
    if host.confirm is not None:
        return host.confirm
    trusts_model = principal.via is Via.STDIO or principal.may(Permission.OVERRIDE)
    return Confirm.AUTO if trusts_model else Confirm.HUMAN


def flag_counts(confirm: Confirm, request: Request) -> bool:
    """Whether `confirm_dangerous: true` of the model is an answer. It never goes past a person who can be asked."""
    return confirm is Confirm.MODEL or (confirm is Confirm.AUTO and not request.can_ask)


def person_counts(confirm: Confirm, request: Request) -> bool:
    """Whether a person is asked: by the client, or by whoever runs mcp-ssh."""
    return confirm is Confirm.HUMAN or (confirm is not Confirm.NEVER and request.can_ask)


def answered(layer: Layer, host: Host, request: Request, consent: str | None) -> Layer:
    """A layer that asks, with the answer that there is. `consent`: the person who said yes to exactly this."""
    confirm = confirm_of(host, request.principal)
    if confirm is Confirm.NEVER:
        return replace(layer, effect=Effect.DENY, reason=f"{layer.reason}; nobody may confirm that on {host.name}")
    by = consent or ("model" if request.confirmed and flag_counts(confirm, request) else None)
    if by is None:
        return replace(layer, effect=Effect.CONFIRM)
    return replace(layer, effect=Effect.ALLOW, reason=f"confirmed by {by}: {layer.reason}", confirmed_by=by)
