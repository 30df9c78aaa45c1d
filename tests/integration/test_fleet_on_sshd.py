"""One command on many hosts with real logins: those that are dead or slow cost their own time, and nobody else's."""

from pathlib import Path

import pytest

from bench.fleet import dead_count, measured, quick_hosts, slow_count
from mcp_ssh.model.state import State

pytestmark = pytest.mark.integration


async def test_hosts_that_are_dead_or_slow_delay_no_other(tmp_path: Path) -> None:
    figures = await measured(tmp_path / "lab", quick_hosts, connect_s=50, waits=False)
    rows = figures.fleet.rows
    assert (len(rows), figures.fleet.state, figures.decided) == (quick_hosts, State.COMPLETED, quick_hosts)
    good = {name: row.result.stdout.head for name, row in rows.items() if row.is_good and row.result}
    assert list(good.values()).count(b"up\n") == quick_hosts - dead_count - slow_count
    assert {name for name, text in good.items() if text == b"late\n"} == {f"slow{n}" for n in range(slow_count)}
    errors = {name: row.error.code for name, row in rows.items() if row.error}
    assert set(errors) == {f"dead{number}" for number in range(dead_count)}
    # Whoever answers did so while the dead were still waited for, though these stood before them.
    assert set(list(rows)[-dead_count:]) == set(errors)
