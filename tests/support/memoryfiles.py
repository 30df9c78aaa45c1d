"""A `Files` without a host: a tree of names, with links, modes and what can go wrong."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcp_ssh.hostfiles import OpenFile, Opening
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.fileerrors import DiskFullError, FileDeniedError, FileThereError, NoSuchFileError, NotAFileError
from mcp_ssh.model.files import Entry, Facts, Kind, Page

most_links = 40


@dataclass
class Node:
    """One thing of the tree: a file has content, a folder names, a link a target."""

    kind: Kind
    content: bytearray = field(default_factory=bytearray)
    names: dict[str, "Node"] = field(default_factory=dict)
    target: str = ""
    mode: int = 0o644
    uid: int = 1000
    gid: int = 1000
    mtime: int = 1_700_000_000
    is_closed: bool = False

    def facts(self) -> Facts:
        return Facts(self.kind, len(self.content or self.target), self.mode, self.uid, self.gid, self.mtime)


def file(content: bytes = b"", mode: int = 0o644, uid: int = 1000) -> Node:
    return Node(Kind.FILE, bytearray(content), mode=mode, uid=uid)


def link(target: str) -> Node:
    return Node(Kind.LINK, target=target, mode=0o777)


def folder(**names: Node) -> Node:
    return Node(Kind.FOLDER, names=names, mode=0o755)


def home_of_ann() -> "MemoryFiles":
    """A host with a home, a folder of its own, and the files that every host has."""
    files = MemoryFiles()
    files.put("/home/ann/notes", file(b"buy milk\n"))
    files.put("/srv/motd", file(b"hello\n"))
    files.put("/etc/passwd", file(b"root:x:0:0::/root:/bin/sh\n", uid=0))
    return files


@dataclass
class MemoryFiles:
    """The tree. `room` is what the disk takes still; `calls` what was asked; `before` is called ahead of each call."""

    root: Node = field(default_factory=folder)
    at_home: str = "/home/ann"
    room: int = 1 << 40
    owns_others: bool = True
    calls: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str], McpSshError | None] | None = None

    def put(self, path: str, node: Node) -> Node:
        """Make a place, with the folders above it."""
        *above, name = path.strip("/").split("/")
        at = self.root
        for part in above:
            at = at.names.setdefault(part, folder())
        at.names[name] = node
        return node

    def names(self, path: str) -> list[str]:
        return sorted(self._at(path).names)

    def content(self, path: str) -> bytes:
        return bytes(self._at(path).content)

    async def home(self) -> str:
        self._asked("home", "~")
        return self.at_home

    async def real(self, path: str) -> str:
        self._asked("real", path)
        return "/" + "/".join(self._real(path))

    async def facts(self, path: str) -> Facts:
        self._asked("facts", path)
        return self._at(path, follow=False).facts()

    async def target(self, path: str) -> str:
        self._asked("target", path)
        return self._at(path, follow=False).target

    async def page(self, path: str, offset: int, most: int) -> Page:
        self._asked("page", path)
        at = self._at(path)
        if at.kind is not Kind.FOLDER:
            raise NotAFileError(f"{path} is no folder")
        raw = sorted(at.names, key=lambda name: name.encode("utf-8", "surrogateescape"))
        rows = [Entry(name, at.names[name].facts(), at.names[name].target) for name in raw[offset : offset + most]]
        return Page(tuple(rows), len(at.names))

    async def make_folder(self, path: str) -> None:
        self._asked("make_folder", path)
        above, name = self._above(path)
        if name in above.names:
            raise FileThereError(f"{path} is there already")
        above.names[name] = Node(Kind.FOLDER, mode=0o700)

    @asynccontextmanager
    async def open(self, path: str, how: Opening) -> AsyncIterator[OpenFile]:
        self._asked(f"open {how.value}", path)
        if how is Opening.CREATE:
            above, name = self._above(path)
            if name in above.names:
                raise FileThereError(f"{path} is there already")
            above.names[name] = file(mode=0o600)
        at = self._at(path)
        if at.kind is Kind.FOLDER:
            raise NotAFileError(f"{path} is a folder")
        if at.is_closed:
            raise FileDeniedError(f"{path} may not be touched like that by the login")
        yield _MemoryFile(self, path, at, how)

    async def replace(self, part: str, path: str) -> None:
        self._asked("replace", path)
        self._move(part, path)

    async def place(self, part: str, path: str) -> None:
        self._asked("place", path)
        above, name = self._above(path)
        if name in above.names:
            raise FileThereError(f"{path} is there already")
        self._move(part, path)

    async def remove(self, path: str) -> None:
        self._asked("remove", path)
        above, name = self._above(path)
        above.names.pop(name, None)

    def _move(self, part: str, path: str) -> None:
        (source, old), (target, new) = self._above(part), self._above(path)
        if new in target.names and target.names[new].kind is Kind.FOLDER:
            raise NotAFileError(f"{path} is a folder")
        target.names[new] = source.names.pop(old)

    def _asked(self, call: str, path: str) -> None:
        self.calls.append((call, path))
        error = self.before(call) if self.before is not None else None
        if error is not None:
            raise error

    def _above(self, path: str) -> tuple[Node, str]:
        *above, name = path.strip("/").split("/")
        at = self._at("/" + "/".join(above))
        if at.is_closed:
            raise FileDeniedError(f"{path} is in a folder that the login may not write to")
        return at, name

    def _at(self, path: str, *, follow: bool = True) -> Node:
        parts = self._real(path, follow=follow)
        at = self.root
        for part in parts:
            at = at.names[part]
        return at

    def _real(self, path: str, *, follow: bool = True) -> list[str]:
        todo, done, links = [part for part in path.split("/") if part], list[str](), 0
        while todo:
            part = todo.pop(0)
            if part in {".", ".."}:
                done = done[:-1] if part == ".." else done
                continue
            at = self.root
            for each in done:
                at = at.names[each]
            found = at.names.get(part) if at.kind is Kind.FOLDER else None
            if found is None:
                raise NoSuchFileError(f"{path} is not there")
            if found.kind is Kind.LINK and (todo or follow):
                links += 1
                if links > most_links:
                    raise NoSuchFileError(f"{path} is a link that leads nowhere")
                done = [] if found.target.startswith("/") else done
                todo = [each for each in found.target.split("/") if each] + todo
            else:
                done.append(part)
        return done


def parts(files: MemoryFiles, path: str = "/srv") -> list[str]:
    """What was not cleaned up."""
    return [name for name in files.names(path) if name.startswith(".mcp-ssh")]


@dataclass
class _MemoryFile:
    files: MemoryFiles
    path: str
    node: Node
    how: Opening

    async def read(self, offset: int, size: int) -> bytes:
        self.files._asked("read", self.path)
        return bytes(self.node.content[offset : offset + size])

    async def write(self, offset: int, data: bytes) -> None:
        self.files._asked("write", self.path)
        if len(data) > self.files.room:
            raise DiskFullError(f"{self.path} has no room: the disk is full")
        self.files.room -= len(data)
        at = len(self.node.content) if self.how is Opening.APPEND else offset
        self.node.content[at : at + len(data)] = data

    async def facts(self) -> Facts:
        return self.node.facts()

    async def settle(self, *, mode: int | None = None, owner: tuple[int, int] | None = None) -> bool:
        self.files._asked("settle", self.path)
        if mode is not None:
            self.node.mode = mode
        if owner is not None and owner != (self.node.uid, self.node.gid):
            if not self.files.owns_others:
                return False
            self.node.uid, self.node.gid = owner
        return True
