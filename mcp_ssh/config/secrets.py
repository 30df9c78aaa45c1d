"""Secrets by name, from where they are kept; looked up when they are used.

The order: the variable, the variable with our prefix, a file of `MCP_SSH_SECRETS_DIR` or `settings.secrets_dir`, its
`.env`, a credential of systemd, and what `settings.secret_command` says.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from mcp_ssh.config.secretcommand import SecretCommand
from mcp_ssh.config.secretfolder import SecretFolder
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.config.tokens import digest
from mcp_ssh.model.errors import SecretMissingError, SecretUnavailableError
from mcp_ssh.model.host import agent_variable
from mcp_ssh.model.nodes import bootstrap_prefix
from mcp_ssh.model.secret import Secret
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Secrets

prefix = "MCP_SSH_SECRET_"
folder_variable = "MCP_SSH_SECRETS_DIR"
credentials_variable = "CREDENTIALS_DIRECTORY"
"""Where systemd puts those of a unit (systemd.exec(5), LoadCredential=)."""


def secret_names(snapshot: Snapshot, environ: Mapping[str, str]) -> set[str]:
    """The variables that hold a secret, as far as anybody says so."""
    own = {name for name in environ if name.startswith((prefix, bootstrap_prefix))} | {"MCP_AUTH_TOKEN", "MCP_TOKEN"}
    hosts = snapshot.inventory.hosts.values()
    named = {name for host in hosts for name in (*host.auth.variables, host.enable_env, host.sudo_env)}
    named |= {snapshot.settings.audit.key_env}
    digests = {token.sha256 for token in snapshot.tokens}
    tokens = {name for name, value in environ.items() if digest(value) in digests}
    return own | tokens | ({name for name in named if name is not None} - {agent_variable})


class EnvSecrets:
    """Secrets of an environment: of the variables themselves, and of the folders that they name.

    `folder`: where files are looked for unless the environment names a folder.
    """

    def __init__(self, environ: Mapping[str, str], folder: Callable[[], str | None] = lambda: None) -> None:
        self._environ = environ
        self._else = folder

    def get(self, name: str) -> Secret:
        """The secret of that name. An empty one counts as missing."""
        value = self.find(name)
        if not value:
            folder = self._folder()
            where = f" and {folder} has no such file" if folder else ""
            raise SecretMissingError(
                f"the environment variable {name} is not set{where}",
                hint=f"set it before mcp-ssh starts: export {name}=...",
            )
        return Secret(value)

    def find(self, name: str) -> str | None:
        """Its text, empty or None if it is nowhere. Raises `SecretUnavailableError` for a file that is not right."""
        folder, credentials = self._folder(), self._environ.get(credentials_variable)
        return (
            self._environ.get(name)
            or self._environ.get(prefix + name)
            or (SecretFolder(Path(folder).expanduser(), has_dotenv=True).find(name) if folder else None)
            or (SecretFolder(Path(credentials)).find(name) if credentials else None)
        )

    def _folder(self) -> str | None:
        return self._environ.get(folder_variable) or self._else()


class DaemonSecrets:
    """The daemon's own: those of its environment, and where the settings say that others are.

    `ours`: names of variables that hold secrets of ours, which `secret_command` does not inherit.
    """

    def __init__(
        self, environ: Mapping[str, str], settings: Callable[[], Settings], ours: Callable[[], Collection[str]] = tuple
    ) -> None:
        self._own = EnvSecrets(environ, lambda: settings().secrets_dir)
        self._settings = settings
        self._ours = ours
        self._command = SecretCommand(environ)
        self._asked_under: Settings | None = None

    def get(self, name: str) -> Secret:
        """The secret of that name. What `secret_command` says is known only after `fetch`."""
        value = self._own.find(name) or self._command.find(name)
        return Secret(value) if value else self._own.get(name)

    async def fetch(self, names: Collection[str]) -> None:
        """Ask the command for those that are nowhere else. Never raises: `get` tells what is missing, and why."""
        settings = self._settings()
        if settings is not self._asked_under:  # the configuration was read again
            self._command.forget()
            self._asked_under = settings
        for name in self._missing(names) if settings.secret_command else ():
            await self._command.ask(settings.secret_command, name, self._ours())
            if self._settings() is not settings:  # read again meanwhile: that answer does not count any more
                await self.fetch(names)
                return

    def _missing(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            try:
                if not self._own.find(name):
                    yield name
            except SecretMissingError:
                continue


class EitherSecrets:
    """Those of a client that is attached, before those of the daemon, which belongs to the same user."""

    def __init__(self, first: Secrets, second: Secrets) -> None:
        self._both = first, second

    def get(self, name: str) -> Secret:
        """The secret of that name. The first one tells how to set it; one that is there and not right is told."""
        first, second = self._both
        try:
            return first.get(name)
        except SecretUnavailableError:
            raise
        except SecretMissingError as missing:
            try:
                return second.get(name)
            except SecretUnavailableError:
                raise
            except SecretMissingError:
                raise missing from None
