"""The system's ssh client: its arguments, what its log says, and the login by its own prompts (pexpect)."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect

from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConnectTimeoutError,
    HandshakeError,
    HostKeyChangedError,
    HostKeyUnknownError,
    McpSshError,
)
from mcp_ssh.model.host import AuthMethod, Host, HostKeyChecking
from mcp_ssh.model.question import Prompt, Question, most_heading_chars, most_prompt_chars, most_prompts
from mcp_ssh.model.result import HostKey
from mcp_ssh.model.secret import Secret
from mcp_ssh.transport import legacy
from mcp_ssh.transport.hostkeys import entry_name, known_as
from mcp_ssh.transport.identity import key_files
from mcp_ssh.transport.questions import needs_login

look_s = 0.03
_checking = {HostKeyChecking.STRICT: "yes", HostKeyChecking.ACCEPT_NEW: "accept-new", HostKeyChecking.OFF: "no"}
_methods = {
    AuthMethod.KEY: "publickey",
    AuthMethod.GATEWAY: "publickey",
    AuthMethod.AGENT: "gssapi-with-mic,publickey",
    AuthMethod.PASSWORD: "password,keyboard-interactive",
    AuthMethod.KEYBOARD_INTERACTIVE: "keyboard-interactive",
    AuthMethod.CERTIFICATE: "publickey",
    AuthMethod.SSH_CONFIG: "gssapi-with-mic,publickey",
}
_legacy = {
    "KexAlgorithms": legacy.kex,
    "HostKeyAlgorithms": legacy.signatures,
    "PubkeyAcceptedAlgorithms": legacy.signatures,
    "Ciphers": legacy.ciphers,
    "MACs": legacy.macs,
    "RequiredRSASize": "1024",
}
_key = re.compile(r"Server host key: (\S+) (SHA256:\S+)")
_software = re.compile(r"Remote protocol version \S+, remote software version (.+)")
_asks_more = re.compile(rb"(?i)\([^()\r\n]+@[^()\r\n]+\) (?![^\r\n]*pass(word|phrase))[^\r\n]*: ?\Z")
"""A prompt of keyboard-interactive, which ssh puts behind user and host (OpenSSH 8.4 and later)."""

_asks = re.compile(rb"(?i)(password|passphrase)[^\r\n]*: ?\Z")
_failures: tuple[tuple[str, type[McpSshError], str], ...] = (
    (
        r"IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed|REVOKED",
        HostKeyChangedError,
        "find out why; only if the host was reinstalled, remove the old key",
    ),
    (
        r"No .* host key is known|Host key verification failed",
        HostKeyUnknownError,
        "compare the fingerprint with the host's own, and add it",
    ),
    (
        r"Permission denied|Too many authentication failures",
        AuthenticationError,
        "check the login; `ssh -v` by hand tells more",
    ),
    (
        r"no matching .* found|Unable to negotiate|Invalid key length|incorrect signature|Bad server host key",
        HandshakeError,
        "if the host speaks only old algorithms, write `legacy_crypto: true` under it",
    ),
    (r"timed out", ConnectTimeoutError, "check `host`, `port` and firewalls"),
)


def options(host: Host, address: str | None, known_hosts: Sequence[str], keepalive_s: float) -> list[str]:
    """The arguments of every ssh to this host. The user's own configuration is read: that is what it is for.

    With an `address` exactly that one is dialled, whatever the configuration says.
    """
    values = {
        "StrictHostKeyChecking": _checking[host.host_key_checking],
        "UserKnownHostsFile": " ".join(f'"{path}"' for path in known_hosts),
        "HostKeyAlias": entry_name(*known_as(host)),
        "UpdateHostKeys": "no",
        "PreferredAuthentications": _methods[host.auth.method],
        "NumberOfPasswordPrompts": "1",
        "ServerAliveInterval": f"{max(1, round(keepalive_s))}",
        "ServerAliveCountMax": "2",
        "PermitLocalCommand": "no",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "IgnoreUnknown": "RequiredRSASize,PubkeyAcceptedAlgorithms",
    }
    if address is not None:
        values["HostName"] = address
    if host.auth.key_path is not None:
        values["IdentitiesOnly"] = "yes"
    if host.auth.certificate_path is not None:
        values["CertificateFile"] = f'"{host.auth.certificate_path}"'
    if host.legacy_crypto:
        values |= _legacy
    words = [word for name, value in values.items() for word in ("-o", f"{name}={value}")]
    words += [word for path in key_files(host.auth) for word in ("-o", f'IdentityFile="{path}"')]
    return [*words, "-e", "none", "-p", str(host.port), "-l", host.user]


def name_of(host: Host) -> str:
    """What ssh is told to reach: the name in its configuration, or the address."""
    return host.ssh.name or host.address


@dataclass(frozen=True, slots=True)
class Seen:
    """What the log of a connection tells: who is there, and by which key."""

    version: str = ""
    host_key: HostKey | None = None


def seen_in(log: str) -> Seen:
    """What the log says so far."""
    key, software = _key.search(log), _software.search(log)
    pinned = "Permanently added" in log
    shown = HostKey(key[1], key[2], newly_pinned=pinned) if key else None
    return Seen(f"SSH-2.0-{software[1].strip()}" if software else "", shown)


def failure_in(log: str, host: Host, where: str) -> McpSshError:
    """Why a login failed, by the log's own words."""
    lines = [line for line in log.splitlines() if line and not line.startswith(("debug", "OpenSSH_"))]
    told = lines[-1][:300].rstrip(".") if lines else "it said nothing"
    for pattern, kind, hint in _failures:
        if re.search(pattern, "\n".join(lines)):
            return kind(f"{host.name} ({where}): {told}", hint=hint)
    return ConnectionFailedError(
        f"{host.name} ({where}): {told}", hint="check `host`, `port` and the proxy of its ssh configuration"
    )


