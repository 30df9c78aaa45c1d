"""Filters behind the bar of a network command line: most only choose lines, some write or run something."""

from collections.abc import Iterator

from mcp_ssh.safety.network.grammar import Grammar
from mcp_ssh.safety.posix import judge as posix

_choosing = frozenset(
    """
    include inc in i exclude exc ex e begin beg b section sec se s count cou c match except find last first grep egrep head tail
    display no-more json xml wc sort uniq cut sed awk less more diff no-header utility trim human nz refresh compare format hold
    resolve request tac t
    """.split()
)
_programs = frozenset("sh bash vsh python tee".split())
redirecting = frozenset(
    "cisco_nxos arista_eos cisco_xr huawei_vrp hp_comware vyos ubiquiti_edgeos juniper_junos".split()
)
"""Platforms on which `>` sends output to a file."""


def what_it_does(filter_text: str, grammar: Grammar) -> Iterator[tuple[str, str]]:
    """Rule and reason, if a filter does more than choose lines."""
    name = filter_text.split(" ", 1)[0].lower()
    if name in _choosing:
        if grammar.pipes_to_shell and name in {"awk", "sed"}:
            yield from ((found.rule, found.reason) for found in posix.judge(filter_text, depth=1).findings)
    elif len(name) > 1 and any(known.startswith(name) for known in grammar.filters_write):
        yield "network.filter_writes", "its filter writes the output somewhere"
    elif name in _programs or (grammar.pipes_to_shell and posix.judge(f"true | {filter_text}", depth=1).findings):
        yield "network.filter_writes", "its filter runs a program"


def split_filters(line: str) -> tuple[str, list[str]]:
    """The command, and the filters behind its bars; a bar in quotes is none."""
    pieces, quote, piece = list[str](), "", ""
    for char in line:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "|":
            pieces.append(piece)
            piece = ""
            continue
        piece += char
    pieces.append(piece)
    return pieces[0].strip(), [each.strip() for each in pieces[1:]]
