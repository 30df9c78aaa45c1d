"""What travels beside a command on an exec channel: pure text, no I/O.

An SSH server hands the text of an exec request to the login shell as `$SHELL -c TEXT` and leads a new process session
with it. To end everything that a command started, one must know that session, and SSH has no way to ask. So the shell
is asked to say its process id first, on stderr, in front of the command:

    echo TOKEN $$ >&2; COMMAND

The command's own bytes are untouched: it starts where a command may start, on the same line (so that the shell's error
messages keep their line numbers), and the announcement is taken out of stderr again. It is only done for shells that
are known to read this line as it is meant. csh would take `>&2` for a file's name; under such a login shell the command
is run by `sh -c`, which is also what it was judged for. Where not even that works (ForceCommand, a restricted shell)
the command goes alone.
"""

import re
import shlex
from dataclasses import dataclass, field
from enum import StrEnum

sh_family = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "pdksh", "lksh", "yash", "zsh", "busybox"})

_boot_id = "/proc/sys/kernel/random/boot_id"
probe = f'read -r boot <{_boot_id}; printf \'mcp-ssh %s %s\\n\' "$0" "$boot"'
second_probe = "sh -c 'printf \"mcp-ssh sh\\n\"'"
_probe_answer = re.compile(rb"mcp-ssh (\S+) ([0-9a-f-]*)\r?\n\Z")
_pid_digits = 10
_process_id = re.compile(rb"([0-9]{1,10})\r?\n")
most_before = 16_384
"""How much of stderr, in bytes, may come before the line with the process id."""


class LoginShell(StrEnum):
    """What an exec request meets on the host."""

    POSIX = "posix"
    """The login shell is one of the sh family."""
    OTHER = "other"
    """The login shell is another one, and `sh` can be started from it."""
    UNKNOWN = "unknown"
    """Neither: a forced command, a restricted shell, a program."""


@dataclass(frozen=True, slots=True)
class Login:
    """What was found out about the login. `boot_id` tells machines apart (random(4)); empty where there is none.

    `name` is what the shell calls itself, for people alone.
    """

    shell: LoginShell
    boot_id: str = ""
    name: str = field(default="", compare=False)


def read_probe(answer: bytes) -> Login | None:
    """What the answer to `probe` says, behind all that start files print; None if `second_probe` must decide."""
    found = _probe_answer.search(answer)
    if found is None:
        return None
    name = found.group(1).decode("ascii", "replace").rsplit("/", 1)[-1].lstrip("-")
    return Login(LoginShell.POSIX, found.group(2).decode("ascii"), name) if name in sh_family else None


def read_second_probe(answer: bytes) -> Login:
    """What the answer to `second_probe` says."""
    return Login(LoginShell.OTHER if answer.endswith(b"mcp-ssh sh\n") else LoginShell.UNKNOWN)


def exec_request(command: str, shell: LoginShell, token: str) -> str:
    """The text of the exec request. `token` is random and of letters and digits only."""
    if shell is LoginShell.UNKNOWN:
        return command
    announced = f"echo {token} $$ >&2; {command}"
    return announced if shell is LoginShell.POSIX else _by_sh(announced, shell)


def _by_sh(script: str, shell: LoginShell) -> str:
    """A request that runs exactly this script by `sh`, whatever the login shell does to quotes.

    No quoting means the same everywhere: fish takes backslashes inside of single quotes for escapes, csh takes `!`
    there for its history and no line end at all. So for shells outside of the sh family everything but plain characters
    travels as octal, which is four times as long: Linux takes 128 kB for one argument, and the host says so beyond it.
    """
    if shell is LoginShell.POSIX:
        return f"exec sh -c {shlex.quote(script)}"
    octal = "".join(chr(byte) if byte in _plain else f"\\0{byte:03o}" for byte in script.encode("utf-8"))
    return f'exec sh -c \'eval "$(printf %b "{octal}")"\''


_plain = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./-")


class Announcement:
    """Takes the line with the process id out of stderr, whatever the chunk borders.

    It comes first, but for what start files write, and for what a shell complains of when it reads the command.
    """

    def __init__(self, token: str) -> None:
        self._start = token.encode("ascii") + b" "
        self._longest = len(token) + 1 + _pid_digits + 2
        self._passed = 0
        self._held: bytes | None = b""
        self.pid: int | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The bytes of this chunk, and of held ones, that belong to the command."""
        if self._held is None:
            return chunk
        held = self._held + chunk
        at = held.find(self._start)
        found = _process_id.match(held, at + len(self._start)) if at >= 0 else None
        if found is not None:
            self.pid, self._held = int(found.group(1)), None
            return held[:at] + held[found.end() :]
        head, newline, line = held.rpartition(b"\n")
        could_be = line.startswith(self._start[: len(line)]) and len(line) < self._longest
        self._passed += len(head)
        self._held = None if self._passed > most_before else line if could_be else b""
        return held if self._held is None else head + newline if could_be else held

    def flush(self) -> bytes:
        """What is still held when the stream ends: it was no announcement."""
        rest, self._held = self._held or b"", None
        return rest


def end_request(pid: int, shell: LoginShell, boot_id: str | None = None) -> str:
    """A script that ends the process session `pid` and all descendants, and prints how many of them are left.

    It looks at /proc where there is one (Linux, with the session of each process), else at `ps` (BSD, macOS, with the
    process group). What was found once stays in the list, since a child changes its parent when that one ends first.
    TERM, up to one second of grace, then KILL; zombies do not count. It needs no program but sh, kill, sleep and, on
    BSD, ps. With a `boot_id` it does nothing on any other machine: for connections that may lead to another one.
    """
    check = f'read -r boot <{_boot_id}; [ "$boot" = "{boot_id}" ] || exit 3\n' if boot_id else ""
    return _by_sh(check + _end_script.replace("@PID@", str(pid)), shell)


_left = re.compile(rb"mcp-ssh left ([0-9]+)\s*\Z")


def read_left(answer: bytes) -> int | None:
    """How many processes the end script could not end; None if it did not say."""
    found = _left.search(answer)
    return int(found.group(1)) if found else None


_end_script = r"""
leader=@PID@
found=" $leader "
table() {
  if [ -r /proc/self/stat ]; then
    for dir in /proc/[0-9]*; do
      stat=
      { while IFS= read -r line; do stat="$stat $line"; done < "$dir/stat"; } 2>/dev/null || continue
      set -- ${stat##*) }
      echo "${dir#/proc/} $1 $2 $4"
    done
  else
    ps -A -o pid= -o state= -o ppid= -o pgid=
  fi
}
look() {
  now=$(table)
  grown=yes
  while [ $grown = yes ]; do
    grown=no
    while read -r pid state parent session; do
      case $found in *" $pid "*) continue;; esac
      case $found in
        *" $parent "*) ;;
        *) [ "$session" = $leader ] || continue;;
      esac
      found="$found$pid "
      grown=yes
    done <<END
$now
END
  done
  left=
  while read -r pid state parent session; do
    case $state in Z*|X*) continue;; esac
    case $found in *" $pid "*) left="$left $pid";; esac
  done <<END
$now
END
}
for signal in TERM KILL; do
  tries=0
  while [ $tries -lt 20 ]; do
    look
    [ -z "$left" ] && break 2
    if [ $tries = 0 ] || [ $signal = KILL ]; then kill -s $signal $left 2>/dev/null; fi
    tries=$((tries + 1))
    sleep 0.05 2>/dev/null || sleep 1
  done
done
look
set -- $left
echo "mcp-ssh left $#"
"""
