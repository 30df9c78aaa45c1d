"""The one channel of a connection that its files are reached by: opened when it is wanted, and again when it broke."""

import asyncio
import contextlib

import asyncssh
from asyncssh.sftp import start_sftp_client

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError
from mcp_ssh.transport.ground import Why
from mcp_ssh.transport.sftp import SftpFiles, Spawn
from mcp_ssh.transport.shellfiles import ShellFiles, shell_files
from mcp_ssh.transport.shellscript import Exec

start_wait_s = 10.0
end_wait_s = 1.0
refused_tries, refused_pause_s = 20, 0.1
request_failed = 0xFFFFFFFF
"""asyncssh's own code for a channel that stands and whose request the host did not take."""


class FileChannel:
    """Belongs to its connection. A host that has no SFTP is asked by its shell instead, on channels of their own."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        ended: asyncio.Future[Exception | None],
        commands: Exec,
        spawn: Spawn,
        why: Why,
    ) -> None:
        self._connection = connection
        self._ended = ended
        self._commands = commands
        self._spawn = spawn
        self._why = why
        self._files: SftpFiles | ShellFiles | None = None
        self._turn = asyncio.Lock()

    async def opened(self) -> Files:
        """The files. Raises `NoFilesError`, `ChannelRefusedError` or `SessionLostError`: nothing was sent."""
        async with self._turn:
            if self._files is None or (isinstance(self._files, SftpFiles) and self._files.has_ended):
                self._files = await asyncio.shield(self._spawn(self._new()))
            return self._files

    async def gave_way(self) -> bool:
        """Give the channel's place to a command that the host had none for; whether there was a channel.

        Only for a channel that nobody uses now.
        """
        files = self._files
        if not isinstance(files, SftpFiles) or files.has_ended:
            return False
        files.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(end_wait_s):
                await files.left()
        return True

    async def _new(self) -> SftpFiles | ShellFiles:
        for left in reversed(range(refused_tries)):  # commands end meanwhile, and leave their places
            try:
                return await self._sftp() or await shell_files(self._commands)
            except ChannelRefusedError:
                if left == 0:
                    raise
                await asyncio.sleep(refused_pause_s)
        raise AssertionError  # the last try returns or raises

    async def _sftp(self) -> SftpFiles | None:
        """The channel; None where the host has no such thing."""
        try:
            writer, reader, _ = await self._connection.open_session(subsystem="sftp", encoding=None)
        except asyncssh.ChannelOpenError as error:
            if error.code == request_failed and not self._ended.done():
                return None
            raise self._lost() or ChannelRefusedError(f"the host opened no channel ({error})".rstrip(".")) from error
        except (asyncssh.Error, OSError) as error:
            raise self._why(error) from error
        try:
            async with asyncio.timeout(start_wait_s):
                loop = asyncio.get_running_loop()
                client = await start_sftp_client(self._connection, loop, "replace", reader, writer, None, "strict", 3)
        except (asyncssh.Error, OSError, EOFError, TimeoutError) as error:
            writer.channel.abort()
            if lost := self._lost():
                raise lost from error
            return None  # a subsystem that is configured and not there, or a forced command that speaks of other things
        return SftpFiles(client, writer.is_closing, self._lost, self._spawn)

    def _lost(self) -> McpSshError | None:
        """Why the connection ended, if it did."""
        return self._why(self._ended.result()) if self._ended.done() else None
