"""Whose secrets a call uses: the daemon's own, or those of the client that is attached, for as long as it is."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_bytes, token_hex

from mcp_ssh.config.secrets import EitherSecrets
from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.host import Host, agent_variable
from mcp_ssh.model.principal import Principal
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Secrets

most_known = 1_000
"""Secrets that are kept out of records; far more than anybody has."""


Fetch = Callable[[Sequence[str]], Awaitable[None]]
"""Looks up secrets of these names in advance."""


class Keyrings:
    """All sources of secrets, by the name that a principal carries. Remembers what was given out, to redact it."""

    def __init__(self, own: Secrets, fetch: Fetch | None = None) -> None:
        self._rings = {"": own}
        self._own = own
        self._fetch = fetch
        self._given: dict[str, None] = {}
        self._salt = token_bytes(16)

    @contextlib.contextmanager
    def attached(self, secrets: Secrets) -> Iterator[str]:
        """A keyring of this name for as long as its client is there. Afterwards it has nothing any more."""
        name = token_hex(8)
        self._rings[name] = EitherSecrets(secrets, self._own)
        try:
            yield name
        finally:
            del self._rings[name]

    async def fetch(self, principal: Principal, host: Host) -> None:
        """Look up what takes its time, so that `get` has it. Never raises: what is missing is told when it is used."""
        if self._fetch is None:
            return
        on_the_way = {name for hop in host.hops for name in hop.auth.variables}
        wanted = {*on_the_way, *host.auth.variables, host.enable_env, host.sudo_env} - {None, agent_variable}
        await self._fetch([name for name in sorted(filter(None, wanted)) if not self._text(principal, name)])

    def of(self, principal: Principal) -> Secrets:
        """What is asked for secrets on its behalf; when its client has left, each is missing."""
        return _Ring(self, principal.keyring)

    def login(self, principal: Principal, host: Host) -> str:
        """A word for how the principal logs in on the host: the same secrets, the same word. It tells nothing of them.

        Empty for the daemon's own keyring, which all share who are not attached.
        """
        if not principal.keyring:
            return ""
        word = hashlib.blake2b(key=self._salt, digest_size=16)
        for name in (*host.auth.variables, host.enable_env):
            word.update(f"{name}={self._text(principal, name)}\0".encode("utf-8", "surrogateescape"))
        return word.hexdigest()

    def known(self) -> tuple[str, ...]:
        """The texts that were given out so far."""
        return tuple(dict(self._given))  # copied in one step: the audit log asks from its own thread

    def get(self, keyring: str, name: str) -> Secret:
        """A secret of a keyring. Raises `SecretMissingError`."""
        ring = self._rings.get(keyring)
        if ring is None:
            raise SecretMissingError(
                f"the client that had {name} has left",
                hint="sessions that are open stay usable; attach again for new ones",
            )
        secret = ring.get(name)
        if len(self._given) < most_known and name != agent_variable:  # a socket's path is no secret
            self._given[secret.reveal()] = None
        return secret

    def _text(self, principal: Principal, name: str | None) -> str:
        try:
            return self.get(principal.keyring, name).reveal() if name is not None else ""
        except SecretMissingError:
            return ""


@dataclass(frozen=True, slots=True)
class _Ring:
    keyrings: Keyrings
    name: str

    def get(self, name: str) -> Secret:
        return self.keyrings.get(self.name, name)
