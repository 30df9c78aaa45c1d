"""Configurations of other programs, as hosts.yaml: what was taken, what became something else, and what was left."""
