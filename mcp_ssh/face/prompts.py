"""Prompts as clients ask for them: the list, and one that is filled in for whoever asks."""

import difflib
from collections.abc import Iterable, Mapping

from mcp_types import GetPromptResult, ListPromptsResult, PromptMessage, TextContent
from mcp_types import Prompt as Row
from mcp_types import PromptArgument as ArgumentRow

from mcp_ssh.face.promptbook import Given, Prompt, prompts
from mcp_ssh.face.resources import refuse_cursor
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.principal import Principal
from mcp_ssh.service.daemon import Daemon


def listed(cursor: str | None) -> ListPromptsResult:
    """All prompts, on one page."""
    refuse_cursor(cursor)
    return ListPromptsResult(
        prompts=[
            Row(
                name=each.name,
                title=each.title,
                description=each.about,
                arguments=[
                    ArgumentRow(name=one.name, description=one.about, required=one.required) for one in each.arguments
                ],
            )
            for each in prompts
        ]
    )


def find(name: str) -> Prompt:
    """The prompt of that name. Raises `InvalidArgumentError`."""
    found = next((each for each in prompts if each.name == name), None)
    if found is None:
        names = [each.name for each in prompts]
        raise InvalidArgumentError(
            f"unknown prompt {name[:100]!r}{_guess(name, names)}", hint=f"prompts: {', '.join(names)}"
        )
    return found


def filled(daemon: Daemon, principal: Principal, name: str, arguments: Mapping[str, str] | None) -> GetPromptResult:
    """A prompt with its arguments. Raises `InvalidArgumentError`, and `UnknownHostError` for a host not seen."""
    prompt = find(name)
    words = {key: value for key, value in (arguments or {}).items() if value.strip()}  # a field that was left empty
    _check(prompt, words)
    host = daemon.host(principal, words["host"]).host if "host" in words else None
    tagged = tuple(view.host.name for view in daemon.hosts(principal, words["tag"])) if "tag" in words else ()
    text = prompt.text(Given(words, host, tagged))
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=prompt.about, messages=[message])


def _check(prompt: Prompt, words: Mapping[str, str]) -> None:
    known = {argument.name: argument for argument in prompt.arguments}
    for name, word in words.items():
        if name not in known:
            raise InvalidArgumentError(
                f"unknown argument {name[:100]!r}{_guess(name, known)}",
                hint=f"{prompt.name} takes: {', '.join(known)}",
            )
        if len(word) > known[name].most_chars:
            raise InvalidArgumentError(f"{name} has {len(word)} characters, the limit is {known[name].most_chars}")
    if missing := [each.name for each in prompt.arguments if each.required and each.name not in words]:
        raise InvalidArgumentError(f"{prompt.name} needs: {', '.join(missing)}")


def _guess(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*known], n=1)
    return f", did you mean {near[0]!r}?" if near else ""
