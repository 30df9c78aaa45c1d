"""What is asked: a command with its limits, and the request that carries it through the pipeline."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.files import FileWish
from mcp_ssh.model.nodes import NodeWish
from mcp_ssh.model.principal import Answer, Principal
from mcp_ssh.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Command:
    """The text exactly as it will run, with its limits. `max_output_bytes` counts for each of the two outputs.

    `idle_s`: it is ended when nothing came for that long. `mode`: the mode of the command line that it runs in.
    `stdin`: a line that it reads, on exec channels only; without one its input is at its end. `parsed` and `reads_only`
    are what safety said of it: that its structure could be read, and that it changes nothing.
    """

    text: str
    timeout_s: float
    max_output_bytes: int
    idle_s: float | None = None
    mode: str | None = None
    stdin: Secret | None = None
    parsed: bool = False
    reads_only: bool = False


class Key(StrEnum):
    """Keys that have no character. `ctrl-c` interrupts, by whichever key the platform has for it."""

    ENTER = "enter"
    CTRL_C = "ctrl-c"
    CTRL_D = "ctrl-d"
    CTRL_Z = "ctrl-z"
    ESCAPE = "escape"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Speech:
    """What is said to a program that asks or runs: a text, a key, or a secret that is never shown."""

    text: str = ""
    enter: bool = True
    key: Key | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A command as a caller asks for it, or what is said to a program that runs, as it is recorded.

    `None` leaves a limit to the host and the settings, and the mode to where the shell is. `secret` names what the
    command reads on its input.
    """

    text: str
    timeout_s: float | None = None
    max_output_bytes: int | None = None
    mode: str | None = None
    secret: str | None = None


class Operation(StrEnum):
    """What a tool asks of a host. The value is what the audit log says under `tool`."""

    CONNECT = "ssh_connect"
    RUN = "ssh_run"
    RUN_ASYNC = "ssh_run_async"
    RUN_MANY = "ssh_run_many"
    SHELL = "ssh_shell"
    SEND = "ssh_send"
    DISCONNECT = "ssh_disconnect"
    PLAN = "ssh_plan"
    READ_FILE = "ssh_read_file"
    WRITE_FILE = "ssh_write_file"
    LIST_FOLDER = "ssh_list_directory"
    TRANSFER = "ssh_transfer"
    SYSTEM_INFO = "ssh_system_info"
    SERVICE_STATUS = "ssh_service_status"
    INSTALL = "ssh_install_package"
    ADD_HOST = "ssh_add_host"
    REMOVE_HOST = "ssh_remove_host"
    ENABLE_HOST = "ssh_enable_host"
    ROTATE_IDENTITY = "identity_rotate"


@dataclass(frozen=True, slots=True)
class Context:
    """What a judgement takes for granted of the shell that it is for.

    `mode` and `directory` as they were told last. `answers`: the command whose question is answered as its platform
    lists it, or with the secret that it asks for. `stops`: it only interrupts.
    """

    mode: str | None = None
    directory: str | None = None
    question: str | None = None
    answers: str | None = None
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One call on one host. `id` joins its records; `confirmed` is the model's `confirm_dangerous`.

    `can_ask` and `answer` are about a person at the client, as with a `Caller`. `is_part`: one of several of a call.
    It has a `wish`, a `file`, a `node`, or none of them.
    """

    id: str
    principal: Principal
    operation: Operation
    host: str
    wish: Wish | None = None
    confirmed: bool = False
    client: str = ""
    context: Context = Context()
    can_ask: bool = False
    answer: Answer | None = None
    is_part: bool = False
    file: FileWish | None = None
    node: NodeWish | None = None

    @property
    def text(self) -> str:
        """The command, or the one that would do the same; empty where nothing runs."""
        if self.file is not None:
            return self.file.script or self.file.line
        return self.wish.text if self.wish is not None else ""
