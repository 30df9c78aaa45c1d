"""The composition root: configuration in, a wired daemon out. The only file that knows every part."""

import asyncio
import functools
import logging
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from mcp_ssh.audit.disk.opened import audit_log
from mcp_ssh.config.addedstore import AddedStore
from mcp_ssh.config.devicekeys import DeviceKeys
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.secrets import DaemonSecrets, secret_names
from mcp_ssh.config.snapshot import Configuration
from mcp_ssh.config.tokenfile import TokenFile
from mcp_ssh.outputs.rows import RowReader
from mcp_ssh.outputs.store import OutputStore
from mcp_ssh.platforms import LoginNames, drivers, idle_timeout_s, scrubbing
from mcp_ssh.ports import AuditSink, Clock, Transport
from mcp_ssh.recording.transport import recorded
from mcp_ssh.service.approvals import Approvals
from mcp_ssh.service.background import Background
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.daemon import Daemon
from mcp_ssh.service.describe import Describer
from mcp_ssh.service.door import Door
from mcp_ssh.service.evidence import Calls, RecordedTransport, SessionRecords
from mcp_ssh.service.files import Files
from mcp_ssh.service.fleets import Fleets
from mcp_ssh.service.installs import Installer
from mcp_ssh.service.judge import Judge
from mcp_ssh.service.keptfacts import KeptFacts
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.logins import Logins
from mcp_ssh.service.nodeparts import NodeParts
from mcp_ssh.service.nodes import Nodes
from mcp_ssh.service.pipeline import Pipeline
from mcp_ssh.service.rates import Rates
from mcp_ssh.service.reading import Reader
from mcp_ssh.service.reload import Reload, tell_warnings
from mcp_ssh.service.runs import Runs
from mcp_ssh.service.services import Services
from mcp_ssh.service.shells import Shells
from mcp_ssh.service.steps import Steps
from mcp_ssh.service.system import System
from mcp_ssh.service.tasks import Tasks
from mcp_ssh.service.terminals import Terminals
from mcp_ssh.service.tokens import Tokens
from mcp_ssh.service.transfers import Transfers
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.transfers.folder import TransferFolder
from mcp_ssh.transport.algorithms import supported
from mcp_ssh.transport.identity import Identity
from mcp_ssh.transport.resolve import CachingResolver
from mcp_ssh.transport.sightings import Sightings
from mcp_ssh.transport.tunnelkeeper import TunnelKeeper
from mcp_ssh.transport.tunnellistener import TunnelListener
from mcp_ssh.transport.tunnels import Tunnels
from mcp_ssh.transport.ways import Ways
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.registry import known


