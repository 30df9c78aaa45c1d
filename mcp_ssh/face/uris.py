"""Addresses of what can be read: `ssh://hosts`, one host and two sides of it, and outputs that are kept.

An address is exact: nothing of it is guessed, and no other scheme, case or order of parts means the same. A name in it
may be percent-encoded (RFC 3986), as it must be where a client expands a template (RFC 6570).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from mcp_ssh.model.errors import InvalidArgumentError

all_hosts = "ssh://hosts"
most_uri_chars = 500
_host, _output = "ssh://host/", "ssh://output/"
_escapes = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Kind(StrEnum):
    """What an address leads to. The values of those of a host are their templates."""

    HOSTS = all_hosts
    HOST = _host + "{name}"
    TAGS = _host + "{name}/tags"
    CAPABILITIES = _host + "{name}/capabilities"
    OUTPUT = _output + "{id}"


_sides = {"": Kind.HOST, "tags": Kind.TAGS, "capabilities": Kind.CAPABILITIES}


@dataclass(frozen=True, slots=True)
class Located:
    """What an address leads to: the kind, and the name of a host or the handle of an output."""

    kind: Kind
    name: str = ""


class UnknownResourceError(InvalidArgumentError):
    """The address leads nowhere, whoever asks."""


def host_uri(name: str) -> str:
    """Where a host can be read."""
    return _host + quote(name, safe="")


def output_uri(handle: str) -> str:
    """Where an output can be read."""
    return _output + quote(handle, safe="")


def located(uri: str) -> Located | None:
    """Where the address leads; None where it is no address of ours. Whether anything is there is not looked at."""
    if len(uri) > most_uri_chars:
        return None
    if uri == all_hosts:
        return Located(Kind.HOSTS)
    if uri.startswith(_output):
        return _named(Kind.OUTPUT, uri.removeprefix(_output))
    name, _, side = uri.removeprefix(_host).partition("/")
    if not uri.startswith(_host) or side not in _sides or uri.endswith("/"):
        return None
    return _named(_sides[side], name)


def known(uri: str) -> Located:
    """Where an address leads. Raises `UnknownResourceError` where it leads nowhere."""
    where = located(uri)
    if where is None:
        raise UnknownResourceError(
            f"unknown resource {uri[:200]!r}", hint="resources/list and resources/templates/list tell what can be read"
        )
    return where


def _named(kind: Kind, quoted: str) -> Located | None:
    if not quoted or "/" in quoted or _escapes.search(quoted):
        return None
    try:
        return Located(kind, unquote(quoted, errors="strict"))
    except UnicodeDecodeError:
        return None
