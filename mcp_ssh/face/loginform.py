"""What a host asks during a login, as a form for a person: the host's words behind bars, and a field for each answer.

Every word of the host is untrusted: a host that somebody took over may ask for anything. So the form says first whose
words they are, and nothing of them can pass for ours.
"""

from collections.abc import Mapping
from typing import Any

from mcp_ssh.face.hygiene import clean, one_line
from mcp_ssh.model.loginerrors import LoginQuestionError
from mcp_ssh.model.question import Question
from mcp_ssh.model.secret import Secret

most_answer_chars = 1_000


def message(needed: LoginQuestionError) -> str:
    """The text above the fields."""
    question = needed.question
    asks = "asks you something" if len(question.prompts) == 1 else f"asks you {len(question.prompts)} things"
    lines = [
        f"{needed.host} {asks} before it lets anybody in.",
        "Each line of its own words stands behind a bar. Give it nothing that is not meant for this very host.",
        *(f"| {line}" for line in clean(question.heading).split("\n") if line.strip()),
    ]
    for number, prompt in enumerate(question.prompts, 1):
        hidden = " (a terminal would hide what is typed; your program may show it)" if prompt.is_hidden else ""
        lines += [f"{_title(number, question)}{hidden}:", f"| {one_line(prompt.text)}"]
    return "\n".join(lines)


def fields(question: Question) -> dict[str, Any]:
    """One text for each prompt; what the host says stands in the message, never as the name of a field."""
    names = {f"answer_{number}": _title(number, question) for number in range(1, len(question.prompts) + 1)}
    properties = {
        name: {"type": "string", "title": title, "maxLength": most_answer_chars} for name, title in names.items()
    }
    return {"type": "object", "properties": properties, "required": [*names]}


def values(content: Mapping[str, Any] | None) -> tuple[Secret, ...]:
    """What was filled in, in the order of the prompts, up to the first that was not."""
    found = []
    for number in range(1, len(content or {}) + 1):
        text = (content or {}).get(f"answer_{number}")
        if not isinstance(text, str) or len(text) > most_answer_chars:
            break
        found.append(Secret(text))
    return tuple(found)


def _title(number: int, question: Question) -> str:
    return "Your answer" if len(question.prompts) == 1 else f"Your answer {number}"
