"""What shells of every kind have in common: what is typed for a speech, and when a command may be sent."""

from mcp_ssh.model.command import Key, Speech
from mcp_ssh.model.errors import NotAtPromptError, NothingAsksError, SessionLostError
from mcp_ssh_drivers.exchange import State

asking = frozenset({State.QUESTION, State.PASSWORD})
_keys = {Key.CTRL_C: "\x03", Key.CTRL_D: "\x04", Key.CTRL_Z: "\x1a", Key.ESCAPE: "\x1b", Key.SPACE: " ", Key.ENTER: ""}


def text_of(speech: Speech) -> str:
    """What is typed, without Enter."""
    if speech.secret is not None:
        return speech.secret.reveal()
    return speech.text if speech.key is None else _keys[speech.key]


def has_enter(speech: Speech) -> bool:
    """Whether Enter follows."""
    return speech.enter if speech.key is None else speech.key is Key.ENTER


def refuse_unless_ready(state: State, question: str | None) -> None:
    """Raise what a caller must know if no command can be sent now."""
    if state in asking:
        raise NotAtPromptError(
            f"an answer to {(question or '')[:200]!r} is waited for; nothing was sent",
            hint="answer with ssh_send, or leave it with ssh_send key ctrl-c",
        )
    if state is not State.READY:
        raise SessionLostError("the shell is gone; nothing was sent", hint="the next call opens a new one")


def refuse_unless_spoken_to(state: State) -> None:
    """Raise if no program runs or asks: at a prompt the words would be a command that nobody has judged."""
    if state not in asking | {State.RUNNING}:
        raise NothingAsksError(
            "the program that this was meant for is over; nothing was sent", hint="run a command with ssh_shell"
        )


def refuse_unless_asking(state: State) -> None:
    """Raise what a caller must know if nothing can be answered now."""
    if state not in asking:
        raise NothingAsksError(
            "nothing waits for an answer in this shell; nothing was sent", hint="run a command with ssh_shell"
        )
