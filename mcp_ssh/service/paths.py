"""Where a path of a host really leads, and whether that may be touched.

The first look is at the path's text, before anything is sent; this is the second, on the host. What lies between this
look and the use of the path cannot be closed by SFTP, which opens names and no handles of folders (threat model).
"""

import asyncio
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.fileerrors import FileError, NoSuchFileError, NotAFileError
from mcp_ssh.model.files import Facts, Kind, named
from mcp_ssh.model.host import FileRules, Host
from mcp_ssh.policy.files import escaped, normal, split_glob
from mcp_ssh.service.authorize import refuse_closed


@dataclass(frozen=True, slots=True)
class Place:
    """What a path leads to. `facts`: None where nothing is there yet. `target`: what the path says if it is a link."""

    path: str
    facts: Facts | None
    target: str = ""


async def found(files: Files, path: str, host: Host, *, may_be_new: bool = False) -> Place:
    """The real place of a normal path, within the host's rules.

    Raises `PathRefusedError`, `NoSuchFileError` unless it may be new, and what the host says.
    """
    home = await files.home() if _needs_home(path, host.files) else ""
    absolute = normal(home + path[1:]) if path.startswith("~") else path
    assert absolute is not None  # noqa: S101  the home is absolute, and the path normal
    rules = await _as_on_host(files, host.files, home)
    try:
        facts = await files.facts(absolute)
    except NoSuchFileError:
        if not may_be_new:
            raise
        place = await _new(files, absolute)
    else:
        place = await _present(files, absolute, facts)
    refuse_closed(place.path, replace(host, files=rules))
    return place


async def _present(files: Files, path: str, facts: Facts) -> Place:
    if facts.kind is not Kind.LINK:
        return Place(await files.real(path), facts)
    target = await files.target(path)
    try:
        real = await files.real(path)
    except NoSuchFileError:
        raise NoSuchFileError(
            f"{named(path)} is a link to {named(target)}, which leads nowhere",
            hint="give the path that the link is meant to lead to",
        ) from None
    return Place(real, await files.facts(real), target)


async def _new(files: Files, path: str) -> Place:
    above, _, name = path.rpartition("/")
    try:
        real = await files.real(above or "/")
    except NoSuchFileError:
        raise NoSuchFileError(
            f"{named(above)}, the folder of the new file, is not there", hint="make it with ssh_run first"
        ) from None
    if (await files.facts(real)).kind is not Kind.FOLDER:
        raise NotAFileError(f"{named(above)} is no folder")
    return Place(posixpath.join(real, name), None)


def _needs_home(path: str, rules: FileRules) -> bool:
    return path.startswith("~") or any(glob.startswith("~/") for glob in rules.deny_paths)


async def _as_on_host(files: Files, rules: FileRules, home: str) -> FileRules:
    """The rules with what their own folders really are: a link in a root or a glob opens nothing and closes no less."""
    roots = [root for root in rules.roots if root != "/"]
    globs = [(glob, split) for glob in rules.deny_paths if (split := split_glob(glob)) is not None]
    folders = [home + folder[1:] if folder.startswith("~") else folder for _, (folder, _) in globs]
    real = await asyncio.gather(*(_real_or_none(files, each) for each in [*roots, *folders]))
    closed = [
        posixpath.join(escaped(each), rest) if rest else escaped(each)
        for each, (_, (_, rest)) in zip(real[len(roots) :], globs, strict=True)
        if each is not None
    ]
    opened = [each for each in real[: len(roots)] if each is not None]
    return replace(rules, roots=_with(rules.roots, opened), deny_paths=_with(rules.deny_paths, closed))


async def _real_or_none(files: Files, path: str) -> str | None:
    try:
        return await files.real(path)
    except FileError:
        return None


def _with(own: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*own, *more]))
