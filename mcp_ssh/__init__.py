"""A daemon that lets AI assistants work on real machines over SSH."""

__version__ = "0.1.0"
