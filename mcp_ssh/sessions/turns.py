"""Who waits for a session, and how the host is reached on their behalf."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Secrets
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Approach:
    """How to reach a host, as its latest caller has it; `before` is the approach to its jump host.

    `forced`: it is dialled although that failed a moment ago.
    """

    addresses: Sequence[str]
    secrets: Secrets
    before: "Approach | None" = None
    forced: bool = False


def approach_of(
    addresses: Sequence[str], secrets: Secrets, hops: Sequence[Sequence[str]], *, forced: bool = False
) -> Approach:
    """The approach to a host with those on the way before it; the first of `hops` is dialled first."""
    before = approach_of(hops[-1], secrets, hops[:-1], forced=forced) if hops else None
    return Approach(addresses, secrets, before, forced)


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody who waits for a session: for a command, or to be carried by it."""

    granted: asyncio.Future[Session]
    carries: bool


@dataclass(frozen=True, slots=True)
class LatestSecrets:
    """The `Secrets` of whoever was lent the seat last: who opened it may be gone."""

    approaches: Mapping[Seat, Approach]
    seat: Seat

    def get(self, name: str) -> Secret:
        """As they do."""
        approach = self.approaches.get(self.seat)
        if approach is None:
            raise SecretMissingError(f"nobody who has {name} is there any more")
        return approach.secrets.get(name)
