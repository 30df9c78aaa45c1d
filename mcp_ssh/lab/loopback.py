"""What embedded hosts have in common: an SSH server on 127.0.0.1 that takes one key, made for this run."""

from collections.abc import Callable
from pathlib import Path

import asyncssh


class OneKey(asyncssh.SSHServer):
    """One connection: any user, one key."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def begin_auth(self, username: str) -> bool:
        """A login is needed."""
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        """By key."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """By the one key."""
        del username
        return key == self._key


class Loopback:
    """The server with its keys; `folder` gets the client's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: asyncssh.SSHAcceptor | None = None
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key_path = folder / "client_key"

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None  # noqa: S101  it is asked inside the context
        return int(self._server.get_port())

    @property
    def host_key_fingerprint(self) -> str:
        """SHA-256 of its key, as OpenSSH prints it."""
        return str(self._host_key.get_fingerprint("sha256"))

    async def _listen(self, gate: Callable[[asyncssh.SSHKey], asyncssh.SSHServer]) -> None:
        """Take connections; `gate` makes what guards each, from the key that it lets in."""
        self._folder.mkdir(parents=True, exist_ok=True)
        client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key_path.touch(mode=0o600)
        client_key.write_private_key(self.client_key_path)
        self._server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: gate(client_key.convert_to_public()),
            server_host_keys=[self._host_key],
            encoding=None,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            gss_host=None,
        )

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
