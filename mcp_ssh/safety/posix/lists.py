"""Lists of commands: pipelines, groups, loops, cases, assignments and redirections."""

import re

from mcp_ssh.safety.posix import rows
from mcp_ssh.safety.posix.reader import Reader
from mcp_ssh.safety.posix.syntax import Assignment, Redirect, SimpleCommand, Word

reserved = frozenset("if then elif else fi while until do done { } ! time coproc esac".split())


_operators = ("<<<", "<<-", "&>>", ">>", "<<", "<&", ">&", "<>", ">|", "&>", "<", ">")


_function = re.compile(r"[ \t]*\([ \t]*\)")


class List:
    """The commands of one level, with what a pipe or an ampersand belongs to."""

    def __init__(self, scanner: Reader, commands: list[SimpleCommand]) -> None:
        self._scanner = scanner
        self._commands = commands
        self._element = 0
        self._line = 0
        self._cases = 0
        self._command = self._begin()

    def _begin(self) -> SimpleCommand:
        self._command = self._scanner.begin()
        self._commands.append(self._command)
        return self._command

    def _separate(self) -> None:
        self._scanner.scopes.separate()
        self._line = len(self._commands)
        self._next()

    def _next(self) -> None:
        self._begin()
        self._element = len(self._commands) - 1

    def step(self, char: str) -> None:
        """Read what begins with the character."""
        scanner, text = self._scanner, self._scanner.text
        if char in " \t":
            scanner.at += 1
        elif char == "\\" and text.startswith("\\\n", scanner.at):
            scanner.at += 2
        elif char == "\n":
            scanner.newline()
            self._separate()
        elif char == "#":
            end = text.find("\n", scanner.at)
            scanner.at = len(text) if end < 0 else end
        elif char in "<>" and scanner.peek(1) == "(":
            self._command.words.append(scanner.process())
        elif char in "<>" or text.startswith("&>", scanner.at):
            self._redirect()
        elif char in ";&|":
            self._operator(char)
        elif char in "()":
            self._parenthesis(char)
        else:
            self._word()

    def _operator(self, char: str) -> None:
        scanner = self._scanner
        for double in (";;&", ";;", ";&"):
            if char == ";" and scanner.text.startswith(double, scanner.at):
                if not self._cases:
                    raise scanner.fail("two semicolons stand outside of a case")
                scanner.at += len(double)
                self._scanner.scopes.branch()
                self._separate()
                self._pattern()
                return
        for double in ("&&", "||"):
            if scanner.text.startswith(double, scanner.at):
                scanner.at += 2
                scanner.scopes.link(double)
                self._next()
                return
        scanner.at += 1
        if char == "|":
            if scanner.peek() == "&":
                scanner.at += 1
            scanner.scopes.apart(self._commands[self._element :])
            feeds = [each for each in self._commands[self._element :] if not each.is_empty]
            scanner.scopes.link("|")
            self._next()
            self._command.feeds, self._command.is_piped = feeds, True
            return
        if char == "&":
            scanner.scopes.apart(self._commands[self._line :])
            for command in self._commands[self._element :]:
                command.background = True
        self._separate()

    def _parenthesis(self, char: str) -> None:
        scanner = self._scanner
        if char == ")":
            raise scanner.fail("a parenthesis closes nothing")
        start = scanner.at
        if scanner.text.startswith("((", start) and self._command.is_empty and scanner.arithmetic(0):
            self._commands[-1:] = scanner.as_groups(scanner.text[start + 2 : scanner.at - 2], start + 2)
            self._begin()
            return
        if self._command.words or self._command.assignments:
            raise scanner.fail("a parenthesis stands where none can")
        scanner.brace(opens=True)
        scanner.at += 1
        scanner.depth += 1
        if scanner.depth > 40:
            raise scanner.fail("it is nested too deeply")
        piped, feeds = self._command.is_piped, self._command.feeds
        with scanner.scopes.nested(apart=True):
            inner = scanner.lists(")")
        scanner.depth -= 1
        scanner.brace(opens=False)
        for command in inner:
            if piped and not command.is_piped:
                command.is_piped, command.feeds = True, feeds
        self._commands[-1:] = inner
        self._begin()

    # --- words

    def _word(self) -> None:
        scanner, command = self._scanner, self._command
        word = scanner.word()
        bare = word.bare
        if not command.words and self._keyword(word, bare):
            return
        if bare is not None and bare.isdigit() and scanner.peek() in {"<", ">"}:
            return  # the number of a redirection
        if not command.words and (assigned := rows.assignment(scanner, word)):
            command.assignments.append(assigned)
            return
        if not command.words and bare is not None and (found := _function.match(scanner.text, scanner.at)):
            scanner.at = found.end()
            self._defined(bare)
            return
        command.words.append(word)

    def _keyword(self, word: Word, bare: str | None) -> bool:
        scanner = self._scanner
        if bare is None or self._command.assignments:
            return False
        if bare in reserved:
            self._reserved(bare)
        elif bare == "case":
            self._case()
        elif bare in {"for", "select"}:
            self._loop()
        elif bare == "function":
            self._scanner.skip_blanks()
            name = scanner.word().bare
            if name is None:
                raise scanner.fail("a function has no plain name")
            if found := _function.match(scanner.text, scanner.at):
                scanner.at = found.end()
            self._defined(name)
        elif bare == "[[":
            self._command.words += (word, *rows.test(self._scanner))
        else:
            return False
        return True

    def _reserved(self, bare: str) -> None:
        if bare == "esac":
            if not self._cases:
                raise self._scanner.fail("an esac ends no case")
            self._cases -= 1
        if bare == "{":
            self._scanner.scopes.block(scoped=self._scanner.brace(opens=True))
        elif bare in {"if", "while", "until"}:
            self._scanner.scopes.block()
        elif bare in {"then", "elif", "else", "do"}:
            self._scanner.scopes.branch()
        elif bare in {"fi", "done", "esac", "}"}:
            self._scanner.scopes.unblock()
            if bare == "}":
                self._scanner.brace(opens=False)
        if bare == "time":
            self._scanner.skip_blanks()
            if self._scanner.text.startswith("-p ", self._scanner.at):
                self._scanner.at += 2
        piped, feeds = self._command.is_piped, self._command.feeds
        self._begin()
        if bare in {"{", "while", "until", "if", "!", "time"}:
            self._command.is_piped, self._command.feeds = piped, feeds

    def _defined(self, name: str) -> None:
        self._command.defines = name
        self._scanner.function(name)
        self._begin()

    def _case(self) -> None:
        scanner = self._scanner
        self._scanner.skip_blanks()
        subject = scanner.word()
        self._command.assignments.append(Assignment("", (subject,)))
        self._scanner.scopes.block()
        self._scanner.skip_blanks(newlines=True)
        if scanner.word().bare != "in":
            raise scanner.fail("a case has no in")
        self._cases += 1
        self._scanner.scopes.branch()
        self._separate()
        self._pattern()

    def _pattern(self) -> None:
        if rows.pattern(self._scanner):
            self._separate()

    def _loop(self) -> None:
        scanner = self._scanner
        self._scanner.scopes.block()
        self._command.scopes = scanner.scopes.here
        self._scanner.skip_blanks()
        if scanner.text.startswith("((", scanner.at):
            if not scanner.arithmetic(0):
                raise scanner.fail("an arithmetic has no end")
            self._separate()
            return
        name = scanner.word().bare
        if name is None or not name.isidentifier():
            raise scanner.fail("a for has no name")
        self._command.loop = name
        self._scanner.skip_blanks(newlines=True)
        if re.compile(r"in(?![^\s;&|])").match(scanner.text, scanner.at):
            scanner.at += 2
            self._command.words += rows.values(scanner)
        self._separate()

    def _redirect(self) -> None:
        scanner, command = self._scanner, self._command
        operator = next(each for each in _operators if scanner.text.startswith(each, scanner.at))
        scanner.at += len(operator)
        self._scanner.skip_blanks()
        if scanner.peek() in {"<", ">"} and scanner.peek(1) == "(":
            command.redirects.append(Redirect(operator, scanner.process()))
            return
        target = scanner.word()
        if not target.parts:
            raise scanner.fail("a redirection leads nowhere")
        command.redirects.append(Redirect(operator, target, target if operator == "<<<" else None))
        if operator in {"<<", "<<-"}:
            scanner.heredoc(command, len(command.redirects) - 1, target, strips=operator == "<<-")
