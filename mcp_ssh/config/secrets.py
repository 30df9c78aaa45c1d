"""Secrets by name: an environment variable, one with our prefix, or a file. Read when they are used."""

from collections.abc import Mapping
from pathlib import Path

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.secret import Secret

prefix = "MCP_SSH_SECRET_"
folder_variable = "MCP_SSH_SECRETS_DIR"
max_file_bytes = 65_536


class EnvSecrets:
    """Secrets of an environment.

    A name is looked for as the variable, as the variable with our prefix, and as a file of that name in
    `MCP_SSH_SECRETS_DIR` (as container engines mount them; one line end at its end is not part of the secret).
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def get(self, name: str) -> Secret:
        """The secret of that name. An empty one counts as missing."""
        value = self._environ.get(name) or self._environ.get(prefix + name) or self._of_file(name)
        if not value:
            folder = self._environ.get(folder_variable)
            where = f" and {folder} has no such file" if folder else ""
            raise SecretMissingError(
                f"the environment variable {name} is not set{where}",
                hint=f"set it before mcp-ssh starts: export {name}=...",
            )
        return Secret(value)

    def _of_file(self, name: str) -> str:
        folder = self._environ.get(folder_variable)
        if not folder or "/" in name:
            return ""
        try:
            raw = (Path(folder).expanduser() / name).read_bytes()
        except OSError:
            return ""
        if len(raw) > max_file_bytes:
            raise SecretMissingError(f"the file of the secret {name} has more than {max_file_bytes} bytes")
        return raw.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
