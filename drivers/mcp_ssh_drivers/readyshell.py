"""A shell that was started before its command came: what is said to it and what it says, as text, without I/O.

An exec request costs two round trips (open a channel, ask for the program) and the start of a shell. A ready shell is
an ordinary exec channel whose login shell has all that behind it and reads one line from its input; the line holds the
command, as quoted data, and `eval` runs it where `$SHELL -c COMMAND` would have: in a process of its own, at the top
level of the shell, with the channel's pipes, the rest of its input, and an exit status or signal of its own.

It takes one command, ever. What it must not do is read it otherwise than it was sent, so each shell is tried before it
is trusted: it gets every byte that a command can hold, and shows what it made of them. The line itself says how long
the command is. A shell that finds another length ends without having announced a process id, which is how one knows
that nothing ran.

What differs from an exec request: the host's list of processes shows the request below instead of the command, and
the shell's messages about the command begin with another prefix, as in `bash: line 1: eval: ...`. A shell that is asked
for one program becomes it, so that a signal ends the channel: so do bash and zsh here, by `exec`. The last program of a
longer command stays their child, and so does every one of BusyBox: it is told by exit code, 128 and the signal.
"""

import re
from collections import Counter
from enum import Enum

longest_line = 4_096
"""In bytes. Shells read their input byte by byte, so that a long line costs more than an exec request."""
last_counted = "\uffff"
"""mksh counts a character behind this one as four."""
most_noise = 4_096
"""What start files may print, in bytes, before the shell is left alone."""

trial = bytes(range(1, 256)) + "é日'\n\n' $HOME \\\\ `true` end\n".encode()

_plain_words = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+-]*)(?: +(?:[A-Za-z0-9_.,:/@%+=-]|'[^'\n]*')*)*\Z")
_openers = re.compile(r"\b(?:if|fi|case|esac|for|while|until|select|do|done)\b|[(){}]")
_pid = re.compile(rb"[0-9]{1,10}\Z")

shells = frozenset({"bash", "dash", "sh", "ash", "busybox", "zsh", "mksh"})
"""Those that were compared byte for byte. Not ksh93: its children inherit a variable that it makes for itself."""

_special = {
    "bash": (
        'mcp_s=" $(shopt -q expand_aliases || [ -n "$(trap)" ] || echo $(compgen -A function -A builtin -A keyword)) "',
        'case $mcp_s in *" $mcp_w "*) ;; *" eval "*) hash "$mcp_w" 2>/dev/null && mcp_e=exec;; esac',
        "SECONDS=0 BASH_EXECUTION_STRING=$mcp_c",
    ),
    "zsh": (
        "zmodload zsh/parameter 2>/dev/null; mcp_s=$(trap)",
        (
            '[ -z "$mcp_s" ] && [ "${+commands[$mcp_w]}${+builtins[$mcp_w]}${+functions[$mcp_w]}'
            '${+aliases[$mcp_w]}" = 1000 ] && mcp_e=exec'
        ),
        "SECONDS=0 ZSH_EXECUTION_STRING=$mcp_c",
    ),
}
"""By shell: what is looked up beforehand, what finds out whether `mcp_w` is a program alone, what is set anew."""

_request = (
    "mcp_u=$_; case $mcp_u in *\\'*) mcp_u=;; esac; "
    "mcp_n=$(printf '\\nx'); mcp_n=${mcp_n%%x}; mcp_e=; %(before)s; "
    "IFS=' ' read -r mcp_b mcp_k mcp_w mcp_l && eval \"mcp_c=$mcp_l\" || exit; "
    "printf '%%s ' %(token)s $$ >&2; printf '%%s%%s\\n' \"$mcp_c\" %(token)s >&2; "
    "IFS=' ' read -r mcp_b mcp_k mcp_w mcp_l && eval \"mcp_c=$mcp_l\" || exit; "
    'case ${#mcp_c} in "$mcp_b" | "$mcp_k") ;; *) exit;; esac; '
    "case $mcp_w in -) ;; *) %(program)s;; esac; "
    "%(anew)s; echo %(token)s $$ >&2; "
    "eval \"unset mcp_u mcp_n mcp_e mcp_b mcp_k mcp_w mcp_l mcp_c mcp_s; : '$mcp_u'; $mcp_e $mcp_c\""
)


def ready_request(token: str, shell: str) -> str:
    """The text of the exec request. `token` is of letters and digits only, `shell` what the login shell is called."""
    before, program, anew = _special.get(shell, (":", ":", ":"))
    return _request % {"token": token, "before": before, "program": program, "anew": anew}


def line_of(command: bytes, program: str = "-") -> bytes:
    """The line that brings a command: its length in bytes, in characters, its program, and its bytes in quotes."""
    quoted = command.replace(b"'", b"'\\''").replace(b"\n", b"'\"$mcp_n\"'")
    chars = len(command.decode("utf-8", "surrogateescape"))
    return b"%d %d %b '%b'\n" % (len(command), chars, program.encode("ascii"), quoted)


def fitting_line(command: str) -> bytes | None:
    """The line of a command; None for one that only an exec request can carry."""
    try:
        raw = command.encode("utf-8")
    except UnicodeEncodeError:
        return None
    if b"\0" in raw or len(raw) > longest_line or not _is_balanced(command) or max(command, default="") > last_counted:
        return None
    line = line_of(raw, program_of(command) or "-")
    return line if len(line) <= longest_line else None


def _is_balanced(command: str) -> bool:
    """Whether what opens is closed, as far as words alone can tell.

    Wherever they mislead, as in `echo done`, the command takes an exec request; there the message about a line that
    breaks off shows less of ours.
    """
    count = Counter(_openers.findall(command))
    loops = sum(count[word] for word in ("for", "while", "until", "select"))
    pairs = (("if", "fi"), ("case", "esac"), ("(", ")"), ("{", "}"))
    if command.rstrip().endswith(("|", "&&", "\\")):
        return False
    return all(count[one] == count[other] for one, other in pairs) and loops == count["do"] == count["done"]


def program_of(command: str) -> str | None:
    """The first word of a command that is nothing but words: no shell has more to do with it than to start that."""
    found = _plain_words.match(command)
    return found.group(1) if found else None


class Trial(Enum):
    """What came of the trial so far."""

    WAITS = "it has not answered"
    PASSED = ""
    FAILED = "its login shell reads a line otherwise than it was sent"
    LOUD = "its start files write to stderr"
    LONG = "its start files print more than a shell that waits may hold"


class TrialReader:
    """What the shell wrote to stderr, until it is known what it made of the trial."""

    def __init__(self, token: str) -> None:
        self._token = token.encode("ascii")
        self._heard = bytearray()

    def feed(self, chunk: bytes) -> Trial:
        """How the trial stands with these bytes more."""
        self._heard += chunk
        if not self._heard.startswith(self._token[: len(self._heard)]):
            return Trial.LOUD
        if len(self._heard) > 2 * len(trial) + most_noise:
            return Trial.FAILED
        return self._judged() if self._heard.endswith(self._token + b"\n") else Trial.WAITS

    def _judged(self) -> Trial:
        _, pid, shown = bytes(self._heard).split(b" ", 2)
        fits = _pid.match(pid) and shown == trial + self._token + b"\n"
        return Trial.PASSED if fits else Trial.FAILED
