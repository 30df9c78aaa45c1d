"""`python -m bench.growth`."""

from bench.alone import main
from bench.growth import rows

if __name__ == "__main__":  # a process of its own imports this as well
    main(rows)