@dataclass(slots=True)
class Master:
    """A master connection that is logging in, or stands. Used in a thread."""

    command: Sequence[str]
    control: Path
    log: Path
    host: Host
    where: str
    secret: Secret | None
    stop: threading.Event
    ask: Callable[[Question], Secret] | None = None
    child: "pexpect.spawn[bytes] | None" = None

    def log_in(self, environ: Mapping[str, str], seconds: float) -> Seen:
        """Start it and answer what it asks. Raises an error of the connection."""
        child = self.child = pexpect.spawn(
            self.command[0], [*self.command[1:]], timeout=look_s, env=dict(environ), dimensions=(24, 200)
        )
        child.delaybeforesend = None
        until, told, rounds = time.monotonic() + seconds, False, 0
        while not self.control.exists():
            if self.stop.is_set() or time.monotonic() > until:
                raise self._late(seconds)
            match child.expect([_asks, _asks_more, pexpect.EOF, pexpect.TIMEOUT]):
                case 0:
                    if child.getecho():  # ssh hides what is typed for a secret; the host chose to have it shown
                        raise self._unanswered("shows what is typed as its answer")
                    child.sendline(self._secret_for(told))
                    told = True
                case 1:
                    began, rounds = time.monotonic(), rounds + 1
                    child.sendline(self._by_person(child, rounds))
                    until += time.monotonic() - began  # a person's time is none of the connect timeout
                case 2:
                    raise failure_in(self._log(), self.host, self.where)
                case _:
                    continue
        self._check_pin()
        return seen_in(self._log())

    def _by_person(self, child: "pexpect.spawn[bytes]", rounds: int) -> str:
        """The answer to a prompt that comes from the host, by its person; ssh asks one after the other."""
        if self.ask is None or rounds > most_prompts:
            raise needs_login(self.host)
        self._check_pin()
        shown = child.after if isinstance(child.after, bytes) else b""
        words = re.sub(r"^\([^()]*\) ", "", shown.decode("utf-8", "replace"))
        heading = (child.before or b"").decode("utf-8", "replace").strip()
        prompt = Prompt(words[:most_prompt_chars], is_hidden=not child.getecho())
        return self.ask(Question((prompt,), heading[-most_heading_chars:])).reveal()

    def _secret_for(self, told: bool) -> str:
        if self.secret is None or told:
            raise self._unanswered("asks for a secret that is not known")
        self._check_pin()
        return self.secret.reveal()

    def _unanswered(self, why: str) -> McpSshError:
        return AuthenticationError(f"{self.host.name} ({self.where}) {why}", hint="check `auth` under this host")

    def _log(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def _check_pin(self) -> None:
        """A pinned key is compared before any secret leaves."""
        pinned, shown = self.host.host_key, seen_in(self._log()).host_key
        if pinned is not None and (shown is None or shown.fingerprint != pinned):
            raise HostKeyChangedError(
                f"{self.host.name} showed the key {shown.fingerprint if shown else 'of nobody'}, pinned is {pinned}",
                hint="find out why; only if the host was reinstalled, write its new fingerprint as `host_key`",
            )

    def _late(self, seconds: float) -> McpSshError:
        shown = (self.child.buffer if self.child is not None else b"").decode("utf-8", "replace").strip()
        asks = f"; it shows {shown[-200:]!r}" if shown else ""
        return ConnectTimeoutError(
            f"{self.host.name} ({self.where}) did not let us in within {seconds:g} s{asks}",
            hint="check `host`, `port` and firewalls",
        )

    def end(self) -> None:
        """End it, and what hangs on it."""
        self.stop.set()
        if self.child is not None:
            if not self.control.exists():  # at a question, the end of its terminal would be an empty answer to the host
                self.child.kill(signal.SIGKILL)
            self.child.close(force=True)
        for path in (self.control, self.log):
            path.unlink(missing_ok=True)

    def is_alive(self) -> bool:
        """Whether the connection stands."""
        return self.child is not None and self.child.isalive() and os.path.exists(self.control)  # noqa: PTH110  a socket
