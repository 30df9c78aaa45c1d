"""What a client offers while a person fills in an argument: host names, tags, and handles of one's own outputs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mcp_types import CompleteRequestParams, CompleteResult, Completion, PromptReference

from mcp_ssh.face.prompts import find
from mcp_ssh.face.uris import Kind
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.principal import Caller
from mcp_ssh.service.daemon import Daemon
from mcp_ssh.service.reading import Reader

most_values = 100
"""Of one answer, as the protocol has it."""

_of_templates: Mapping[str, str] = {
    Kind.HOST: "name",
    Kind.TAGS: "name",
    Kind.CAPABILITIES: "name",
    Kind.OUTPUT: "id",
}


class Completions:
    """Completes for whoever asks, from what it sees."""

    def __init__(self, daemon: Daemon, reader: Reader) -> None:
        self._values: Mapping[str, Callable[[Caller], Iterable[str]]] = {
            "host": lambda caller: [view.host.name for view in daemon.hosts(caller.principal)],
            "tag": lambda caller: daemon.tags(caller.principal),
            "id": reader.handles,
        }

    def complete(self, caller: Caller, params: CompleteRequestParams) -> CompleteResult:
        """What the argument may go on with. Raises `InvalidArgumentError` for what has no such argument."""
        name, typed = params.argument.name, params.argument.value
        if isinstance(params.ref, PromptReference):
            if all(argument.name != name for argument in find(params.ref.name).arguments):
                raise InvalidArgumentError(f"the prompt {params.ref.name} has no argument {name[:100]!r}")
            wanted = name
        else:
            if _of_templates.get(params.ref.uri) != name:
                raise InvalidArgumentError(f"no resource template {params.ref.uri[:200]!r} with {name[:100]!r}")
            wanted = "host" if name == "name" else name
        values = self._values.get(wanted)
        return CompleteResult(completion=completed([] if values is None else [*values(caller)], typed))


def completed(values: Sequence[str], typed: str) -> Completion:
    """Those that begin as typed, then those that hold it elsewhere, in any case of letters and in their own order."""
    text = typed.casefold()
    begin = [value for value in values if value.casefold().startswith(text)]
    hold = [value for value in values if text in value.casefold() and not value.casefold().startswith(text)]
    found = [*begin, *hold]
    return Completion(values=found[:most_values], total=len(found), has_more=len(found) > most_values)
