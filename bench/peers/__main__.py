"""`python -m bench.peers`."""

from bench.alone import main
from bench.peers import rows

if __name__ == "__main__":
    main(rows)
