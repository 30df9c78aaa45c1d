"""POSIX command lines: read whole, and judged program by program."""
