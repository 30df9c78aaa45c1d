"""Real parts: there, or the test says how to get them."""

import os
import shutil

import pytest


def require(program: str) -> str:
    """The path of a real part. Without it a test skips with the line that installs it; in CI it fails."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        message = f"{program} is missing; install the real parts with: make test-setup"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found
