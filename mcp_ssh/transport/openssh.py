"""Hosts by the system's ssh client: ProxyCommand, GSSAPI, hardware keys, algorithms that our library has dropped.

One master process is the connection (ControlMaster); each channel is a client of it, on pipes or on a terminal.
"""

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.environ import plain
from mcp_ssh.model.errors import (
    ChannelRefusedError,
    ConnectionFailedError,
    McpSshError,
    SecretMissingError,
    SessionLostError,
)
from mcp_ssh.model.host import Host, agent_variable
from mcp_ssh.model.question import Question
from mcp_ssh.model.result import Peer
from mcp_ssh.model.secret import Secret
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Pty, Receiver, Secrets, Stream, Through
from mcp_ssh.transport.muxlog import stood
from mcp_ssh.transport.questions import who_is_asked
from mcp_ssh.transport.shellfiles import ShellFiles, shell_files
from mcp_ssh.transport.sshclient import Master, Seen, name_of, options
from mcp_ssh.transport.terminals import LateChannel, PipeChannel, TerminalChannel

look_s = 0.01
alive_look_s = 0.5
stand_wait_s = 15.0
ssh_failed = 255
"""What ssh ends with where it is not the host's program that ended."""


class OpenSshTransport:
    """A `Transport` by the `ssh` of this machine."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = plain(environ, ("KRB5CCNAME", "KRB5_CONFIG", "SSH_SK_PROVIDER"))

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """Try the addresses in order. Without any, the client's own configuration says where to go."""
        del through  # the client's own configuration knows its jump hosts
        program = shutil.which("ssh", path=self._environ.get("PATH"))
        if program is None:
            raise ConnectionFailedError("there is no ssh on this machine", hint="install the OpenSSH client")
        environ, secret = self._with_agent(host, secrets), _secret(host, secrets)
        ask = _person(host, secrets)
        problem: McpSshError | None = None
        share_s = self._settings.connect_timeout_s / max(1, len(addresses))
        for address in addresses or (None,):
            try:
                return await self._connect(host, program, address, environ, secret, ask, share_s)
            except ConnectionFailedError as error:
                problem = error
                if not error.retryable:  # the host answered: its other addresses would say the same
                    break
        assert problem is not None  # noqa: S101  there was one try at least
        raise problem

    async def _connect(  # noqa: PLR0913, PLR0917  each is a part of one login
        self,
        host: Host,
        program: str,
        address: str | None,
        environ: Mapping[str, str],
        secret: Secret | None,
        ask: Callable[[Question], Secret] | None,
        seconds: float,
    ) -> Connection:
        own = f"{self._settings.state_dir}/known_hosts"
        folder = await asyncio.to_thread(_prepared, self._settings.state_dir)
        base = options(host, address, [own, *self._settings.known_hosts], self._settings.keepalive_interval_s)
        control = folder / "c"
        command = [program, "-v", "-E", str(folder / "log"), "-M", "-N", "-S", str(control), *base, "--", name_of(host)]
        where = f"{address or host.address}:{host.port}"
        master = Master(command, control, folder / "log", host, where, secret, threading.Event(), ask)
        try:
            seen = await asyncio.to_thread(master.log_in, environ, seconds)
        except BaseException:
            master.stop.set()
            await asyncio.shield(asyncio.to_thread(_ended, master, folder))
            raise
        client = [program, "-S", str(control), "-o", "ControlMaster=no", "-o", "ProxyCommand=false", *base]
        return _Multiplexed(master, folder, client, _peer(host, address, seen), environ)

    def _with_agent(self, host: Host, secrets: Secrets) -> Mapping[str, str]:
        if not host.auth.asks_agent:
            return self._environ
        with contextlib.suppress(SecretMissingError):  # GSSAPI needs none
            return self._environ | {agent_variable: secrets.get(agent_variable).reveal()}
        return self._environ


