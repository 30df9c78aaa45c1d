"""`python -m bench.peers`."""

from bench.alone import main
from bench.peers import rows

main(rows)
