"""A command line carried out in the mind: which programs would run, with which arguments, where, reading what.

It goes through the commands in the order of the text and takes every branch. Whatever cannot be followed is a problem
with a rule of its own, and dangerous: `shell.unparsable`, `shell.dynamic`, `shell.environment`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mcp_ssh.safety.posix import builtins, wrappers
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import Arg, State, expand, text_of
from mcp_ssh.safety.posix.leavings import (
    Undo,
    chain,
    leaves_a_trace,
    listed,
    moved,
    remember_files,
    span_of,
    values_of,
    words_of,
    writes_of,
)
from mcp_ssh.safety.posix.scanner import read
from mcp_ssh.safety.posix.syntax import SimpleCommand, Sub, UnreadableError, Var, Word
from mcp_ssh.safety.posix.text import printed, unknown

max_depth = 8
max_calls = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be followed."""

    rule: str
    reason: str
    span: tuple[int, int]


Runner = Callable[["Walk", Call], None]
"""What a program runs in turn; tells the walk about it."""


class Walk:
    """One walk. `runners` tells, by program, what it runs in turn.

    What may not have run leaves its directory and its variables behind all the same; in a `cautious` walk it leaves
    nothing behind. The truth lies between, so a line with `is_uncertain` wants both.
    """

    def __init__(self, runners: dict[str, Runner], *, cautious: bool = False) -> None:
        self.is_uncertain = False
        self._cautious = cautious
        self.calls: list[Call] = []
        self.problems: list[Problem] = []
        self._runners = runners
        self._depth = 0
        self._place: tuple[int, int] | None = None
        self._given: str | None = None

    # --- what runners tell

    def script(
        self,
        text: str,
        call: Call,
        arguments: Sequence[str] | None = None,
        *,
        elsewhere: bool = False,
        here: bool = False,
    ) -> None:
        """A text that a shell reads; `here`: this very shell. `elsewhere`: another machine's, in its own directory."""
        if unknown in text:
            self.dynamic(call, "it runs a script that nobody can know before")
            return
        state = State() if elsewhere else call.state if here else call.state.copy()
        if arguments is not None:
            state.arguments = tuple(arguments)
        self._inside(call, lambda: self._text(text, state))

    def command(self, args: Sequence[Arg], call: Call, *, stdin: str | None = None, elsewhere: bool = False) -> None:
        """An argument list that is run as it is."""
        if not args:
            return
        state = State() if elsewhere else call.state
        self._inside(call, lambda: self._run(tuple(args), call, state, stdin if stdin is not None else call.stdin))

    def dynamic(self, call: Call, reason: str) -> None:
        """It runs what cannot be known."""
        self.problems.append(Problem("shell.dynamic", reason, call.span))

    # --- reading

    def text(self, text: str, state: State) -> None:
        """The whole command."""
        self._text(text, state)

    def _text(self, text: str, state: State) -> None:
        try:
            commands = read(text)
        except UnreadableError as error:
            place = self._place or (min(error.at, max(len(text) - 1, 0)), len(text))
            self.problems.append(Problem("shell.unparsable", f"it cannot be read whole: {error.reason}", place))
            return
        self._commands(commands, state)

    def _inside(self, call: Call, work: Callable[[], None]) -> None:
        if self._depth >= max_depth or len(self.calls) > max_calls:
            self.problems.append(Problem("shell.unparsable", "scripts are nested too deeply", call.span))
            return
        outer = self._place, self._given
        self._place, self._given = call.span, call.stdin
        self._depth += 1
        work()
        self._depth -= 1
        self._place, self._given = outer

    def _commands(self, commands: Iterable[SimpleCommand], state: State) -> None:
        undo = Undo(state)
        for command in commands:
            if self._cautious:
                undo.enter(command.scopes)
            self.is_uncertain = self.is_uncertain or (bool(command.scopes) and leaves_a_trace(command))
            self._command(command, state)

    def _command(self, command: SimpleCommand, state: State) -> None:
        for word in words_of(command):
            self._substitutions(word, state)
        if command.loop:
            state.assign(command.loop, [arg for word in command.words for arg in expand(word, state)], adds=False)
            return
        if command.defines:
            return
        args = tuple(arg for word in command.words for arg in expand(word, state))
        if command.assignments:
            self._assignments(command, args, state)
        span = self._span(command)
        writes = tuple(writes_of(command, state, self._place))
        shell_call = Call("", (), span, state, writes, self._stdin(command, state), source=command)
        if args:
            self._run(args, shell_call, state, shell_call.stdin, first=command.words[0])
        elif writes:
            self.calls.append(shell_call)
        remember_files(args, writes, shell_call.stdin, state)

    def _run(
        self, args: tuple[Arg, ...], outer: Call, state: State, stdin: str | None, first: Word | None = None
    ) -> None:
        head = args[0].text
        name = head.rsplit("/", 1)[-1]
        fed_by = tuple(chain(outer.source))
        call = replace(
            outer,
            name=name,
            program=head,
            args=args[1:],
            span=self._place or (args[0].start, max(arg.end for arg in args)),
            state=state,
            stdin=stdin,
            fed_by=fed_by or outer.fed_by,
        )
        if unknown in name or (args[0].glob and head not in {"[", "[["}) or not name:
            self.dynamic(call, "which program it runs is only known when it runs")
            return
        if first is not None and state.splits_oddly and any(isinstance(part, Var) for part in first.parts):
            self.dynamic(call, "its words are split by another IFS")
            return
        if name in wrappers.wrappers and self._peeled(call):
            return
        self.calls.append(call)
        if builtins.run(self, call):
            return
        runner = self._runners.get(name) or self._runners.get(name.rstrip("0123456789."))
        if runner is not None:
            runner(self, call)
        elif head in state.files or call.place(head) in state.files:
            self.script(state.files.get(head) or state.files[call.place(head)], call)

    def _peeled(self, call: Call) -> bool:
        """Run what the wrapper runs; false if it runs nothing."""
        if call.name == "env" and (text := call.value("-S", "--split-string")) is not None:
            rest = " ".join(arg.text for arg in call.args[1:] if arg.text != text)
            self.script(f"{text} {rest}", call)
            return True
        if call.name == "watch":
            at = wrappers.skip("watch", call.args)
            if isinstance(at, int):
                self.script(" ".join(arg.text for arg in call.args[at:]), call)
                return True
        at = wrappers.skip(call.name, call.args)
        if at is None or (isinstance(at, int) and at >= len(call.args)):
            if call.name in {"sudo", "doas", "chroot", "unshare", "nsenter"} and call.stdin and call.has("-s", "-i"):
                self.script(call.stdin, call)
                return True
            return False
        if isinstance(at, str):
            self.problems.append(
                Problem("shell.wrapper", f"{call.name} has an option {at} that is not known", call.span)
            )
            at = 1
        for arg in call.args[:at]:
            self._environment(arg.text, call)
        words = " ".join([call.name, *(arg.text for arg in call.args[:at])])
        inner = replace(call, behind=(*call.behind, call.name), prefix=f"{call.prefix}{words} ")
        elsewhere = call.name in {"chroot"}
        state = State() if elsewhere else moved(call)
        self.calls.append(replace(call, args=call.args[:at], is_wrapper=True))
        if call.name == "sudo" and call.has("-s", "-i") and at < len(call.args):
            if at == len(call.args) - 1:
                self.script(call.args[at].text, inner)
            else:
                self.command(call.args[at:], inner)
            return True
        self._depth += 1
        if self._depth > max_depth * 3:
            self.problems.append(Problem("shell.unparsable", "wrappers are nested too deeply", call.span))
        else:
            self._run(call.args[at:], inner, state, call.stdin)
        self._depth -= 1
        return True

    # --- parts

    def _span(self, command: SimpleCommand) -> tuple[int, int]:
        if self._place is not None:
            return self._place
        words = [*command.words, *(redirect.target for redirect in command.redirects)]
        marks = [(word.start, word.end) for word in words] or [(0, 0)]
        return min(start for start, _ in marks), max(end for _, end in marks)

    def _substitutions(self, word: Word, state: State) -> None:
        for part in word.parts:
            if isinstance(part, Sub) and part.commands:
                outer = self._given
                if part.process and word.raw.startswith(">("):
                    self._given = unknown  # it reads what goes into the file that it stands for
                self._commands(part.commands, state.copy())
                self._given = outer
            elif isinstance(part, Var) and part.other is not None:
                self._substitutions(part.other, state)

    def _assignments(self, command: SimpleCommand, args: Sequence[Arg], state: State) -> None:
        for assignment in command.assignments:
            if not assignment.name:
                continue
            values = values_of(assignment, state)
            text = " ".join(arg.text for arg in values)
            is_array = len(assignment.values) != 1
            name = assignment.name
            reads = bool(args) and args[0].text in {"read", "mapfile", "readarray"}
            span = self._span(command) if command.words else self._place or span_of(assignment)
            if not (name == "IFS" and reads):
                self._environment(f"{name}={text}", Call("", (), span, state))
            if not args or args[0].text in {"export", "declare", "local", "readonly", "typeset"}:
                if name == "IFS":
                    state.splits_oddly = True
                state.assign(name, values if is_array else [Arg(text, 0, 0)], adds=assignment.adds)

    def _environment(self, text: str, call: Call) -> None:
        name, found, value = text.partition("=")
        if found and builtins.changes_what_runs(name, value):
            reason = f"{name} decides which code later commands run"
            self.problems.append(Problem("shell.environment", reason, call.span))

    def _stdin(self, command: SimpleCommand, state: State) -> str | None:
        for redirect in reversed(command.redirects):
            if redirect.body is not None:
                return text_of(redirect.body, state)
            if redirect.operator == "<":
                path = text_of(redirect.target, state)
                return state.files.get(state.place(path), unknown)
        if command.is_piped:
            return self._output(command.feeds, state)
        return self._given

    def _output(self, feeds: Sequence[SimpleCommand], state: State) -> str:
        parts = list[str]()
        for feed in feeds:
            args = [arg.text for word in feed.words for arg in expand(word, state)]
            if any(">" in each.operator and each.target.bare not in {"1", "2"} for each in feed.redirects) and args:
                if args[0] == "tee":
                    return unknown
                continue
            name = args[0].rsplit("/", 1)[-1] if args else ""
            if name in {"echo", "printf"} and not feed.loop:
                parts.append(printed(args) + ("\n" if name == "echo" else ""))
            elif name in {"find", "ls"}:
                parts.append(listed(args))
            elif name in {"cat", "tee"} and (len(args) == 1 or name == "tee"):
                parts.append(self._stdin(feed, state) or unknown)
            elif name not in {"cd", "true", ":", "sleep", "set"} and not (name == "crontab" and "-l" in args):
                return unknown
        return "".join(parts) if parts else unknown
