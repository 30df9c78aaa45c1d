"""How often strangers may knock, and how often that is put on record: figures in, decisions out, bounded."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

window_s = 60.0
most_failures = 120
"""Failed logins of one address within the window; a site of many devices behind one address has room for its errors."""
most_addresses = 4_096
record_every_s = 1.0
most_kinds = 1_000


def origin(address: str) -> str:
    """Whom a failure is counted for: the address, and of IPv6 the network of a site (RFC 6177), which one has whole."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> 64 << 64))
    return address


class Failures:
    """Logins that failed, by address, within the last minute. The address that was quiet for longest is forgotten."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def failed(self, address: str, now: float) -> None:
        """A login from there did not succeed."""
        name = origin(address)
        self._times.setdefault(name, deque(maxlen=most_failures)).append(now)
        self._times.move_to_end(name)
        if len(self._times) > most_addresses:
            self._times.popitem(last=False)

    def admits(self, address: str, now: float) -> bool:
        """Whether one more may be tried from there."""
        times = self._times.get(origin(address))
        return times is None or len(times) < most_failures or now - times[0] >= window_s


@dataclass(slots=True)
class _Count:
    told_at: float
    untold: int = 0


class Tally:
    """How many of a kind happened since the last that was told: a flood must not fill a disk."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Hashable, _Count] = OrderedDict()

    def count(self, kind: Hashable, now: float) -> int:
        """One more of a kind: how many to tell of now; none if one was told within the last second."""
        found = self._counts.setdefault(kind, _Count(now - record_every_s))
        found.untold += 1
        self._counts.move_to_end(kind)
        if len(self._counts) > most_kinds:
            self._counts.popitem(last=False)
        if now - found.told_at < record_every_s:
            return 0
        told, found.untold, found.told_at = found.untold, 0, now
        return told
