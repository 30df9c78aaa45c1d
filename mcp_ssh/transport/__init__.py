"""Carries bytes to hosts. The only package that knows asyncssh; its exceptions are translated here and nowhere else."""
