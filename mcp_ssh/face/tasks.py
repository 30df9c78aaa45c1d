"""What a model sees of tasks: how they stand, and what they put out."""

from collections.abc import Sequence

from mcp_types import CallToolResult

from mcp_ssh.face.answers import ending_of, framed, notes_of, with_output
from mcp_ssh.face.hygiene import Shown, clean, drawn_over, one_line, shown
from mcp_ssh.face.schemas import TaskReading, TaskState, TaskView
from mcp_ssh.face.views import reply
from mcp_ssh.model.result import CommandResult, inline_chars, inline_stderr_chars
from mcp_ssh.model.state import State, over
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.reading import ReadPart
from mcp_ssh.service.transfer import Transfer

_nothing = Shown("", 0)


def of_task(run: Run) -> CallToolResult:
    """One command; once it is over, or asks, with its output."""
    view, state, last = _view(run), run.state, run.last
    view.notes, lines = notes_of_task(run), [line_of_task(run)]
    if state in over or state is State.WAITING_INPUT:
        stderr = shown(last.so_far(Stream.STDERR, inline_stderr_chars), inline_stderr_chars)
        room = inline_chars - len(stderr.text)
        stdout = shown(last.so_far(Stream.STDOUT, room), room, terminal=_in_terminal(last))
        view.stdout, view.stderr = stdout.text, stderr.text
        if stdout.left_out_bytes + stderr.left_out_bytes:
            view.notes.append(f"ssh_task_output {last.handle} gives the rest")
        lines += [*view.notes, *framed(run.host, stdout, stderr)]
    else:
        lines += view.notes
    return reply(view, "\n".join(lines), is_error=state is State.UNKNOWN)


def of_state(activity: Activity) -> CallToolResult:
    """How one task stands, and no more."""
    notes, state = notes_of_task(activity), activity.state
    view = TaskState(task=activity.handle, host=activity.host, state=state.value, notes=notes)
    return reply(view, "\n".join([line_of_task(activity), *notes]), is_error=state is State.UNKNOWN)


def of_tasks(activities: Sequence[Activity]) -> CallToolResult:
    """All tasks of a caller, in a line each."""
    rows = [_view(each).model_dump(exclude_none=True) for each in activities]
    return reply(TaskView(tasks=rows), "\n".join(line_of_task(each) for each in activities) or "you have no tasks")


def of_output(reading: ReadPart, stream: Stream) -> CallToolResult:
    """A part of a task's output."""
    run = reading.run
    view = TaskReading(
        task=run.handle,
        state=run.state.value,
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


def progress_of(activity: Activity) -> str:
    """How far it has come: lines, bytes, and the last line of its output."""
    if isinstance(activity, Transfer):
        return f"{activity.progress.done} of {activity.progress.total} bytes"
    total, lines = _size(activity)
    last = clean(drawn_over(activity.last_line()))[:200]
    return f"{lines} lines, {total} bytes" + (f": {one_line(last)}" if last else "")


def _size(activity: Activity) -> tuple[int, int]:
    """Bytes and lines of both outputs."""
    kept = activity.kept
    return sum(kept.total(each) for each in Stream), sum(kept.lines_of(each) for each in Stream)


def _in_terminal(run: Run) -> bool:
    return run.session is not None and run.session.shell is not None


def _last(activity: Activity) -> Activity:
    return activity.last if isinstance(activity, Run) else activity


def _result(activity: Activity) -> CommandResult | None:
    return activity.result if isinstance(activity, Run) else None


def _view(activity: Activity) -> TaskView:
    last = _last(activity)
    result, (total, lines) = _result(last), _size(last)
    return TaskView(
        task=activity.handle,
        host=activity.host,
        state=activity.state.value,
        exit_code=result.exit_code if result is not None else None,
        signal=result.signal if result is not None else None,
        error=last.error.code if last.error is not None else None,
        seconds=round(activity.age_s, 1),
        bytes=total,
        lines=lines,
        question=one_line(result.question) if result is not None and result.question is not None else None,
    )


def line_of_task(activity: Activity) -> str:
    """What it is and how it stands, in a line."""
    last, state = _last(activity), activity.state
    name, result = f"{activity.handle}: {activity.host}: {state.value}", _result(last)
    if result is not None and state in {State.COMPLETED, State.FAILED, State.WAITING_INPUT}:
        return f"{name}, {ending_of(result)}"
    if result is not None:
        return f"{activity.handle}: {activity.host}: {ending_of(result)}"
    if state in over:
        return name
    return f"{name} for {activity.age_s:.0f} s, {progress_of(last)}"


def notes_of_task(activity: Activity) -> list[str]:
    """What else is to be said of it, and the next step."""
    last, state = _last(activity), activity.state
    if last.error is not None:
        notes = [f"{last.error.code}: {one_line(last.error.message)}"]
        notes.append("the command may have run" if last.error.sent else "nothing was sent")
        return notes + ([f"hint: {last.error.hint}"] if last.error.hint else [])
    if isinstance(last, Run) and last.result is not None:
        return _notes_of_result(last, last.result, state)
    if isinstance(last, Run) and state is State.CANCELLED:
        return ["it was cancelled before anything was sent"]
    if state in over:
        return [f"ssh_task {activity.handle} tells what came of it until then"]
    if state is State.PENDING:
        return ["it has not begun: it waits for the connection, or for its turn"]
    return [f"ssh_task {activity.handle} with `wait` tells its end; ssh_cancel ends it"]


def _notes_of_result(run: Run, result: CommandResult, state: State) -> list[str]:
    notes = notes_of(with_output(result, run))
    if state is State.WAITING_INPUT:
        return [*notes, "answer with ssh_send, or end it with ssh_cancel"]
    if result.question is not None and state is State.UNKNOWN:
        return [*notes, "the shell that asked is gone; what became of the program is not known"]
    return notes
