import socket
from collections.abc import Sequence

import pytest

from mcp_ssh.model.errors import ResolveError
from mcp_ssh.transport.resolve import CachingResolver, is_address
from tests.support.clock import FakeClock


class Answers:
    """A resolver's answers, and how often it was asked."""

    def __init__(self, *addresses: str, error: OSError | None = None) -> None:
        self.addresses = addresses
        self.error = error
        self.asked = 0

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.addresses


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_addresses_are_known_as_such(text: str) -> None:
    assert is_address(text)


async def test_an_address_is_never_looked_up() -> None:
    answers = Answers("203.0.113.9")
    assert await CachingResolver(FakeClock(), answers).resolve("192.0.2.1", 22) == ("192.0.2.1",)
    assert answers.asked == 0


async def test_an_answer_is_kept_for_a_minute() -> None:
    clock, answers = FakeClock(), Answers("192.0.2.1")
    resolver = CachingResolver(clock, answers)
    await resolver.resolve("web.example", 22)
    await clock.advance(59)
    await resolver.resolve("web.example", 22)
    assert answers.asked == 1
    await clock.advance(2)
    await resolver.resolve("web.example", 22)
    assert answers.asked == 2


async def test_a_name_without_an_address_is_a_clear_error_and_is_asked_again_later() -> None:
    answers = Answers(error=socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    with pytest.raises(ResolveError, match=r"nowhere\.example has no address"):
        await CachingResolver(FakeClock(), answers).resolve("nowhere.example", 22)
    with pytest.raises(ResolveError):
        await CachingResolver(FakeClock(), Answers()).resolve("nowhere.example", 22)


async def test_one_name_is_looked_up_ten_times_a_second_at_most() -> None:
    clock, answers = FakeClock(), Answers(error=socket.gaierror(socket.EAI_AGAIN, "try again"))
    resolver = CachingResolver(clock, answers)
    for _ in range(30):
        with pytest.raises(ResolveError):
            await resolver.resolve("flood.example", 22)
    assert answers.asked == 10
    await clock.advance(1)
    with pytest.raises(ResolveError):
        await resolver.resolve("flood.example", 22)
    assert answers.asked == 11
