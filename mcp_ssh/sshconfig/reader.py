"""What the configuration says of one name: files in their order, blocks that fit, the first value of each keyword.

Nothing is run and no name is looked up. What would need that (`Match exec`, `Match localnetwork`) is told as a fault
where everything else of its line fits: nobody can know then what ssh would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mcp_ssh.sshconfig.keywords import collected, fates, lists, other_names
from mcp_ssh.sshconfig.lines import Line, LineError, lines_of
from mcp_ssh.sshconfig.patterns import fits, fits_line, fits_list

most_depth = 16
"""Files that include each other, as in readconf.c."""

most_lines = 50_000


class Files(Protocol):
    """The files of a configuration."""

    def text(self, path: str, *, of_user: bool) -> str | None:
        """A file's text; None if there is none. Raises `LineError` for one that may not be read or trusted."""
        ...

    def found(self, pattern: str) -> Sequence[str]:
        """The files that fit a glob, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A file to begin with, and the folder that its relative includes start in. `of_user`: not the system's."""

    path: str
    folder: str
    of_user: bool = True


@dataclass(frozen=True, slots=True)
class Local:
    """Who reads: name, home and number of the user, and this machine's name."""

    user: str
    home: str
    uid: int = 0
    machine: str = "localhost"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to tell: where it stands, which keyword, and what about it."""

    file: str
    line: int
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"{self.keyword} at {self.file}:{self.line} {self.message}"


@dataclass(slots=True)
class Entry:
    """What is said of one name: the lines that count, by keyword, and what is wrong."""

    name: str
    settings: dict[str, list[Line]] = field(default_factory=dict)
    faults: list[Note] = field(default_factory=list)

    def line(self, keyword: str) -> Line | None:
        """The line that counts, of a keyword that has one."""
        found = self.settings.get(keyword)
        return found[0] if found else None

    def word(self, keyword: str) -> str:
        """Its first word; empty if nothing is said."""
        line = self.line(keyword)
        return line.words[0] if line is not None else ""


class Reader:
    """Reads entries."""

    def __init__(self, files: Files, sources: Sequence[Source], local: Local) -> None:
        self.files = files
        self._sources = sources
        self.local = local

    def entry(self, name: str) -> Entry:
        """What is said of the name, once more over all with the real host name where `Match final` wants that."""
        entry = Entry(name)
        first = _Pass(self, entry, name)
        first.over(self._sources)
        if first.wants_final:
            host = hostname_of(entry).lower()
            _Pass(self, entry, host, is_final=True).over(self._sources)
        return entry

    def names(self) -> list[Line]:
        """Every `Host` line that stands there, and every `Match`, whatever it is about."""
        found = _Pass(self, Entry(""), "", takes_all=True)
        found.over(self._sources)
        return found.heads


def hostname_of(entry: Entry) -> str:
    """The name that is dialled; `%h` in it is the one that was asked for."""
    text = entry.word("hostname")
    return text.replace("%%", "\0").replace("%h", entry.name).replace("\0", "%") if text else entry.name


class _Pass:
    """One time over all files."""

    def __init__(
        self, reader: "Reader", entry: Entry, host: str, *, is_final: bool = False, takes_all: bool = False
    ) -> None:
        self._files = reader.files
        self._local = reader.local
        self._entry = entry
        self._host = host
        self._is_final = is_final
        self._takes_all = takes_all
        self._lines = 0
        self.wants_final = False
        self.heads: list[Line] = []

    def over(self, sources: Sequence[Source]) -> None:
        for source in sources:
            self._file(source.path, source, depth=0)

    def _file(self, path: str, source: Source, depth: int) -> None:
        try:
            text = self._files.text(path, of_user=source.of_user)
        except LineError as error:
            self._fault(path, 1, "(file)", str(error))
            return
        if text is None:
            return
        active = True
        for line in lines_of(text, path):
            self._lines += 1
            if self._lines > most_lines:
                self._fault(path, 1, "(file)", f"has more than {most_lines} lines with its includes")
                return
            if not isinstance(line, Line):
                self._fault(path, line[0], "(line)", str(line[1]))
            elif line.keyword in {"host", "match"}:
                self.heads.append(line)
                active = fits_line(self._host, line.words) if line.keyword == "host" else self._matches(line)
            elif line.keyword == "include":
                if active or self._takes_all:
                    self._include(line, source, depth)
            elif active:
                self._take(line)

    def _include(self, line: Line, source: Source, depth: int) -> None:
        if depth >= most_depth:
            self._fault(line.file, line.number, line.written, f"goes deeper than {most_depth} files")
            return
        for word in line.words:
            path = word.replace("~", self._local.home, 1) if word.startswith("~/") else word
            pattern = path if path.startswith("/") else f"{source.folder}/{path}"
            for found in self._files.found(pattern):
                self._file(found, source, depth + 1)

    def _take(self, line: Line) -> None:
        keyword = other_names.get(line.keyword, line.keyword)
        if keyword not in fates:
            self._unknown(line)
            return
        if keyword not in lists and len(line.words) > 1:
            self._fault(line.file, line.number, line.written, "has more words than one")
            return
        # Of a proxy command and a jump the first that is named counts, whichever it is.
        if keyword in {"proxycommand", "proxyjump"} and {"proxycommand", "proxyjump"} & self._entry.settings.keys():
            return
        known = self._entry.settings.setdefault(keyword, [])
        if not known or (keyword in collected and line.words not in [each.words for each in known]):
            known.append(line)

    def _unknown(self, line: Line) -> None:
        ignored = self._entry.word("ignoreunknown")
        if not any(fits(line.keyword, each.lower()) for each in ignored.split(",")):
            self._fault(line.file, line.number, line.written, "is no keyword that is known")

    def _matches(self, line: Line) -> bool:
        """Whether a `Match` line is about the name; what cannot be known is a fault, and no match."""
        words, unknowable, fits_all = [*line.words], "", True
        while words:
            word = words.pop(0)
            negated, attribute = word.startswith("!"), word.removeprefix("!").lower()
            if attribute in {"all", "canonical", "final"}:
                self.wants_final |= attribute == "final" and not negated
                holds: bool | None = attribute == "all" or self._is_final
            elif not words:
                self._fault(line.file, line.number, line.written, f"{word} has no value")
                return False
            else:
                holds = self._holds(attribute, words.pop(0))
            unknowable = unknowable or (attribute if holds is None else "")
            fits_all = fits_all and holds is not negated
        if unknowable and fits_all and not self._takes_all:
            self._fault(
                line.file, line.number, f"Match {unknowable}", "is not looked at: nothing is run or looked up for it"
            )
        return fits_all and not unknowable

    def _holds(self, attribute: str, wanted: str) -> bool | None:
        """One condition; None where nobody can know."""
        entry = self._entry
        match attribute:
            case "host":
                real = hostname_of(entry) if entry.word("hostname") else self._host
                return fits_list(real, wanted, lower=True)
            case "originalhost":
                return fits_list(entry.name, wanted, lower=True)
            case "user":
                return fits_list(entry.word("user") or self._local.user, wanted)
            case "localuser":
                return fits_list(self._local.user, wanted)
            case "tagged":
                return fits_list(entry.word("tag"), wanted)
            case _:
                return None

    def _fault(self, file: str, line: int, keyword: str, message: str) -> None:
        note = Note(file, line, keyword, message)
        if note not in self._entry.faults:
            self._entry.faults.append(note)
