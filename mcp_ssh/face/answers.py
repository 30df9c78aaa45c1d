"""What a model sees of a command: how it ended or where it stands, its output, and the next step."""

from dataclasses import replace

from mcp_types import CallToolResult, ResourceLink

from mcp_ssh.face.frame import in_frame
from mcp_ssh.face.hygiene import Shown, clean, one_line, shown
from mcp_ssh.face.rows import row_notes, shown_rows
from mcp_ssh.face.schemas import (
    Reading,
    RunResult,
)
from mcp_ssh.face.uris import output_uri
from mcp_ssh.face.views import key_notes, refusal, reply
from mcp_ssh.model.result import (
    Captured,
    CommandResult,
    Ended,
    Outcome,
    inline_chars,
    inline_stderr_chars,
)
from mcp_ssh.outputs.rows import Rows
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Run
from mcp_ssh.service.reading import ReadPart
from mcp_ssh.service.runs import Answer
from mcp_ssh.service.shells import Shell


def of_answer(answer: Answer, shell: Shell | None = None, rows: Rows | None = None) -> CallToolResult:
    """One command: its end, or where it stands; with `rows` where they were asked for."""
    run, done = answer.run, answer.done
    result = done.result if done is not None else _unfinished(run)
    session, first = shell.handle if shell is not None else None, list[str]()
    if done is not None:
        first = key_notes(done.session.connection.peer.host_key, first=done.first)
    return _said_of(run, result, first, answer.handle, session, rows)


def of_ended(run: Run) -> CallToolResult:
    """A command that is over, as the call that asked for it would have told it by then."""
    if run.error is not None:
        return refusal(run.error)
    assert run.result is not None  # noqa: S101  whoever asks looks at the state first
    session = run.session.seat.shell if run.session is not None else ""
    return _said_of(run, with_output(run.result, run), [], run.handle, session or None, None)


def _said_of(  # noqa: PLR0913, PLR0917  an answer has that many parts
    run: Run, result: CommandResult, first: list[str], handle: str | None, session: str | None, rows: Rows | None
) -> CallToolResult:
    stderr = shown(result.stderr, inline_stderr_chars)
    stdout = shown(result.stdout, inline_chars - len(stderr.text), terminal=session is not None)
    left_out_bytes = stdout.left_out_bytes + stderr.left_out_bytes
    notes = [*first, *notes_of(result), *_next_steps(run, result, handle, left_out_bytes), *row_notes(rows)]
    view = RunResult(
        host=run.host,
        outcome=result.outcome.value,
        handle=handle,
        session=session,
        mode=one_line(result.mode) or None,
        directory=one_line(result.directory) or None,
        exit_code=result.exit_code,
        signal=result.signal,
        stdout=stdout.text,
        stderr=stderr.text,
        stdout_bytes=result.stdout.total,
        stderr_bytes=result.stderr.total,
        left_out_bytes=left_out_bytes,
        duration_ms=round(result.duration_s * 1000, 1),
        notes=notes,
        stdout_base64=stdout.base64,
        device_error=None if result.device_error is None else one_line(result.device_error),
        question=None if result.question is None else one_line(result.question),
        rows=shown_rows(rows),
    )
    lines = [f"{run.host}{_where(view)}: {ending_of(result)}", *notes, *framed(run.host, stdout, stderr)]
    told = reply(view, "\n".join(lines), is_error=result.outcome is Outcome.UNKNOWN)
    if handle is not None:
        told.content.append(_link(run))
    return told


def _link(run: Run) -> ResourceLink:
    """Where a client can read the output by itself."""
    return ResourceLink(uri=output_uri(run.handle), name=run.handle, description=f"output on {run.host}")


def _where(view: RunResult) -> str:
    """Where a shell is now: its mode or its directory."""
    place = view.mode or view.directory
    return f" [{place}]" if place else ""


def _unfinished(run: Run) -> CommandResult:
    return with_output(CommandResult(Outcome.RUNNING, Captured(), Captured(), run.age_s), run)


def with_output(result: CommandResult, run: Run) -> CommandResult:
    """A result with as much of what is kept of its output as an answer shows."""
    return replace(
        result,
        stdout=run.so_far(Stream.STDOUT, inline_chars),
        stderr=run.so_far(Stream.STDERR, inline_stderr_chars),
    )


