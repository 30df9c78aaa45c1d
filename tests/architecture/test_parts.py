"""A missing real part is a skip on a laptop and a failure in CI."""

import pytest

from tests.support.parts import require


def test_a_missing_part_skips_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(
        pytest.skip.Exception, match="no-such-part is missing; install the real parts with: make test-setup"
    ):
        require("no-such-part")


def test_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-part is missing"):
        require("no-such-part")