class SystemClock:
    """The time of the real world."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class App(Services):
    """A running daemon, for faces to call."""

    configuration: Configuration


@asynccontextmanager
async def running(environment: Environment, environ: Mapping[str, str]) -> AsyncIterator[App]:
    """Load the configuration and wire a daemon; on exit sessions are closed and commands that run are ended.

    Raises `ConfigurationError` before anything is opened, `AuditUnavailableError` if the log cannot be written.
    """
    profiles = functools.cache(known)  # a daemon's are those of its start, in each reload as well
    configuration = Configuration(lambda: load(environment, profiles, supported()))
    settings = configuration.current.settings
    configure_logging(settings.log_level)
    tell_warnings(configuration.current)
    clock = SystemClock()
    secrets = DaemonSecrets(
        environ, lambda: configuration.current.settings, lambda: secret_names(configuration.current, environ)
    )
    await secrets.fetch([settings.audit.key_env] if settings.audit.key_env else [])
    keyrings = Keyrings(secrets, secrets.fetch)
    sightings = Sightings(settings.state_dir)
    tunnels = Tunnels(sightings)
    async with (
        audit_log(settings, clock, secrets, keyrings.known) as audit,
        TunnelListener(
            settings,
            tunnels,
            TunnelKeeper(
                tunnels=tunnels, keys=DeviceKeys(configuration), sightings=sightings, audit=audit, clock=clock
            ),
        ) as listener,
        recorded(Ways(settings, environ, tunnels), settings, clock, audit, keyrings.known) as transport,
        wired(configuration, audit, transport, clock, keyrings, tunnels, profiles) as app,
        app.reload.watching(environment.reload_interval_s),
    ):
        with app.reload.listening(listener.hears):
            yield app


@asynccontextmanager
async def wired(  # noqa: PLR0913, PLR0917  each is one of the daemon's surroundings
    configuration: Configuration,
    audit: AuditSink,
    transport: Transport,
    clock: Clock,
    keyrings: Keyrings,
    tunnels: Tunnels | None = None,
    profiles_of: Callable[[str | None], Mapping[str, Profile]] = known,
) -> AsyncIterator[App]:
    """A daemon from parts that may be other ones in a test."""
    settings = configuration.current.settings
    resolver, profiles = CachingResolver(clock), profiles_of(settings.profiles_dir)
    pool = Pool(
        transport=RecordedTransport(LoginNames(transport, profiles), audit),
        driver_for=scrubbing(drivers(profiles), keyrings.known),
        clock=clock,
        max_sessions=settings.max_sessions,
        idle_timeout_s=lambda host: idle_timeout_s(host, settings, profiles),
        log=SessionRecords(audit),
    )
    judge = Judge(configuration, resolver, tunnels)
    outputs = OutputStore(f"{settings.state_dir}/outputs", clock, quota_bytes=settings.outputs_quota_bytes)
    background = Background(outputs, configuration)
    runs, shells = Runs(background, configuration), Shells()
    approvals, rates = Approvals(configuration, audit, clock), Rates(configuration, clock)
    async with (
        outputs,
        pool,
        Pipeline(
            judge=judge,
            approvals=approvals,
            audit=audit,
            pool=pool,
            rates=rates,
            keyrings=keyrings,
        ) as pipeline,
    ):
        files = Files(pipeline, keyrings)
        logins = Logins(pipeline, audit)
        commands = Commands(
            configuration=configuration,
            judge=judge,
            pipeline=pipeline,
            pool=pool,
            audit=audit,
            runs=runs,
            shells=shells,
            keyrings=keyrings,
            logins=logins,
        )
        terminals = Terminals(
            configuration=configuration,
            pipeline=pipeline,
            pool=pool,
            runs=runs,
            shells=shells,
            keyrings=keyrings,
            logins=logins,
        )
        steps = Steps(configuration=configuration, pipeline=pipeline, commands=commands, runs=runs, approvals=approvals)
        kept = KeptFacts(clock)
        system = System(configuration=configuration, steps=steps, kept=kept, audit=audit)
        reload = Reload(configuration, pool, audit)
        yield App(
            configuration=configuration,
            reload=reload,
            daemon=Daemon(configuration=configuration, pool=pool, clock=clock),
            commands=commands,
            describer=Describer(configuration, judge, commands),
            system=system,
            installer=Installer(configuration, system, steps),
            terminals=terminals,
            background=background,
            tasks=Tasks(commands, terminals, background),
            fleets=Fleets(
                configuration=configuration,
                judge=judge,
                approvals=approvals,
                rates=rates,
                pipeline=pipeline,
                commands=commands,
                background=background,
                clock=clock,
            ),
            reader=Reader(background),
            approvals=approvals,
            door=Door(audit, clock),
            calls=Calls(audit),
            rows=RowReader(),
            files=files,
            transfers=Transfers(
                judge=judge,
                pipeline=pipeline,
                files=files,
                folder=TransferFolder(settings.transfer_dir),
                background=background,
                tell_every_s=settings.task_progress_interval_s,
            ),
            nodes=Nodes(
                NodeParts(
                    configuration=configuration,
                    pipeline=pipeline,
                    pool=pool,
                    keyrings=keyrings,
                    keys=Identity(settings.state_dir),
                    store=AddedStore(settings.state_dir),
                    reload=reload,
                    audit=audit,
                    clock=clock,
                    kept=kept,
                )
            ),
            keyrings=keyrings,
            tokens=Tokens(configuration, TokenFile(settings.state_dir), clock),
        )


def configure_logging(level: str) -> None:
    """Logs to stderr, JSON where nobody looks. The audit log is not among them: a level could drop a record."""
    # The library tells whoever runs a host with `legacy_crypto` that it is old; the operator wrote that himself.
    warnings.filterwarnings("ignore", message="Diffie-Hellman over finite fields")
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
