"""What one command of a line leaves for the next: output, words, files."""

import re
from collections.abc import Iterator, Sequence

from mcp_ssh.safety.posix.call import Call, Write
from mcp_ssh.safety.posix.expand import Arg, State, expand, text_of
from mcp_ssh.safety.posix.syntax import Assignment, SimpleCommand, Word
from mcp_ssh.safety.posix.text import printed, unknown

_descriptor = re.compile(r"[0-9]+-?|-")
_may_leave_a_trace = frozenset(
    "cd chdir pushd popd eval source . command builtin read mapfile readarray export declare local readonly typeset set unset alias".split()
)


def listed(args: Sequence[str]) -> str:
    """What `find` and `ls` name: everything below where they look, or something deeper if they narrow it."""
    places = [text for text in args[1:] if text.startswith(("/", "~", "."))]
    narrow = any(text in {"-name", "-iname", "-path", "-regex", "-mtime", "-size", "-newer", "-mmin"} for text in args)
    names = [place for place in places if args[0] == "find" or "*" not in place]
    if args[0] == "ls":
        return (
            "\n".join([*(place for place in places if "*" in place), *(f"{name.rstrip('/')}/*" for name in names)])
            or unknown
        )
    return "\n".join(f"{name.rstrip('/')}/{'found/x' if narrow else '*'}" for name in names or ["."])


def chain(command: SimpleCommand) -> Iterator[str]:
    """The programs that feed a command, the nearest last; those that only cut columns left out."""
    for feed in command.feeds:
        yield from chain(feed)
        name = feed.words[0].literal if feed.words else None
        if name == "awk" and not any("/" in (word.literal or "/") for word in feed.words[1:]):
            continue
        if name and name not in {"tr", "cut", "sort", "uniq"}:
            yield name


def words_of(command: SimpleCommand) -> Iterator[Word]:
    """All words of a command, those of its redirections included."""
    yield from command.words
    for assignment in command.assignments:
        yield from assignment.values
    for redirect in command.redirects:
        yield redirect.target
        if redirect.body is not None and redirect.body is not redirect.target:
            yield redirect.body


def values_of(assignment: Assignment, state: State) -> list[Arg]:
    """The values of an assignment."""
    if len(assignment.values) == 1:
        return [Arg(text_of(assignment.values[0], state), 0, 0)]
    return [arg for word in assignment.values for arg in expand(word, state)]


def writes_of(command: SimpleCommand, state: State, place: tuple[int, int] | None) -> Iterator[Write]:
    """The files that its redirections write; `place`: where the script that it is from stands."""
    for redirect in command.redirects:
        if ">" not in redirect.operator:
            continue
        for arg in expand(redirect.target, state):
            if redirect.operator == ">&" and _descriptor.fullmatch(arg.text):
                continue
            yield Write(state.place(arg.text), ">>" in redirect.operator, *(place or (arg.start, arg.end)))


def span_of(assignment: Assignment) -> tuple[int, int]:
    """Where an assignment stands."""
    words = assignment.values
    return (words[0].start, words[-1].end) if words else (0, 0)


def remember_files(args: Sequence[Arg], writes: Sequence[Write], stdin: str | None, state: State) -> None:
    """A script that is written here and run further on is read here."""
    name = args[0].text.rsplit("/", 1)[-1] if args else ""
    targets = [(write.path, write.adds) for write in writes]
    if name == "tee":
        targets += [(state.place(arg.text), True) for arg in args[1:] if not arg.text.startswith("-")]
    elif name in {"curl", "wget", "base64", "openssl", "xxd", "scp", "aria2c"} and not writes:
        targets += [(state.place(arg.text), False) for arg in args[1:] if "://" not in arg.text and arg.text[:1] != "-"]
        urls = [arg.text for arg in args[1:] if "://" in arg.text]
        targets += [(state.place(url.rsplit("/", 1)[-1]), False) for url in urls if name == "wget" or len(args) > 2]
    if not targets:
        return
    if name in {"echo", "printf"}:
        content = printed([arg.text for arg in args]) + "\n"
    else:
        content = stdin if name in {"cat", "tee"} and stdin is not None else unknown
    for path, adds in targets:
        if (path.startswith("/dev/") and not path.startswith("/dev/shm/")) or len(state.files) >= 64:
            continue
        state.files[path] = (state.files.get(path, "") + content) if adds else content


def moved(call: Call) -> State:
    """Where a wrapper's command stands: some change the directory first."""
    names = {"env": ("-C", "--chdir"), "sudo": ("-D", "--chdir"), "unshare": ("-w", "--wd"), "nsenter": ("-w", "--wd")}
    folder = call.value(*names[call.name]) if call.name in names else None
    if folder is None:
        return call.state
    state = call.state.copy()
    state.cwd = state.place(folder)
    return state


def leaves_a_trace(command: SimpleCommand) -> bool:
    """Whether later commands may stand elsewhere, or know other values, once it has run."""
    names = command.words[0].literal if command.words else ""
    return bool(command.assignments or command.loop) or names is None or names in _may_leave_a_trace


class Undo:
    """Takes back, when a scope of the line ends, what its commands did to the shell's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._before: list[tuple[tuple[int, ...], State]] = []

    def enter(self, scopes: tuple[int, ...]) -> None:
        """The next command stands in these."""
        while self._before and scopes[: len(self._before[-1][0])] != self._before[-1][0]:
            self._state.go_back(self._before.pop()[1])
        if scopes and (not self._before or self._before[-1][0] != scopes):
            self._before.append((scopes, self._state.copy()))
