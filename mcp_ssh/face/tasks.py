"""What a model sees of tasks: how they stand, and what they put out."""

from collections.abc import Sequence

from mcp_types import CallToolResult

from mcp_ssh.face.answers import ending_of, framed, notes_of, with_output
from mcp_ssh.face.hygiene import Shown, clean, drawn_over, one_line, shown
from mcp_ssh.face.schemas import TaskReading, TaskState, TaskView
from mcp_ssh.face.views import reply
from mcp_ssh.model.result import inline_chars, inline_stderr_chars
from mcp_ssh.ports import Stream
from mcp_ssh.service.reading import ReadPart
from mcp_ssh.service.runs import Run
from mcp_ssh.service.tasks import Standing, State, is_over, state_of

_nothing = Shown("", 0)


def of_task(standing: Standing) -> CallToolResult:
    """One task; once it is over, or asks, with its output."""
    run, state = standing.run, standing.state
    shows = state in is_over or state is State.WAITING_INPUT
    stderr = shown(run.so_far(Stream.STDERR, inline_stderr_chars), inline_stderr_chars) if shows else _nothing
    room = inline_chars - len(stderr.text)
    stdout = shown(run.so_far(Stream.STDOUT, room), room, terminal=_in_terminal(run)) if shows else _nothing
    view = _view(standing)
    view.stdout, view.stderr = (stdout.text, stderr.text) if shows else (None, None)
    left_out = stdout.left_out_bytes + stderr.left_out_bytes
    view.notes = [*_notes(standing), *([f"ssh_task_output {run.handle} gives the rest"] if left_out else [])]
    lines = [_line(standing), *view.notes]
    if shows:
        lines += framed(run.host, stdout, stderr)
    return reply(view, "\n".join(lines), is_error=state is State.UNKNOWN)


def of_state(standing: Standing) -> CallToolResult:
    """How one task stands, and no more."""
    notes, run = _notes(standing), standing.run
    view = TaskState(task=run.handle, host=run.host, state=standing.state.value, notes=notes)
    return reply(view, "\n".join([_line(standing), *notes]), is_error=standing.state is State.UNKNOWN)


def of_tasks(standings: Sequence[Standing]) -> CallToolResult:
    """All tasks of a caller, in a line each."""
    rows = [_view(each).model_dump(exclude_none=True) for each in standings]
    return reply(TaskView(tasks=rows), "\n".join(_line(each) for each in standings) or "you have no tasks")


def of_output(reading: ReadPart, stream: Stream) -> CallToolResult:
    """A part of a task's output."""
    run = reading.run
    view = TaskReading(
        task=run.handle,
        state=state_of(run).value,
        text=clean(reading.data.decode("utf-8", "surrogateescape")),
        offset=reading.offset,
        next_offset=reading.next_offset,
        next_line=reading.next_line,
        omitted_bytes=reading.omitted,
        bytes=reading.total,
        lines=run.kept.lines_of(stream),
        notes=[*reading.notes],
    )
    more = f"more from offset {view.next_offset} on" if view.next_offset is not None else "no more comes"
    if view.next_line is not None and view.next_offset is not None:
        more += f", or from line {view.next_line} on"
    totals = f"{view.lines} lines, {view.bytes} bytes until now"
    head = f"{run.handle}: {run.host}: {view.state}; {totals}; {more}"
    return reply(view, "\n".join([head, *view.notes, *framed(run.host, Shown(view.text, 0), _nothing)]))


def progress_of(run: Run) -> str:
    """How far a run has come: lines, bytes, and the last line of its output."""
    total = run.kept.total(Stream.STDOUT) + run.kept.total(Stream.STDERR)
    lines = run.kept.lines_of(Stream.STDOUT) + run.kept.lines_of(Stream.STDERR)
    last = clean(drawn_over(run.last_line()))[:200]
    return f"{lines} lines, {total} bytes" + (f": {one_line(last)}" if last else "")


def _in_terminal(run: Run) -> bool:
    return run.session is not None and run.session.shell is not None


def _view(standing: Standing) -> TaskView:
    run = standing.run.last
    result, error = run.result, run.error
    return TaskView(
        task=standing.run.handle,
        host=run.host,
        state=standing.state.value,
        exit_code=result.exit_code if result is not None else None,
        signal=result.signal if result is not None else None,
        error=error.code if error is not None else None,
        seconds=round(standing.run.age_s, 1),
        bytes=run.kept.total(Stream.STDOUT) + run.kept.total(Stream.STDERR),
        lines=run.kept.lines_of(Stream.STDOUT) + run.kept.lines_of(Stream.STDERR),
        question=one_line(result.question) if result is not None and result.question is not None else None,
    )


def _line(standing: Standing) -> str:
    run, state = standing.run.last, standing.state
    name = f"{standing.run.handle}: {run.host}: {state.value}"
    if run.result is not None:
        return f"{name}, {ending_of(run.result)}"
    if state in is_over:
        return name
    return f"{name} for {standing.run.age_s:.0f} s, {progress_of(run)}"


def _notes(standing: Standing) -> list[str]:
    run, state = standing.run.last, standing.state
    if run.error is not None:
        notes = [f"{run.error.code}: {one_line(run.error.message)}"]
        notes.append("the command may have run" if run.error.sent else "nothing was sent")
        return notes + ([f"hint: {run.error.hint}"] if run.error.hint else [])
    if run.result is not None:
        waits = ["answer with ssh_send, or end it with ssh_cancel"] if state is State.WAITING_INPUT else []
        gone = run.result.question is not None and state is State.UNKNOWN
        lost = ["the shell that asked is gone; what became of the program is not known"] if gone else []
        return [*notes_of(with_output(run.result, run)), *waits, *lost]
    if state is State.CANCELLED:
        return ["it was cancelled before anything was sent"]
    if state is State.PENDING:
        return ["it has not begun: it waits for the connection, or for its turn"]
    return [f"ssh_task {standing.run.handle} with `wait` tells its end; ssh_cancel ends it"]
