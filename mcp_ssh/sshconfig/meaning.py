"""What an entry means for us: where, as whom and by which keys, how, and what of it is not done.

Tokens are those of ssh_config(5), TOKENS; times those of sshd_config(5), TIME FORMATS.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_ssh.model.sshoptions import Identities, SshOptions
from mcp_ssh.sshconfig.keywords import Fate, fates, is_off
from mcp_ssh.sshconfig.lines import Line
from mcp_ssh.sshconfig.reader import Entry, Local, Note, hostname_of

usual_keys = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")
_times = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_methods = ("publickey", "password", "keyboard-interactive")
_algorithms = {
    "kexalgorithms": "kex",
    "ciphers": "ciphers",
    "macs": "macs",
    "hostkeyalgorithms": "host_keys",
    "pubkeyacceptedalgorithms": "key_types",
}


@dataclass(slots=True)
class Meaning:
    """What is said of a host. `user` and `port` are None, and `identities_named` false, where nothing is said."""

    host: str
    port: int | None = None
    user: str | None = None
    identities: Identities = field(default_factory=Identities)
    identities_named: bool = False
    strict: bool = False
    options: SshOptions = field(default_factory=SshOptions)
    jump: str = ""
    faults: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    moot: list[Note] = field(default_factory=list)


class _Reading:
    """One entry on its way to its meaning."""

    def __init__(
        self, entry: Entry, local: Local, environ: Mapping[str, str], known: Mapping[str, Collection[str]]
    ) -> None:
        self._entry = entry
        self._local = local
        self._environ = environ
        self._known = known
        self.meaning = Meaning(hostname_of(entry), faults=[*entry.faults])

    def read(self) -> Meaning:
        entry, meaning = self._entry, self.meaning
        meaning.port, meaning.user = self._port(), entry.word("user") or None
        meaning.identities, meaning.identities_named = self._identities(), self._named()
        meaning.strict = self._strict()
        meaning.jump = entry.word("proxyjump")
        meaning.options = SshOptions(
            name=entry.name,
            key_name=entry.word("hostkeyalias"),
            known_hosts=self._known_hosts(),
            connect_timeout_s=self._seconds("connecttimeout"),
            keepalive_s=self._seconds("serveraliveinterval"),
            family=self._one_of("addressfamily", ("inet", "inet6", "any")).replace("any", ""),
            bind_address=entry.word("bindaddress"),
            compressed=self._is_on("compression", otherwise=False),
            methods=self._allowed_methods(),
            **{name: self._names(keyword) for keyword, name in _algorithms.items()},
        )
        self._tell()
        return meaning

    # --- values

    def _fault(self, line: Line, message: str) -> None:
        self.meaning.faults.append(Note(line.file, line.number, line.written, message))

    def _port(self) -> int | None:
        line = self._entry.line("port")
        if line is None:
            return None
        if line.words[0].isdigit() and 0 < int(line.words[0]) <= 65_535:  # noqa: PLR2004  a TCP port
            return int(line.words[0])
        self._fault(line, f"{line.words[0]!r} is no port")
        return None

    def _seconds(self, keyword: str) -> float | None:
        line = self._entry.line(keyword)
        if line is None or line.words[0].lower() == "none":
            return None
        parts = re.findall(r"(\d+)([smhdw]?)", line.words[0].lower())
        if not parts or "".join(number + unit for number, unit in parts) != line.words[0].lower():
            self._fault(line, f"{line.words[0]!r} is no time such as 30 or 1m30s")
            return None
        return sum(int(number) * _times[unit] for number, unit in parts) or None

    def _is_on(self, keyword: str, *, otherwise: bool) -> bool:
        word = self._one_of(
            keyword, ("yes", "true", "no", "false", *(("unbound", "host-bound") if "pubkey" in keyword else ()))
        )
        return word not in {"no", "false"} if word else otherwise

    def _one_of(self, keyword: str, words: Sequence[str]) -> str:
        line = self._entry.line(keyword)
        if line is None:
            return ""
        if line.words[0].lower() not in words:
            self._fault(line, f"{line.words[0]!r} is none of {', '.join(words)}")
            return ""
        return line.words[0].lower()

    def _strict(self) -> bool:
        word = self._one_of("stricthostkeychecking", ("yes", "true", "no", "false", "off", "ask", "accept-new"))
        line = self._entry.line("stricthostkeychecking")
        if line is not None and word in {"no", "false", "off"}:
            self._warn(
                line,
                "is not taken: keys are checked as hosts.yaml says, and only `host_key_checking: off` of it ends that",
            )
        return word in {"yes", "true"}

    def _names(self, keyword: str) -> str:
        """A list of algorithms; the names of it that our library does not know are told."""
        line, known = self._entry.line(keyword), self._known.get(keyword)
        if line is None:
            return ""
        spec = line.words[0]
        if known is not None and not spec.startswith("-"):
            names = [each for each in spec.lstrip("+^").split(",") if each]
            missing = [each for each in names if each not in known]
            if missing and len(missing) == len(names) and spec[0] not in "+^":
                self._fault(line, f"names nothing that is known here ({', '.join(missing)})")
            elif missing:
                self._warn(line, f"names what is not known here and is left out: {', '.join(missing)}")
        return spec

    def _allowed_methods(self) -> tuple[str, ...]:
        """Those that may be tried, in order; empty where nothing is said of them."""
        switches = {
            "publickey": self._is_on("pubkeyauthentication", otherwise=True),
            "password": self._is_on("passwordauthentication", otherwise=True),
            "keyboard-interactive": self._is_on("kbdinteractiveauthentication", otherwise=True),
        }
        named = self._entry.word("preferredauthentications")
        if not named and all(switches.values()):
            return ()
        wanted = [each for each in (named.split(",") if named else _methods) if switches.get(each, False)]
        if not wanted:
            line = self._entry.line("preferredauthentications") or self._entry.line("pubkeyauthentication")
            if line is not None:
                self._fault(line, "leaves no way to log in that is done here")
        return tuple(wanted)

    # --- paths

    def _path(self, text: str, line: Line) -> str | None:
        """A path with its tokens, variables and `~` filled in; None, and a fault, for one that cannot be."""
        local, meaning = self._local, self.meaning
        tokens = {
            "%": "%",
            "d": local.home,
            "h": meaning.host,
            "i": str(local.uid),
            "k": self._entry.word("hostkeyalias") or self._entry.name,
            "L": local.machine.partition(".")[0],
            "l": local.machine,
            "n": self._entry.name,
            "p": str(meaning.port or 22),
            "r": meaning.user or local.user,
            "u": local.user,
        }
        unknown: list[str] = []

        def filled(found: re.Match[str]) -> str:
            value = tokens.get(found[1]) if found[1] is not None else self._environ.get(found[2])
            if value is None:
                unknown.append(found[0])
            return value or ""

        whole = re.sub(r"%(.)|\$\{([^}]*)\}", filled, text)
        if unknown:
            self._fault(line, f"has {', '.join(unknown)} in it, which stands for nothing here")
            return None
        if whole == "~" or whole.startswith("~/"):
            return f"{local.home}{whole[1:]}"
        if not whole.startswith("/"):
            self._fault(line, f"{text!r} begins nowhere: it must begin with / or ~/")
            return None
        return whole

    def _paths(self, keyword: str) -> tuple[str, ...]:
        lines = self._entry.settings.get(keyword, ())
        words = [(word, line) for line in lines for word in line.words if word.lower() != "none"]
        found = [self._path(word, line) for word, line in words]
        return tuple(path for path in found if path is not None)

    def _named(self) -> bool:
        return any(self._entry.settings.get(each) for each in ("identityfile", "certificatefile", "identityagent"))

    def _identities(self) -> Identities:
        files = self._paths("identityfile")
        if not self._entry.settings.get("identityfile"):
            files = tuple(f"{self._local.home}/.ssh/{name}" for name in usual_keys)
        only = self._is_on("identitiesonly", otherwise=False)
        return Identities(files, self._paths("certificatefile"), self._agent(), only)

    def _agent(self) -> str | None:
        line = self._entry.line("identityagent")
        if line is None or line.words[0] == "SSH_AUTH_SOCK":
            return None
        if line.words[0].lower() == "none":
            return ""
        text = line.words[0]
        return self._path(f"${{{text[1:]}}}" if text.startswith("$") and text[1:2] != "{" else text, line)

    def _known_hosts(self) -> tuple[str, ...] | None:
        if not any(self._entry.settings.get(each) for each in ("userknownhostsfile", "globalknownhostsfile")):
            return None
        home = self._local.home
        own = self._paths("userknownhostsfile")
        if not self._entry.settings.get("userknownhostsfile"):
            own = (f"{home}/.ssh/known_hosts", f"{home}/.ssh/known_hosts2")
        common = self._paths("globalknownhostsfile")
        if not self._entry.settings.get("globalknownhostsfile"):
            common = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
        return (*own, *common)

    # --- what is not done

    def _warn(self, line: Line, message: str) -> None:
        self.meaning.warnings.append(Note(line.file, line.number, line.written, message))

    def _tell(self) -> None:
        for keyword, lines in self._entry.settings.items():
            for line in lines:
                if is_off(line):
                    continue
                match fates[keyword]:
                    case Fate.OTHER_WAY:
                        self._fault(line, "is not done here")
                    case Fate.NOT_DONE:
                        self._warn(line, "is not done here")
                    case Fate.MOOT:
                        self.meaning.moot.append(Note(line.file, line.number, line.written, "has no meaning here"))
                    case Fate.USED:
                        continue


def meaning_of(
    entry: Entry, local: Local, environ: Mapping[str, str], known: Mapping[str, Collection[str]] | None = None
) -> Meaning:
    """What the entry means. `known`: the algorithms of our library by keyword, where somebody can say."""
    return _Reading(entry, local, environ, known or {}).read()
