import copy
import pickle

import pytest

from mcp_ssh.model.secret import Secret


def test_a_secret_cannot_be_printed_by_accident() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s:>20} {[secret]} {vars(Secret)}"
    assert secret.reveal() == "hunter2"


def test_a_secret_does_not_leave_the_process() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        copy.copy(Secret("hunter2"))
