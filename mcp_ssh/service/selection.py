"""Which hosts are meant: by exact name, by glob, by an expression of tags. Nothing is guessed."""

import fnmatch
from collections.abc import Sequence

import boolean

from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Host, Inventory
from mcp_ssh.model.principal import Principal
from mcp_ssh.service.authorize import known_host

expression_chars = 500
most_names = 1_000
_glob_signs = frozenset("*?[")
_algebra = boolean.BooleanAlgebra(allowed_in_token=(".", ":", "_", "-", "/"))


def selected(inventory: Inventory, principal: Principal, names: Sequence[str], tags: str | None) -> tuple[Host, ...]:
    """The hosts that fit one of the names and the expression, in the order of the file.

    Names are exact, or globs with `*`, `?` and `[…]`; without names every host fits that the principal sees. The
    expression is made of tags, `&`, `|`, `!` and parentheses, such as `web & !canary`. Raises `InvalidArgumentError`
    where neither is given or nothing fits, and `UnknownHostError` for a name that is none.
    """
    if not names and tags is None:
        raise InvalidArgumentError(
            "no hosts were named; nothing was sent", hint="give `hosts` (names or globs), `tags`, or both"
        )
    if len(names) > most_names:
        raise InvalidArgumentError(f"{len(names)} names were given, the limit is {most_names}; nothing was sent")
    seen = [host for host in inventory.hosts.values() if principal.sees(host)]
    wanted = _named(inventory, principal, names, seen) if names else {host.name for host in seen}
    fits = _expression(tags, seen) if tags is not None else None
    found = tuple(host for host in seen if host.name in wanted and (fits is None or _holds(fits, host.tags)))
    if not found:
        raise InvalidArgumentError(
            "no host fits; nothing was sent", hint=f"tags in use: {', '.join(_tags_of(seen)) or 'none'}"
        )
    return found


def _named(inventory: Inventory, principal: Principal, names: Sequence[str], seen: Sequence[Host]) -> set[str]:
    wanted: set[str] = set()
    for name in names:
        if not _glob_signs & set(name):
            wanted.add(known_host(name, inventory, principal).name)
            continue
        fitting = {host.name for host in seen if fnmatch.fnmatchcase(host.name, name)}
        if not fitting:
            raise InvalidArgumentError(
                f"no host fits {name[:100]!r}; nothing was sent", hint="ssh_list_hosts tells the names"
            )
        wanted |= fitting
    return wanted


def _expression(text: str, seen: Sequence[Host]) -> boolean.Expression:
    """The expression, all of whose tags are in use: a misspelled one behind `!` would fit every host."""
    if len(text) > expression_chars:
        raise InvalidArgumentError(
            f"the tag expression has {len(text)} characters, the limit is {expression_chars}; nothing was sent"
        )
    try:
        parsed = _algebra.parse(text)
    except (boolean.ParseError, IndexError, TypeError, RecursionError) as error:  # `()` is an IndexError of its parser
        raise InvalidArgumentError(
            f"{text[:100]!r} is no tag expression ({error}); nothing was sent",
            hint="it is made of tags, & | ! and parentheses, such as 'web & !canary'",
        ) from None
    known = _tags_of(seen)
    for symbol in parsed.symbols:
        if symbol.obj not in known:
            raise InvalidArgumentError(
                f"no host has the tag {symbol.obj!r}; nothing was sent",
                hint=f"tags in use: {', '.join(known) or 'none'}",
            )
    if parsed.symbols:
        return parsed
    raise InvalidArgumentError(f"{text[:100]!r} names no tag; nothing was sent", hint="such as 'web & !canary'")


def _holds(expression: boolean.Expression, tags: frozenset[str]) -> bool:
    """Whether the expression is true of a host with these tags."""
    if isinstance(expression, boolean.Symbol):
        return expression.obj in tags
    parts = [_holds(part, tags) for part in expression.args]
    match expression:
        case boolean.AND():
            return all(parts)
        case boolean.OR():
            return any(parts)
        case boolean.NOT():
            return not parts[0]
        case _:
            return bool(expression == _algebra.TRUE)


def _tags_of(hosts: Sequence[Host]) -> list[str]:
    return sorted({tag for host in hosts for tag in host.tags})
