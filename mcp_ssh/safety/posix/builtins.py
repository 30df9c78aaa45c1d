"""What builtins of the shell do to what follows: directories, variables, aliases, traps."""

import re
from typing import Protocol

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import Arg
from mcp_ssh.safety.posix.text import unknown

_run_code = frozenset(
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH BASH_ENV ENV PROMPT_COMMAND SHELLOPTS"
    " BASHOPTS PS4 PERL5OPT PERL5LIB PYTHONSTARTUP PYTHONPATH PYTHONHOME RUBYOPT NODE_OPTIONS GIT_SSH_COMMAND GIT_SSH"
    " GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND LESSOPEN LESSCLOSE MANPAGER IFS PATH".split()
)
_good_path = re.compile(
    r"(~[^:\x00]*|\$PATH|/(usr|bin|sbin|opt|snap|home|root|nix|var/lib/snapd|lib|Library|System|srv)(?![^/:])[^:\x00]*|\x00)"
)


class Walker(Protocol):
    """What builtins tell about scripts."""

    def script(self, text: str, call: Call, *, here: bool = False) -> None:
        """A text that a shell reads; `here`: this very one."""
        ...

    def dynamic(self, call: Call, reason: str) -> None:
        """Nobody knows what it runs."""
        ...


def changes_what_runs(name: str, value: str) -> bool:
    """Whether setting it decides which code later commands run."""
    name = name.removesuffix("+")
    if name not in _run_code and not name.startswith("BASH_FUNC_"):
        return False
    if name == "PATH":
        return not all(_good_path.fullmatch(part) for part in value.split(":") if part != unknown)
    if name == "IFS":
        return any(char.isalnum() or char in "/\x00" for char in value)
    if name in {"PYTHONPATH", "LD_LIBRARY_PATH", "PERL5LIB", "NODE_OPTIONS", "PYTHONHOME"}:
        return not re.fullmatch(r"(/(usr|opt|home|srv|snap|lib)|~|\.|--max|\x00|src|lib|:)[^\x00]*\x00?", value or ".")
    if name in {"MANPAGER", "ENV", "PS4", "GIT_SSH_COMMAND", "GIT_SSH"}:
        return not re.fullmatch(
            r"(cat|less|more|ssh|prod|production|dev|development|staging|test|\+|\x00)[^;|&`(]*", value
        )
    return bool(value)


def run(walk: "Walker", call: Call) -> bool:
    """Do what a builtin does; whether it is one that runs nothing else."""
    state, texts = call.state, call.texts
    match call.name:
        case "cd" | "pushd" | "chdir":
            operands = call.verbs()
            where = operands[0] if operands else "~"
            if where == "-" or unknown in where:
                state.cwd = None
            elif where.startswith(("/", "~")) or state.cwd is not None:
                state.cwd = state.place(where)
            else:
                state.cwd = None if where.startswith("..") else f"~/{where}"
        case "popd":
            state.cwd = None
        case "export" | "declare" | "local" | "readonly" | "typeset":
            _declares(walk, call)
        case "alias":
            for text in texts:
                name, found, body = text.partition("=")
                if found:
                    walk.script(body, call)
        case "trap":
            operands = call.verbs()
            if len(operands) > 1 and operands[0] not in {"-", ""}:
                walk.script(operands[0], call)
        case "read" | "mapfile" | "readarray":
            lines = None if call.stdin is None or unknown in call.stdin else call.stdin.split("\n")[0]
            for name in call.verbs(("-p", "-t", "-n", "-N", "-d", "-u", "-i", "-a")):
                state.values[name] = (lines,) if lines is not None else None
        case "unset":
            for name in call.verbs():
                state.values.pop(name, None)
        case "set":
            if "--" in texts:
                state.arguments = tuple(texts[texts.index("--") + 1 :])
        case "eval":
            walk.script(" ".join(texts), call, here=True)
        case _:
            return False
    return True


def _declares(walk: "Walker", call: Call) -> None:
    for text in call.texts:
        name, found, value = text.partition("=")
        if found and re.fullmatch(r"[A-Za-z_]\w*\+?", name):
            if changes_what_runs(name, value):
                walk.dynamic(call, f"{name} decides which code later commands run")
            call.state.assign(name, [Arg(value, 0, 0)], adds=False)
