import pytest

from bench.rounds import Plan, UnequalError, interleaved, order, rotated


class Fake:
    """Says what it is told to say, and notes in a common list that it was asked."""

    def __init__(self, name: str, asked: list[str], output: bytes = b"hi\n") -> None:
        self.name, self.asked, self.output = name, asked, output

    async def open(self) -> None:
        """Nothing to open."""

    async def run(self, command: str) -> bytes:
        self.asked.append(self.name)
        return self.output

    async def close(self) -> None:
        """Nothing to close."""


def test_the_order_moves_on_by_one_in_each_round() -> None:
    assert [order("abc", number) for number in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


async def test_every_way_is_asked_in_every_round_after_one_that_does_not_count() -> None:
    asked = list[str]()
    found = await interleaved({name: Fake(name, asked) for name in "ab"}, "echo hi", b"hi\n", Plan(2, 2))
    assert "".join(asked) == "aabb" + "aabb" + "bbaa"
    assert {name: len(times) for name, times in found.items()} == {"a": 2, "b": 2}


async def test_a_way_that_gives_another_output_ends_the_bench() -> None:
    ways = {"right": Fake("right", []), "wrong": Fake("wrong", [], b"ho\n")}
    with pytest.raises(UnequalError, match="ho"):
        await interleaved(ways, "echo hi", b"hi\n", Plan(1, 1))


async def test_figures_stand_in_the_order_of_the_rounds_whatever_the_order_of_the_ways() -> None:
    counts = {"a": iter((1.0, 2.0, 3.0)), "b": iter((4.0, 5.0, 6.0))}

    async def next_of(name: str) -> float:
        return next(counts[name])

    found = await rotated({"a": lambda: next_of("a"), "b": lambda: next_of("b")}, 3)
    assert found == {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}
