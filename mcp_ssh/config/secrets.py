"""Secrets from environment variables, read when they are used."""

from collections.abc import Mapping

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.secret import Secret


class EnvSecrets:
    """Secrets of an environment; remembers which it gave out, so that they can be kept out of records."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._given: set[str] = set()

    def get(self, name: str) -> Secret:
        """The secret of that name. An empty variable counts as missing."""
        value = self._environ.get(name, "")
        if not value:
            raise SecretMissingError(
                f"the environment variable {name} is not set", hint=f"set it before mcp-ssh starts: export {name}=..."
            )
        self._given.add(name)
        return Secret(value)

    def known(self) -> tuple[str, ...]:
        """The texts that were given out so far."""
        given = tuple(self._given)  # copied in one step: the audit log asks from its own thread
        return tuple(self._environ[name] for name in given if self._environ.get(name))
