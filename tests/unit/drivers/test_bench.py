"""The quick mode of the benches: they run, and what is no matter of time holds."""

from bench.terminal import kept_bytes, measure


def test_the_memory_of_a_command_does_not_grow_with_its_output() -> None:
    figures = measure((2_000_000, 8_000_000), 1)
    assert figures["peak_bytes_large"] < figures["peak_bytes_small"] + kept_bytes // 4
    assert figures["peak_bytes_large"] < 4 * kept_bytes
