"""Files of a host without SFTP, such as one with dropbear: by its POSIX shell, on exec channels of any connection.

No path ever stands on a command line. Each request is a fixed text for `sh`; the paths come on its input, written as
octal escapes for `printf %b`, so there is nothing to quote and nothing that a name could say to a shell, whichever one
the login has. Beside sh it takes what BusyBox has: cat, dd, mv, rm, chmod, readlink, and stat or ls.

An exec channel has no back-pressure. So a file is read and written in pieces, each on a channel of its own, and never
more than one piece is under way.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from mcp_ssh.hostfiles import OpenFile, Opening
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError, SessionLostError
from mcp_ssh.model.fileerrors import FileError, NoFilesError
from mcp_ssh.model.files import Entry, Facts, Page, named
from mcp_ssh.ports import Channel, Stream
from mcp_ssh.transport.shellscript import Exec, complaint, facts_of, request, words

piece_bytes = 2_097_152
block_bytes = 65_536
most_answer_bytes = 4_194_304
most_counted = 5_000
"""Names of one folder that are told: the host looks at each by a program of its own."""
probe_wait_s = 10.0
refused_tries, refused_pause_s = 20, 0.1

_find = 'if [ -e "$p" ] || [ -L "$p" ]; then :; else ls -d "$p" >/dev/null; exit 1; fi; '
_facts = 'stat -c "%f %s %u %g %Y" "$p" 2>/dev/null || ls -ldn "$p"'
_page = (
    'ls -d "$p/." >/dev/null || exit 1; '
    'cd "$p" 2>/dev/null && [ -r . ] || { echo "Permission denied" >&2; exit 1; }; '
    "n=0; for f in * .*; do case $f in .|..) continue;; esac; "
    '[ -e "./$f" ] || [ -L "./$f" ] || continue; n=$((n+1)); [ $n -gt $from ] || continue; [ $n -le $to ] || continue; '
    's=$(stat -c "%f %s %u %g %Y" "./$f" 2>/dev/null || ls -ldn "./$f"); t=; '
    'if [ -L "./$f" ]; then t=$(readlink "./$f"; echo x); fi; '
    'printf "%s\\000" "${s%%./*}" "$f" "$t"; [ $n -lt $most ] || break; done; printf "%s\\000" "$n"'
)
_settle = 'fsync "$p" 2>/dev/null || sync "$p" 2>/dev/null || :'
_to_folder = 'if [ -d "$q" ]; then echo "Is a directory" >&2; exit 1; fi; '
_place = (
    'if [ -e "$q" ] || [ -L "$q" ]; then echo "File exists" >&2; exit 1; fi; '
    'if ln "$p" "$q" 2>/dev/null; then rm -f "$p"; exit 0; fi; '
    'if [ -e "$q" ] || [ -L "$q" ]; then echo "File exists" >&2; exit 1; fi; mv "$p" "$q"'
)


async def shell_files(connection: Exec) -> "ShellFiles":
    """The files of a host that has a POSIX shell. Raises `NoFilesError` for one that has none."""
    files = ShellFiles(connection)
    try:
        async with asyncio.timeout(probe_wait_s):
            told = await files.asked("~", "echo mcp-ssh files")
    except (FileError, TimeoutError):
        told = b""
    if told != b"mcp-ssh files\n":
        raise NoFilesError(
            "the host has neither SFTP nor a POSIX shell; nothing was sent to its files",
            hint="switch SFTP on in its SSH server, or use ssh_run with the host's own commands",
        )
    return files


class ShellFiles:
    """A `Files`."""

    def __init__(self, connection: Exec) -> None:
        self._connection = connection

    async def home(self) -> str:
        """Where a command begins."""
        return _text((await self.asked("~", "cd && pwd -P")).removesuffix(b"\n"))

    async def real(self, path: str) -> str:
        """Where it leads."""
        script = _find + 'readlink -f "$p" || { echo "No such file" >&2; exit 1; }'
        real = _text((await self.asked(path, script, path)).removesuffix(b"\n"))
        await self.asked(path, _find + ":", real)
        return real

    async def facts(self, path: str) -> Facts:
        """What stands there."""
        told = await self.asked(path, _find + _facts, path)
        return facts_of(told.decode("utf-8", "replace"))

    async def target(self, path: str) -> str:
        """What the link says."""
        return _text((await self.asked(path, 'readlink "$p"', path)).removesuffix(b"\n"))

    async def page(self, path: str, offset: int, most: int) -> Page:
        """The host's shell sorts them, by bytes."""
        bounds = f"from={offset}; to={offset + most}; most={most_counted}; "
        *told, count, _ = (await self.asked(path, bounds + _page, path)).split(b"\0")
        rows = zip(told[::3], told[1::3], told[2::3], strict=True)
        entries = tuple(
            Entry(_text(name), facts_of(facts.decode("utf-8", "replace")), _text(target.removesuffix(b"\nx")))
            for facts, name, target in rows
        )
        total = int(count)
        return Page(entries, total, is_cut=total >= most_counted)

    async def make_folder(self, path: str) -> None:
        """Make it, 0700."""
        await self.asked(path, 'umask 077; mkdir "$p"', path)

    @contextlib.asynccontextmanager
    async def open(self, path: str, how: Opening) -> AsyncIterator[OpenFile]:
        """There is no handle: each piece names the file again."""
        position = 0
        match how:
            case Opening.READ:
                await self.asked(path, ': < "$p"', path)
            case Opening.CREATE:
                await self.asked(path, 'set -C; umask 077; : > "$p"', path)
            case Opening.APPEND:
                await self.asked(path, _find + ': >> "$p"', path)
                position = (await self.facts(path)).size
        yield _ShellFile(self, path, position)

    async def replace(self, part: str, path: str) -> None:
        """`mv -f` is a rename, within one folder."""
        await self.asked(path, _to_folder + 'mv -f "$p" "$q"', part, path)

    async def place(self, part: str, path: str) -> None:
        """A hard link takes no name that is taken; without links there is a moment between the look and the rename."""
        await self.asked(path, _place, part, path)

    async def remove(self, path: str) -> None:
        """Remove it."""
        await self.asked(path, 'rm -f "$p"', path)

    async def asked(self, about: str, script: str, *paths: str, data: bytes = b"") -> bytes:
        """What the script puts out; it knows the paths as `$p` and `$q`, and reads `data`. Raises what it complains of.

        When its caller is cancelled the channel is closed, and the script ends of that as soon as it reads or writes.
        """
        ear = await self._sent(request(script, len(paths)), words(paths) + data)
        try:
            await ear.over.wait()
        finally:
            if ear.channel is not None:
                ear.channel.close()
        if ear.lost is not None:
            raise ear.lost
        if ear.code != 0 or ear.is_full:
            raise complaint(about, bytes(ear.complaint), ear.code)
        return bytes(ear.out)

    async def _sent(self, command: str, stdin: bytes) -> "_Ear":
        for left in reversed(range(refused_tries)):
            ear = _Ear(stdin)
            try:
                await self._connection.open_exec(command, ear)
            except ChannelRefusedError:
                if left == 0:
                    raise
                await asyncio.sleep(refused_pause_s)
            else:
                ear.say()
                return ear
        raise AssertionError  # the last try returns or raises


