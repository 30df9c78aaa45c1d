"""Wiping what tells who did what."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import trace
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


@family.on("history")
def _history(call: Call) -> Iterator[Hit]:
    if call.has("-c", "-d"):
        yield trace


@family.on("unset")
def _unsets(call: Call) -> Iterator[Hit]:
    if any(text in {"HISTFILE", "HISTSIZE"} for text in call.verbs()):
        yield trace


@family.on_all
def _history_variables(call: Call) -> Iterator[Hit]:
    for assignment in call.source.assignments:
        if assignment.name == "HISTFILE" and assignment.values and assignment.values[0].literal in {"/dev/null", ""}:
            yield trace
        if assignment.name == "HISTSIZE" and assignment.values and assignment.values[0].literal == "0":
            yield trace
    if call.name == "export" and any(
        text in {"HISTFILE=/dev/null", "HISTFILE=", "HISTSIZE=0", "HISTFILESIZE=0"} for text in call.texts
    ):
        yield trace
    if call.name == "set" and call.texts[:2] == ["+o", "history"]:
        yield trace


@family.on("journalctl")
def _journal(call: Call) -> Iterator[Hit]:
    for text in call.texts:
        name, _, value = text.partition("=")
        if name in {"--vacuum-time", "--vacuum-size", "--vacuum-files"}:
            value = value or (call.value(name) or "")
            if re.fullmatch(r"0*[01]?(s|sec|min|m|h|M|K|B)?|[0-9]+(s|sec|K|B|ms)", value.strip()):
                yield trace


@family.on("auditctl")
def _audit(call: Call) -> Iterator[Hit]:
    if call.has("-D") or call.value("-e") == "0":
        yield trace
