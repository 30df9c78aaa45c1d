"""Names to addresses: cached, bounded in time and number, so that a model cannot turn the daemon into a DNS flood."""

import asyncio
import ipaddress
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from mcp_ssh.model.errors import ResolveError
from mcp_ssh.ports import Clock

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

keep_s = 60.0
timeout_s = 5.0
look_ups_per_second = 10
cache_size = 1024


async def system_look_up(name: str, port: int) -> Sequence[str]:
    """Ask the system's resolver; the addresses in its order, each once."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [*dict.fromkeys(str(row[4][0]) for row in rows)]


def is_address(name: str) -> bool:
    """Whether the name is an IPv4 or IPv6 address, with or without a zone."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class CachingResolver:
    """A `Resolver` that keeps an answer for a minute and asks at most ten times a second for one name."""

    def __init__(self, clock: Clock, look_up: LookUp = system_look_up) -> None:
        self._clock = clock
        self._look_up = look_up
        self._answers: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._asked: dict[str, deque[float]] = {}

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        """All addresses of the name, in the order to try."""
        if is_address(name):
            return (name,)
        now = self._clock.now()
        answer = self._answers.get(name)
        if answer is not None and now - answer[0] < keep_s:
            return answer[1]
        self._count(name, now)
        addresses = tuple(await self._ask(name, port))
        if len(self._answers) >= cache_size:
            self._answers.clear()
        self._answers[name] = (now, addresses)
        return addresses

    def _count(self, name: str, now: float) -> None:
        if len(self._asked) >= cache_size:
            self._asked.clear()
        times = self._asked.setdefault(name, deque(maxlen=look_ups_per_second))
        if len(times) == look_ups_per_second and now - times[0] < 1.0:
            raise ResolveError(
                f"{name} was looked up {look_ups_per_second} times within a second", hint="try again later"
            )
        times.append(now)

    async def _ask(self, name: str, port: int) -> Sequence[str]:
        hint = "check `host:` in hosts.yaml and this machine's DNS"
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._look_up(name, port)
        except TimeoutError:
            raise ResolveError(f"no answer to the look-up of {name} within {timeout_s:.0f} s", hint=hint) from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ResolveError(f"{name} has no address ({reason})", hint=hint) from error
        if not addresses:
            raise ResolveError(f"{name} has no address", hint=hint)
        return addresses
