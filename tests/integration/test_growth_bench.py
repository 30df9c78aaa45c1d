"""The quick mode of the benches of growth: they run, and what does not hang on a clock is within its bound."""

import math

from bench.growth import rows


def test_growth_is_told_of_everything_and_memory_stays_flat() -> None:
    found = {row.what: row for row in rows(quick=True)}
    assert all(math.isfinite(row.figure) for row in found.values())
    for what in ("sessions opened, 20 sessions", "one command judged, 100 hosts", "audit log verified, 1,000 records"):
        assert found[f"growth: {what}"].figure > 0
    exponents = [what for what in found if what.endswith(", exponent")]
    assert len(exponents) == 12
    assert found["growth: memory at 4 MB of output above that at 1 MB"].is_met
