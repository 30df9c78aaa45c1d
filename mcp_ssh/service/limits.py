"""Which limits a command runs under: the caller's wish, within what the host and the settings allow."""

from mcp_ssh.model.command import Command, Wish
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.files import FileWish
from mcp_ssh.model.host import Host
from mcp_ssh.model.settings import Settings

longest_s = 86_400.0
task_s = 3_600.0
"""The time of a command that runs in the background, where nothing else is said."""
longest_reply_s = 3_600.0
transfer_s = 3_600.0
"""The time of a transfer, where the call gives none."""


def within_limits(wish: Wish, host: Host, settings: Settings, usual_s: float | None = None) -> Command:
    """The command with its limits; `usual_s` is its time where the caller wishes none.

    A wish beyond a limit is refused with the figure, never cut down silently.
    """
    most_s = host.limits.max_seconds or longest_s
    most_bytes = host.limits.max_output_bytes or settings.max_output_bytes
    _check_seconds(wish.timeout_s, most_s, host)
    if wish.max_output_bytes is not None and not 0 < wish.max_output_bytes <= most_bytes:
        raise InvalidArgumentError(
            f"max_output_bytes {wish.max_output_bytes} is not within 1 and {most_bytes}, the limit of {host.name}; "
            "nothing was sent",
            hint="give a smaller figure; head and tail of longer outputs are kept",
        )
    return Command(
        text=wish.text,
        timeout_s=min(usual_s or settings.command_timeout_s, most_s) if wish.timeout_s is None else wish.timeout_s,
        max_output_bytes=most_bytes if wish.max_output_bytes is None else wish.max_output_bytes,
        idle_s=host.limits.idle_seconds,
        mode=wish.mode,
    )


def file_seconds(file: FileWish, host: Host, settings: Settings) -> float:
    """How long a call about a file may take. Raises `InvalidArgumentError` for a wish beyond the limit."""
    most_s = host.limits.max_seconds or longest_s
    _check_seconds(file.timeout_s, most_s, host)
    if file.timeout_s is not None:
        return file.timeout_s
    return min(transfer_s if file.action.moves else settings.command_timeout_s, most_s)


def _check_seconds(wanted_s: float | None, most_s: float, host: Host) -> None:
    if wanted_s is not None and not 0 < wanted_s <= most_s:
        raise InvalidArgumentError(
            f"timeout {wanted_s:g} is not within 0 and {most_s:g} seconds, the limit of {host.name}; nothing was sent",
            hint="give a timeout within the limit, or start what takes longer in the background on the host",
        )


def reply_within(wanted_s: float | None, settings: Settings) -> float:
    """By when a call answers, in seconds. Raises `InvalidArgumentError` where the wish is none."""
    if wanted_s is None:
        return settings.reply_within_s
    if not 0 < wanted_s <= longest_reply_s:
        raise InvalidArgumentError(
            f"reply_within {wanted_s:g} is not within 0 and {longest_reply_s:g} seconds; nothing was sent",
            hint="a command may run for longer than that: `timeout` is its time",
        )
    return wanted_s
