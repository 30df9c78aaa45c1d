"""A host that asks for more than a secret: an SSH server in this process that speaks keyboard-interactive."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

Prompts = Sequence[tuple[str, bool]]


@dataclass
class CodeHost:
    """Asks these rounds of prompts and takes these answers; keeps what it was given, and how often it was logged in to.

    With `key` a login needs that key first, then the answers (AuthenticationMethods publickey,keyboard-interactive), or
    the `password` if there is one.
    """

    rounds: Sequence[Prompts]
    takes: Sequence[Sequence[str]]
    heading: tuple[str, str] = ("", "")
    key: asyncssh.SSHKey | None = None
    password: str | None = None
    port: int = 0
    given: list[str] = field(default_factory=list)
    connections: int = 0
    connection: asyncssh.SSHServerConnection | None = None


class _Server(asyncssh.SSHServer):
    def __init__(self, host: CodeHost) -> None:
        self._host = host
        self._round = 0
        self._has_key = host.key is None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.connections += 1
        self._host.connection = conn
        succeed = conn.send_userauth_success

        async def succeeded() -> None:
            if self._has_key:
                await succeed()
            else:
                self._has_key = True
                conn.send_userauth_failure(partial_success=True)

        conn.send_userauth_success = succeeded  # type: ignore[method-assign]  # the library asks for one method alone

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return not self._has_key

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._host.key is not None and key.public_data == self._host.key.public_data

    def password_auth_supported(self) -> bool:
        return self._has_key and self._host.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        self._host.given.append(password)
        return password == self._host.password

    def kbdint_auth_supported(self) -> bool:
        return self._has_key and self._host.password is None

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> tuple[str, str, str, Prompts]:
        return (*self._host.heading, "", list(self._host.rounds[0]))

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool | tuple[str, str, str, Prompts]:
        self._host.given += responses
        if list(responses) != list(self._host.takes[self._round]):
            return False
        self._round += 1
        if self._round == len(self._host.rounds):
            return True
        return "", "", "", list(self._host.rounds[self._round])


async def _runs(process: "asyncssh.SSHServerProcess[str]") -> None:
    process.stdout.write("in\n")
    process.exit(0)


@asynccontextmanager
async def serving(host: CodeHost) -> AsyncIterator[CodeHost]:
    """The host on a loopback port."""
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Server(host),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        process_factory=_runs,
    )
    host.port = server.get_port()
    try:
        yield host
    finally:
        server.close()
        await server.wait_closed()