class _Multiplexed:
    """A `Connection`: the master, and those who hang on it."""

    def __init__(
        self, master: Master, folder: Path, client: Sequence[str], peer: Peer, environ: Mapping[str, str]
    ) -> None:
        self._master = master
        self._folder = folder
        self._client = client
        self._environ = environ
        self._number = 0
        self._files: ShellFiles | None = None
        self._channels: set[PipeChannel] = set()
        self._terminals: set[TerminalChannel] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._ended = asyncio.Event()
        self.peer = peer
        self._following = self._spawn(self._follow())

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        """Return when the master has opened a channel for the command."""
        self._refuse_if_ended()
        wanted = LateChannel()
        if not receiver.opened(wanted):
            return
        log = self._new_log()
        words = ("-vv", "-E", str(log), "-T", "--", name_of(self._master.host), command)
        pipe = asyncio.subprocess.PIPE
        with _starting():
            process = await asyncio.create_subprocess_exec(
                *self._client, *words, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environ
            )
        channel = PipeChannel(process)
        try:
            await self._stands(process, log)
        except SessionLostError as error:
            if not error.sent:
                raise
            receiver.closed(error)
            return
        wanted.becomes(channel)
        self._channels.add(channel)
        self._spawn(self._carry(process, channel, receiver))

    async def _stands(self, process: asyncio.subprocess.Process, log: Path) -> None:
        """Wait until the channel stands. Raises as `stood` does."""
        try:
            async with asyncio.timeout(stand_wait_s):
                await stood(process, log)
        except ChannelRefusedError:
            await _killed(process)
            if self._master.is_alive():
                raise
            raise SessionLostError("the connection was lost", hint="the next call opens a new one") from None
        except BaseException:
            await _killed(process)
            raise
        finally:
            await asyncio.to_thread(log.unlink, missing_ok=True)

    async def _carry(self, process: asyncio.subprocess.Process, channel: PipeChannel, receiver: Receiver) -> None:
        assert process.stdout is not None  # noqa: S101  both are pipes
        assert process.stderr is not None  # noqa: S101  as above
        await asyncio.gather(
            _pumped(process.stdout, receiver, Stream.STDOUT), _pumped(process.stderr, receiver, Stream.STDERR)
        )
        code = await process.wait()
        self._channels.discard(channel)
        error = self._reason(code)
        if error is None and code >= 0 and not self._is_closing:
            receiver.exited(code, None)
        receiver.closed(error)

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        """Start the login's shell in a terminal of its own."""
        self._refuse_if_ended()
        channel = TerminalChannel(receiver, self._reason)
        if not receiver.opened(channel):
            return
        self._terminals = {each for each in self._terminals if not each.is_over} | {channel}
        with _starting():
            await channel.start([*self._client, "-tt", "--", name_of(self._master.host)], pty, self._environ)

    @contextlib.asynccontextmanager
    async def open_files(self) -> AsyncIterator[Files]:
        """By the host's shell: the SFTP of our library does not go through another program."""
        if self._files is None:
            self._files = await shell_files(self)
        yield self._files

    def _reason(self, code: int | None) -> McpSshError | None:
        was_told = code is not None and 0 <= code < ssh_failed
        lost = not was_told and not self._is_closing and not self._master.is_alive()
        return SessionLostError("the connection was lost", hint="the next call opens a new one") if lost else None

    def _refuse_if_ended(self) -> None:
        if self._is_closing or not self._master.is_alive():
            raise SessionLostError("the connection was lost", hint="the next call opens a new one")

    def _new_log(self) -> Path:
        self._number += 1
        return self._folder / f"log{self._number}"

    @property
    def bare(self) -> Connection:
        return self

    def watch(self, *, running: bool) -> None:
        """The client probes at the one interval that it was started with."""

    async def close(self) -> None:
        """End the master, and with it every channel."""
        self._is_closing = True
        for channel in tuple(self._channels):
            channel.close()
        for terminal in tuple(self._terminals):
            terminal.close()
        self._following.cancel()
        await asyncio.to_thread(_ended, self._master, self._folder)
        self._ended.set()

    async def wait_closed(self) -> McpSshError | None:
        """Return when the master has ended."""
        await self._ended.wait()
        return None if self._is_closing else SessionLostError("the connection was lost (ssh has ended)")

    async def _follow(self) -> None:
        while not self._is_closing and self._master.is_alive():  # noqa: ASYNC110  nothing tells of it but looking
            await asyncio.sleep(alive_look_s)
        if not self._is_closing:
            await asyncio.to_thread(_ended, self._master, self._folder)
        self._ended.set()

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """What this machine cannot start is told as what it is: nothing was sent."""
    try:
        yield
    except OSError as error:
        raise ChannelRefusedError(f"ssh cannot be started here: {error.strerror or error}") from None


async def _pumped(stream: asyncio.StreamReader, receiver: Receiver, which: Stream) -> None:
    while chunk := await stream.read(65_536):
        receiver.data(chunk, which)


def _prepared(state_dir: str) -> Path:
    """The folder of the keys that were seen, and one for a socket, whose path must be short."""
    Path(state_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="mcp-ssh-"))


async def _killed(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _ended(master: Master, folder: Path) -> None:
    master.end()
    shutil.rmtree(folder, ignore_errors=True)


def _person(host: Host, secrets: Secrets) -> Callable[[Question], Secret] | None:
    """How a thread asks the person behind the secrets one thing, if there is one."""
    asking, loop = who_is_asked(secrets), asyncio.get_running_loop()
    if asking is None:
        return None

    async def first(question: Question) -> Secret:
        return (await asking.answers(host, question))[0]

    return lambda question: asyncio.run_coroutine_threadsafe(first(question), loop).result()


def _secret(host: Host, secrets: Secrets) -> Secret | None:
    name = host.auth.passphrase_env or host.auth.password_env
    return secrets.get(name) if name is not None else None


def _peer(host: Host, address: str | None, seen: Seen) -> Peer:
    return Peer(address or host.address, host.port, host.user, seen.version, seen.host_key)
