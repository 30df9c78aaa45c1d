"""`python -m bench.growth`."""

from bench.alone import main
from bench.growth import rows

main(rows)
