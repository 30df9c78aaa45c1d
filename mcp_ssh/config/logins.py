"""Who logs in and how: from the host's own entry, shared credentials and the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_ssh.config.check import Checker
from mcp_ssh.config.hostentry import AuthEntry, CredentialEntry, DefaultsEntry
from mcp_ssh.config.lines import Path
from mcp_ssh.config.paths import Paths
from mcp_ssh.model.host import Auth, AuthMethod


@dataclass(frozen=True, slots=True)
class Logins:
    """Resolves the login of each host; faults go to the checker. `identity` is where the key of mcp-ssh itself lies."""

    checker: Checker
    defaults: DefaultsEntry
    credentials: Mapping[str, CredentialEntry | None]
    paths: Paths
    keys_dir: str | None
    identity: str = ""

    def of(self, entry: DefaultsEntry, path: Path) -> tuple[str, Auth] | None:
        """User and auth of a host; None where that has faults."""
        if entry.credentials is not None and entry.auth is not None:
            self.checker.add((*path, "credentials"), "stands beside auth; a host has one login, give one of them")
            return None
        if entry.credentials is None and entry.auth is None:
            return self._of_defaults(entry, path)
        if entry.credentials is not None:
            return self._shared(entry.credentials, entry, (*path, "credentials"))
        return self._own(entry.user or self.defaults.user, entry.auth, path)

    def _of_defaults(self, entry: DefaultsEntry, path: Path) -> tuple[str, Auth] | None:
        if self.defaults.credentials is not None:
            return self._shared(self.defaults.credentials, entry, ("defaults", "credentials"))
        if self.defaults.auth is None:
            self.checker.add((*path, "auth"), "is required, or the name of shared `credentials`")
            return None
        return self._own(entry.user or self.defaults.user, self.defaults.auth, path, ("defaults", "auth"))

    def _shared(self, name: str, entry: DefaultsEntry, path: Path) -> tuple[str, Auth] | None:
        if name not in self.credentials:
            known = ", ".join(self.credentials) or "none"
            self.checker.add(path, f"there are no credentials {name!r}; defined: {known}")
            return None
        shared = self.credentials[name]
        if shared is None:
            return None  # its own faults are told where it stands
        auth = self._auth(shared.auth, ("credentials", name, "auth"))
        return None if auth is None else (entry.user or shared.user, auth)

    def _own(
        self, user: str | None, entry: AuthEntry | None, path: Path, where: Path | None = None
    ) -> tuple[str, Auth] | None:
        if user is None:
            self.checker.add((*path, "user"), "is required: the login name on the host")
        auth = self._auth(entry, where or (*path, "auth")) if entry else None
        return None if user is None or auth is None else (user, auth)

    def _auth(self, entry: AuthEntry, path: Path) -> Auth | None:
        key_path = self._key_path(entry.key_path, path)
        if entry.key_path is not None and key_path is None:
            return None
        if entry.method == AuthMethod.GATEWAY.value:
            return Auth(AuthMethod.GATEWAY, self.identity)
        return Auth(AuthMethod(entry.method), key_path, entry.passphrase_env, entry.password_env)

    def _key_path(self, text: str | None, path: Path) -> str | None:
        if text is None:
            return None
        return self.file((*path, "key_path"), text)

    def file(self, path: Path, text: str) -> str | None:
        """The absolute path of a key's file; None for one that has a fault."""
        found = self.paths.key(text, self.keys_dir)
        if found is None:
            self.checker.add(path, "leads out of keys_dir; a relative key path must stay in it")
        return found
