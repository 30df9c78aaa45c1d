"""Outputs that are kept whole for a while: of commands that still run, and of those too long for an answer."""
