"""Secrets for tests."""

from collections.abc import Mapping

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.secret import Secret


class NoSecrets:
    """Has none."""

    def get(self, name: str) -> Secret:
        raise SecretMissingError(f"{name} is not set")


class SomeSecrets:
    """Has these."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> Secret:
        if name not in self._values:
            raise SecretMissingError(f"{name} is not set")
        return Secret(self._values[name])