def _next_steps(run: Run, result: CommandResult, handle: str | None, left_out_bytes: int) -> list[str]:
    if result.outcome is Outcome.RUNNING:
        if run.session is None:
            return [f"it has not begun: it waits for the connection, or for its turn; ssh_read {handle} tells"]
        return [f"it goes on; ssh_read {handle} with `wait` tells its end; ssh_send talks to it, key ctrl-c stops it"]
    if result.outcome is Outcome.WAITING_INPUT:
        return ["answer with ssh_send, or leave it with ssh_send key ctrl-c"]
    return [f"ssh_read {handle} gives the rest"] if handle and left_out_bytes else []


def of_reading(reading: ReadPart) -> CallToolResult:
    """A part of an output."""
    run = reading.run
    result = run.result if isinstance(run, Run) else None
    outcome = result.outcome.value if result is not None else run.state.value
    notes = [*(notes_of(result) if result is not None else []), *reading.notes]
    if run.error is not None:
        notes.append(f"{run.error.code}: {one_line(run.error.message)}")
    view = Reading(
        handle=run.handle,
        host=run.host,
        outcome=outcome,
        exit_code=result.exit_code if result is not None else None,
        text=clean(reading.data.decode("utf-8", "surrogateescape")),
        offset=reading.offset,
        next_offset=reading.next_offset,
        total_bytes=reading.total,
        notes=notes,
    )
    ending = ending_of(result) if result is not None else outcome
    part = Shown(view.text, 0)
    lines = [f"{run.host}: {ending}", *notes, *framed(run.host, part, Shown("", 0))]
    if view.next_offset is not None:
        lines.append(f"more from offset {view.next_offset} on, of {view.total_bytes} bytes")
    return reply(view, "\n".join(lines))


_told = {
    Outcome.RUNNING: "still running after {time}",
    Outcome.SIGNALLED: "ended by SIG{signal} after {time}",
    Outcome.TIMED_OUT: "timed out after {time}; what is below is what came until then",
    Outcome.INTERRUPTED: "interrupted after {time}",
    Outcome.WAITING_INPUT: "it asks something and waits for the answer",
    Outcome.CANCELLED: "cancelled after {time}",
    Outcome.UNKNOWN: "OUTCOME UNKNOWN after {time}: the command was sent and its end was not seen",
}


def ending_of(result: CommandResult) -> str:
    """How it ended, or that it goes on, in a few words."""
    seconds = f"{result.duration_s:.2f} s"
    if result.outcome is Outcome.COMPLETED:
        return f"done in {seconds}" if result.exit_code is None else f"exit {result.exit_code} in {seconds}"
    return _told[result.outcome].format(time=seconds, signal=one_line(result.signal or ""))


endings = {
    Ended.CERTAIN: "the command was ended on the host, with everything it had started; nothing of it is left",
    Ended.SURVIVED: "some processes of the command would not end; look for them on the host",
    Ended.SIGNALLED: "the command was ended on the host; whether it left processes behind could not be checked",
    Ended.UNKNOWN: "the command may still be running on the host",
}


def notes_of(result: CommandResult) -> list[str]:
    """What a person should know of a result beside its output."""
    notes = []
    if result.device_error is not None:
        notes.append(f"the device says: {one_line(result.device_error)}")
    if result.renewed:
        notes.append("the shell was lost and is a new one now: mode, variables and what ran in it are gone")
    if result.question is not None:
        asks = "it asks for a secret" if result.asks_secret else "it asks"
        notes.append(f"{asks}: {one_line(result.question)}")
    if result.remark:
        notes.append(one_line(result.remark))
    if result.has_ended:
        notes.append("the command ended the shell; the next one opens a new shell")
    if result.unsolicited:
        notes.append("lines that came before, while no command ran: " + one_line(" / ".join(result.unsolicited))[:2000])
    return notes + _notes_of_end(result)


def _notes_of_end(result: CommandResult) -> list[str]:
    notes = []
    if result.scrubbed:
        were = "secrets were" if result.scrubbed > 1 else "secret was"
        notes.append(f"{result.scrubbed} known {were} taken out of the output")
    if result.lost is not None:
        notes.append(
            f"{result.lost.code}: {one_line(result.lost.message)}; look at the host before you repeat the command"
        )
    if result.ended is not None:
        notes.append(endings[result.ended])
    if result.left_running:
        notes.append(
            "the command has ended; a background process of it still holds its output and was left running "
            "(redirect its output so that it cannot end of a closed pipe)"
        )
    return notes


def framed(host: str, stdout: Shown, stderr: Shown) -> list[str]:
    """Both outputs in their frame."""
    return in_frame(host, stdout=stdout.text, stderr=stderr.text) or ["no output"]
