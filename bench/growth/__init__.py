"""What grows with use, and how: sessions, output, the audit log, the inventory, in decades of size.

Each is told as what one unit costs at each size, and as the power of the size that the whole cost grows with; more than
linear is a fault. `python -m bench.growth` takes some minutes, `--quick` some seconds with little of everything.
"""

from collections.abc import Iterator

from bench.growth import auditlog, inventory, output, sessions
from bench.growth.fit import Growth, rows_of
from bench.growth.fresh import fresh
from bench.rows import Row


def rows(*, quick: bool) -> list[Row]:
    """All tables, one after the other."""
    return [*_rows(quick=quick)]


def _rows(*, quick: bool) -> Iterator[Row]:
    yield from _told(fresh(sessions.measured, sessions.quick_sizes if quick else sessions.usual_sizes))
    growths, rows_beside = fresh(output.measured, output.quick_sizes if quick else output.usual_sizes)
    yield from (*_told(growths), *rows_beside)
    yield from _told(auditlog.measured(auditlog.quick_sizes if quick else auditlog.usual_sizes))
    yield from _told(inventory.measured(inventory.quick_sizes if quick else inventory.usual_sizes))


def _told(growths: list[Growth]) -> Iterator[Row]:
    for growth in growths:
        yield from rows_of(growth)