@dataclass(slots=True)
class _ShellFile:
    """An `OpenFile`, read from anywhere and written from where it ends."""

    files: ShellFiles
    path: str
    position: int

    async def read(self, offset: int, size: int) -> bytes:
        parts = list[bytes]()
        while size > 0:
            piece = min(size, piece_bytes)
            got = await self._piece(offset, piece)
            parts.append(got)
            offset, size = offset + len(got), size - len(got)
            if len(got) < piece:
                break
        return b"".join(parts)

    async def _piece(self, offset: int, size: int) -> bytes:
        if offset == 0:  # what the kernel makes up, as in /proc, comes in short reads, which dd counts as blocks
            return await self.files.asked(self.path, f'head -c {size} < "$p"', self.path)
        first, skip = divmod(offset, block_bytes)
        script = f'dd bs={block_bytes} skip={first} count={-(-(skip + size) // block_bytes)} < "$p" 2>/dev/null'
        return (await self.files.asked(self.path, script, self.path))[skip : skip + size]

    async def write(self, offset: int, data: bytes) -> None:
        del offset  # always at the end
        for start in range(0, len(data), piece_bytes):
            piece = data[start : start + piece_bytes]
            told = await self.files.asked(self.path, 'cat >> "$p" && wc -c < "$p"', self.path, data=piece)
            self.position += len(piece)
            if told.strip() != str(self.position).encode("ascii"):
                raise FileError(f"{named(self.path)} was not written whole, or by somebody else as well")

    async def facts(self) -> Facts:
        return await self.files.facts(self.path)

    async def settle(self, *, mode: int | None = None, owner: tuple[int, int] | None = None) -> bool:
        is_owned = True
        if owner is not None:
            try:
                await self.files.asked(self.path, f'chown {owner[0]}:{owner[1]} "$p"', self.path)
            except FileError:
                is_owned = False
        chmod = f'chmod {mode:04o} "$p" && ' if mode is not None else ""
        await self.files.asked(self.path, f"{chmod}{{ {_settle}; }}", self.path)
        return is_owned


class _Ear:
    """A `Receiver` of one script: its output up to a bound, the first lines of its complaints, how it ended."""

    def __init__(self, stdin: bytes) -> None:
        self._stdin = stdin
        self.channel: Channel | None = None
        self.out = bytearray()
        self.complaint = bytearray()
        self.code: int | None = None
        self.lost: McpSshError | None = None
        self.is_full = False
        self.over = asyncio.Event()

    def say(self) -> None:
        """Hand over its input."""
        if self.channel is not None:
            self.channel.write(self._stdin)
            self.channel.write_eof()

    def opened(self, channel: Channel) -> bool:
        self.channel = channel
        return True

    def data(self, chunk: bytes, stream: Stream) -> None:
        kept, most = (self.out, most_answer_bytes) if stream is Stream.STDOUT else (self.complaint, 4_096)
        self.is_full = self.is_full or (stream is Stream.STDOUT and len(kept) + len(chunk) > most)
        kept += chunk[: max(0, most - len(kept))]

    def exited(self, code: int | None, signal: str | None) -> None:
        del signal
        self.code = code

    def closed(self, error: McpSshError | None) -> None:
        if error is not None:
            self.lost = error if isinstance(error, SessionLostError) else None
        self.over.set()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
