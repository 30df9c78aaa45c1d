"""Lists of commands: pipelines, groups, loops, cases, assignments and redirections."""

import re

from mcp_ssh.safety.posix.reader import Reader
from mcp_ssh.safety.posix.syntax import Assignment, Redirect, SimpleCommand, Word
from mcp_ssh.safety.posix.words import behind, ends_word

reserved = frozenset("if then elif else fi while until do done { } ! time coproc esac".split())


_operators = ("<<<", "<<-", "&>>", ">>", "<<", "<&", ">&", "<>", ">|", "&>", "<", ">")


_assigns = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])?(\+?)=")


_function = re.compile(r"[ \t]*\([ \t]*\)")


class List:
    """The commands of one level, with what a pipe or an ampersand belongs to."""

    def __init__(self, scanner: Reader, commands: list[SimpleCommand]) -> None:
        self._scanner = scanner
        self._commands = commands
        self._element = 0
        self._cases = 0
        self._command = self._begin()

    def _begin(self) -> SimpleCommand:
        self._command = self._scanner.begin()
        self._commands.append(self._command)
        return self._command

    def _separate(self) -> None:
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
                self._separate()
                self._pattern()
                return
        for double in ("&&", "||"):
            if scanner.text.startswith(double, scanner.at):
                scanner.at += 2
                self._separate()
                return
        scanner.at += 1
        if char == "|":
            if scanner.peek() == "&":
                scanner.at += 1
            feeds = [each for each in self._commands[self._element :] if not each.is_empty]
            self._separate()
            self._command.feeds, self._command.is_piped = feeds, True
            return
        if char == "&":
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
        if not command.words and self._assigned(word):
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
            self._test(word)
        else:
            return False
        return True

    def _reserved(self, bare: str) -> None:
        if bare == "esac":
            if not self._cases:
                raise self._scanner.fail("an esac ends no case")
            self._cases -= 1
        if bare in {"{", "}"}:
            self._scanner.brace(opens=bare == "{")
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
        self._scanner.skip_blanks(newlines=True)
        if scanner.word().bare != "in":
            raise scanner.fail("a case has no in")
        self._cases += 1
        self._separate()
        self._pattern()

    def _pattern(self) -> None:
        """Patterns of a case, up to their parenthesis; nothing if its end comes."""
        scanner = self._scanner
        self._scanner.skip_blanks(newlines=True)
        if re.compile(r"esac(?![^\s;&|)])").match(scanner.text, scanner.at):
            return
        if scanner.peek() == "(":
            scanner.at += 1
        while scanner.peek() != ")":
            before = scanner.at
            self._scanner.skip_blanks()
            if scanner.peek() == "|":
                scanner.at += 1
            else:
                scanner.word()
            if scanner.at == before:
                raise scanner.fail("a pattern of a case has no end")
        scanner.at += 1
        self._separate()

    def _loop(self) -> None:
        scanner = self._scanner
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
            self._values(self._command.words)
        self._separate()

    def _values(self, words: list[Word]) -> None:
        scanner = self._scanner
        while True:
            self._scanner.skip_blanks()
            char = scanner.peek()
            if char in {"", ";", "\n", ")"}:
                return
            if char in ends_word and not (char in "<>" and scanner.peek(1) == "("):
                raise scanner.fail("a list of words holds something else")
            words.append(scanner.process() if char in "<>" else scanner.word())

    def _test(self, first: Word) -> None:
        """`[[ … ]]`, in which the characters of lists and redirections are those of conditions."""
        scanner = self._scanner
        self._command.words.append(first)
        while True:
            self._scanner.skip_blanks(newlines=True)
            char = scanner.peek()
            if char == "":
                raise scanner.fail("a test has no end")
            if char in "<>" and scanner.peek(1) == "(":
                scanner.process()
            elif char in ends_word:
                scanner.at += 1
            else:
                word = scanner.word()
                self._command.words.append(word)
                if word.bare == "]]":
                    return

    def _assigned(self, word: Word) -> bool:
        scanner = self._scanner
        found = _assigns.match(word.raw)
        if not found or (found[2] and ("$" in found[2] or "`" in found[2])):
            return False
        if scanner.peek() == "(" and word.raw == found[0]:
            scanner.at += 1
            values = list[Word]()
            while True:
                self._scanner.skip_blanks(newlines=True)
                if scanner.peek() == ")":
                    break
                before = scanner.at
                self._values(values)
                if scanner.at == before:
                    raise scanner.fail("an array has no end")
            scanner.at += 1
        else:
            values = [behind(word, len(found[0]))]
        self._command.assignments.append(Assignment(found[1], tuple(values), adds=bool(found[3])))
        return True

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
