import errno
import os

import asyncssh
import pytest

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.transport import failure
from tests.support.hosts import host


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (asyncssh.PermissionDenied("Permission denied"), "auth_failed", "did not accept the key login of user 'admin'"),
        (asyncssh.KeyExchangeFailed("No matching kex"), "handshake_failed", "No matching kex"),
        (asyncssh.ConnectionLost("Connection lost"), "connect_failed", "closed the connection before the login"),
        (asyncssh.ProtocolError("Invalid version"), "handshake_failed", "does not speak SSH"),
        (OSError(errno.ECONNREFUSED, "refused"), "connect_failed", "refused the connection"),
        (OSError(errno.EHOSTUNREACH, "unreachable"), "connect_failed", "is unreachable"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "connect_failed", "Too many open files"),
    ],
)
def test_each_error_on_the_way_in_has_a_code_a_fact_and_says_that_nothing_was_sent(
    error: Exception, code: str, words: str
) -> None:
    translated = failure.while_connecting(error, host(), "192.0.2.1:22")
    assert translated.code == code
    assert words in translated.message
    assert "web" in translated.message
    assert not translated.sent


def test_a_silent_link_is_told_from_a_broken_one() -> None:
    silent = failure.while_open(asyncssh.ConnectionLost("Server not responding to keepalive messages"))
    assert silent.code == "link_silent"
    assert failure.while_open(asyncssh.ConnectionLost("reset")).code == "session_lost"
    assert failure.while_open(None).message == "the connection was lost (the host closed it)"


def test_an_error_text_is_one_bounded_line() -> None:
    translated: McpSshError = failure.while_connecting(asyncssh.KeyExchangeFailed("a\n" * 900), host(), "x:22")
    assert "\n" not in translated.message
    assert len(translated.message) < 400
