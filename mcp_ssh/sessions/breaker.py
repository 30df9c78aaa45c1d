"""When a host that could not be reached is dialled again. No I/O, no clock: events and the time in, answers out.

The first try of anything is never held back, and a host that was reached has no past. After a failure the next try by
itself comes after a random part of 1, 2, 4 … 60 s: those who were refused together do not come back together. Until
then every call is told so at once. A host that refused our login counts how often, and may lock the account: from the
second refusal on there is a whole minute between two tries, then two minutes, up to fifteen. What a host key is wrong
about no further try mends; somebody must look, and say that it is to be tried. A host that asks for a person's
answer is not dialled to hear that again: the very error is told.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyChangedError,
    HostKeyUnknownError,
    McpSshError,
)
from mcp_ssh.model.host import Host
from mcp_ssh.model.loginerrors import NeedsLoginError
from mcp_ssh.model.nodeerrors import BackingOffError, NeedsSomebodyError

first_wait_s, longest_wait_s = 1.0, 60.0
patient_logins = 2
"""So many refused logins in a row, and tries by themselves come no more often than once a minute."""
login_wait_s, longest_login_wait_s = 60.0, 900.0
most_kept = 10_000
_needs_somebody = (HostKeyChangedError, HostKeyUnknownError, NeedsLoginError)

_counts = "mend the login first: the host counts refused ones, and may lock the account; ssh_connect tries it now"

Way = tuple[Host, str]
"""A host, and a word for the login that it is tried with."""


@dataclass(slots=True)
class Contact:
    """What came of trying a host. Times are those of the monotonic clock, in seconds.

    `failures` and `refusals` (of the login) count since it was reached last. `next_at`: from when on it is tried again
    by itself; None where only somebody's wish makes a try. `is_tried`: a try is under way.
    """

    failures: int = 0
    refusals: int = 0
    error: McpSshError | None = None
    failed_at: float | None = None
    reached_at: float | None = None
    next_at: float | None = None
    is_tried: bool = False


class Breaker:
    """What is known of every way that was tried; the one that was tried longest ago makes room."""

    def __init__(self, random: Callable[[], float]) -> None:
        """`random` gives numbers from 0 to 1."""
        self._random = random
        self._contacts: OrderedDict[Way, Contact] = OrderedDict()

    def refusal(self, way: Way, now: float) -> BackingOffError | NeedsLoginError | None:
        """Why the way is not tried now; None if it may be."""
        contact = self._contacts.get(way)
        if contact is None or contact.error is None:
            return None
        if isinstance(contact.error, NeedsLoginError) and not contact.is_tried:
            return NeedsLoginError(contact.error.message, hint=contact.error.hint)
        if contact.is_tried or contact.next_at is None or now < contact.next_at:
            return _told(way[0], contact, contact.error, now)
        return None

    def began(self, way: Way) -> None:
        """A try is under way."""
        contact = self._contacts.setdefault(way, Contact())
        contact.is_tried = True
        self._contacts.move_to_end(way)
        if len(self._contacts) > most_kept:
            self._contacts.popitem(last=False)

    def failed(self, way: Way, error: McpSshError, now: float) -> None:
        """The try failed. What was wrong before the host was dialled, such as a missing secret, says nothing of it."""
        contact = self._contacts.setdefault(way, Contact())
        contact.is_tried = False
        if not isinstance(error, ConnectionFailedError) or not error.dialled:
            return
        contact.failures += 1
        contact.refusals += isinstance(error, AuthenticationError)
        contact.error, contact.failed_at = error, now
        contact.next_at = None if isinstance(error, _needs_somebody) else now + self._wait_s(contact, error)

    def reached(self, way: Way, now: float) -> None:
        """The try succeeded: what was before counts no more."""
        self._contacts[way] = Contact(reached_at=now)
        self._contacts.move_to_end(way)

    def contact(self, host: Host) -> Contact | None:
        """What came of the latest try of the host, by whichever login; None if there was none."""
        return next((self._contacts[way] for way in reversed(self._contacts) if way[0] == host), None)

    def keep(self, hosts: Collection[Host]) -> None:
        """Only these hosts are configured now; one whose entry changed is another one, without a past."""
        kept = frozenset(hosts)
        for way in [way for way, contact in self._contacts.items() if way[0] not in kept and not contact.is_tried]:
            del self._contacts[way]

    def _wait_s(self, contact: Contact, error: McpSshError) -> float:
        if isinstance(error, AuthenticationError) and contact.refusals >= patient_logins:
            return min(longest_login_wait_s, login_wait_s * 2.0 ** min(contact.refusals - patient_logins, 10))
        return self._random() * min(longest_wait_s, first_wait_s * 2.0 ** min(contact.failures - 1, 10))


def _told(host: Host, contact: Contact, error: McpSshError, now: float) -> BackingOffError:
    last = f"{error.code}: {error.message}"
    if contact.is_tried:
        return BackingOffError(
            f"{host.name} is being tried again just now, after {last}; nothing was sent", hint="call again in a moment"
        )
    if contact.next_at is None:
        return NeedsSomebodyError(
            f"{host.name} is not tried again by itself after {last}; nothing was sent",
            hint=f"{error.hint}; then ssh_connect tries it",
        )
    return BackingOffError(
        f"{host.name} is not tried again yet, the next try is in {contact.next_at - now:.1f} s; the last one ended "
        f"with {last}; nothing was sent",
        hint=_counts if isinstance(error, AuthenticationError) else "call again then; ssh_connect tries it now",
    )
