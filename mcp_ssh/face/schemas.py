"""The output schemas of the tools: what a program reads of a result."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Sparse(BaseModel):
    """A result without the fields that it has nothing to say in: their default is None, and none is ever null."""

    model_config = ConfigDict(json_schema_extra={"sparse": True})


class HostRow(BaseModel):
    """One configured host."""

    host: str
    address: str
    port: int
    user: str
    shell: Literal["posix", "cli"]
    tags: list[str]
    description: str
    enabled: bool
    open_sessions: int


class HostList(BaseModel):
    """All configured hosts."""

    hosts: list[HostRow]


class SaidRow(BaseModel):
    """What would be said of one command."""

    command: str
    answer: str
    rule: str
    reason: str


class OpenRow(BaseModel):
    """What is known of an open session; empty where nothing is."""

    session: str
    shell: str
    platform: str
    server: str
    login_shell: str
    sent_by: str
    host_key: str


class HostDetail(BaseModel):
    """One host in detail. Of `limits` those that are None are not set; `secrets` are what one is configured for."""

    host: str
    address: str
    port: int
    user: str
    shell: str
    platform: str
    transport: str
    tags: list[str]
    description: str
    enabled: bool
    access: str
    confirm: str
    limits: dict[str, Any]
    files: dict[str, Any]
    secrets: list[str]
    judged: list[SaidRow]
    sessions: list[OpenRow]


class Connected(BaseModel):
    """An open session."""

    host: str
    session: str
    address: str
    reused: bool
    shell: str | None
    mode: str | None
    platform: str | None
    server: str
    host_key: str | None
    notes: list[str]


class RunResult(BaseModel):
    """One command. A non-zero exit_code is a result, not an error."""

    host: str
    outcome: str
    handle: str | None
    session: str | None = None
    mode: str | None = None
    directory: str | None = None
    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    stdout_bytes: int
    stderr_bytes: int
    left_out_bytes: int
    duration_ms: float
    notes: list[str]
    stdout_base64: str | None = None
    device_error: str | None = None
    question: str | None = None
    rows: list[dict[str, Any]] | None = None


class Reading(BaseModel):
    """A part of an output. `next_offset` is where to read on; None at its end."""

    handle: str
    host: str
    outcome: str
    exit_code: int | None
    text: str
    offset: int | None
    next_offset: int | None
    total_bytes: int
    notes: list[str]


class FleetGroup(Sparse):
    """Hosts that answered alike. `handles` lead to the rest of long outputs."""

    hosts: list[str]
    outcome: str
    exit_code: int | None = None
    error: str | None = None
    message: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    handles: dict[str, str] | None = None


class FleetResult(Sparse):
    """A command on many hosts: equal answers once, the most frequent first."""

    task: str | None = None
    state: str
    total: int
    groups: list[FleetGroup]
    running: list[str] | None = None
    waiting: list[str] | None = None
    notes: list[str]


class TaskReading(Sparse):
    """A part of a task's output, by bytes or lines."""

    task: str
    state: str
    text: str
    offset: int | None = None
    next_offset: int | None = None
    next_line: int | None = None
    omitted_bytes: int
    bytes: int
    lines: int
    notes: list[str]


class TaskState(Sparse):
    """A command in the background as it stands."""

    task: str
    host: str
    state: str
    notes: list[str]


class TaskView(Sparse):
    """The same with all that is known; with its output once it is over. `tasks` where none was named."""

    task: str | None = None
    host: str | None = None
    state: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    error: str | None = None
    seconds: float | None = None
    bytes: int | None = None
    lines: int | None = None
    stdout: str | None = None
    stderr: str | None = None
    question: str | None = None
    notes: list[str] | None = None
    tasks: list[dict[str, Any]] | None = None


class SessionRow(BaseModel):
    """One open session; `shell` is the handle of the shell that it carries."""

    session: str
    shell: str | None
    host: str
    address: str
    user: str
    idle_seconds: float
    age_seconds: float
    commands: int
    running: int
    closes_in_seconds: float | None


class SessionList(BaseModel):
    """All open sessions."""

    sessions: list[SessionRow]


class Disconnected(BaseModel):
    """What was closed."""

    host: str
    closed: list[str]
    notes: list[str]


class FindingRow(BaseModel):
    """One reason."""

    rule: str
    level: str
    reason: str
    text: str


class LayerRow(BaseModel):
    """What one layer said."""

    layer: str
    answer: str
    rule: str
    reason: str


class Plan(BaseModel):
    """What would happen."""

    host: str
    would_run: bool
    confirmation_would_help: bool
    level: str
    layers: list[LayerRow]
    findings: list[FindingRow]
    judged: list[str]
    timeout_seconds: float


class Reloaded(BaseModel):
    """What a new configuration changed."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    restart_needed: bool


class Pong(BaseModel):
    """The server is well."""

    version: str
    hosts: int
    sessions: int
    uptime_seconds: float
