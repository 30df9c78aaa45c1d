"""Which addresses may be dialled."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.host import Host, Way
from mcp_ssh.model.policy import NetworkPolicy

_metadata = tuple(
    ip_network(each) for each in ("169.254.169.254/32", "169.254.170.2/32", "fd00:ec2::254/128", "100.100.100.200/32")
)
"""Where clouds give out secrets to whoever asks (AWS, ECS, Azure, GCP; Alibaba)."""


needs_list = "may be dialled only where `policy.network.allow_cidrs` lists its network, and there is no such list"


def network(host: Host, addresses: Sequence[str], policy: NetworkPolicy) -> Layer:
    """Every address that may be dialled must be allowed: which of them answers is not ours to say."""
    if host.is_added and not policy.allow:
        return _denied("network.no_list", f"{host.name} is an added host, which {needs_list}")
    if host.name in policy.exempt and not host.is_added:
        return Layer("network", Effect.ALLOW, "exempt", f"{host.name} is exempt from the network lists")
    if not addresses and host.way in {Way.OPENSSH, Way.COMMAND} and (policy.allow or policy.block):
        return _denied("network.unknown", f"only the program that dials {host.name} knows where that is")
    refused = next((layer for text in addresses if (layer := _refused(text, policy)) is not None), None)
    if refused is not None:
        return refused
    rule = "network.allowed" if policy.allow else "network.open"
    return Layer("network", Effect.ALLOW, rule, "its addresses may be dialled")


def jumps(host: Host, hops: Sequence[Sequence[str]], policy: NetworkPolicy) -> Iterator[Layer]:
    """Each host on the way, by the same lists: none is dialled before all of them may be."""
    for hop, addresses in zip(host.hops, hops or [()] * len(host.hops), strict=True):
        layer = network(hop, addresses, policy)
        yield replace(layer, name="jump", reason=f"jump host {hop.name} ({', '.join(addresses)}): {layer.reason}")


def _refused(text: str, policy: NetworkPolicy) -> Layer | None:
    """What is said of an address that may not be dialled."""
    address = plain(text)
    if address is None:
        return _denied("network.unreadable", f"{text} is no IP address")
    blocked = next((each for each in (*policy.block, *_metadata) if address in each), None)
    if blocked is not None:
        return _denied("network.blocked", f"{text} lies in {blocked}, which is blocked")
    if policy.allow and not any(address in each for each in policy.allow):
        return _denied("network.not_allowed", f"{text} lies in none of the allowed networks")
    return None


def plain(text: str) -> IPv4Address | IPv6Address | None:
    """An address without a zone; an IPv4 address that is written as one of IPv6 is that IPv4 address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _denied(rule: str, reason: str) -> Layer:
    return Layer("network", Effect.DENY, rule, f"{reason}; nothing was sent there")
