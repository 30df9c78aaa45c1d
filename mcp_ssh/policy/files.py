"""Which paths of a host the file tools may touch. Pure: what a path really leads to is found out elsewhere.

Paths are compared by their parts, never as text: /srv/app is no root of /srv/application. A glob of `deny_paths` closes
what it fits and all that is below. In it `*`, `?` and `[...]` stay within one part, `**` stands for any number of them;
one that begins with neither `/` nor `~/` counts at any depth.
"""

import fnmatch
from collections.abc import Iterator

from mcp_ssh.model.files import named
from mcp_ssh.model.host import FileRules

most_path_bytes = 4_096
_any = "**"


def normal(path: str) -> str | None:
    """The path without `.`, `..`, `//` and a slash at its end, by its text alone; None where it cannot be one."""
    if not path.startswith("/") and path != "~" and not path.startswith("~/"):
        return None
    home = path.startswith("~")
    kept = list[str]()
    for part in path[1:].split("/"):
        if part == ".." and home and not kept:
            return None  # above the home, which is not known yet
        if part == "..":
            kept = kept[:-1]
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(["~", *kept]) if home else "/" + "/".join(kept)


def malformed(path: str) -> str:
    """What is wrong with the path itself; empty if nothing is."""
    if "\0" in path:
        return "the path holds a NUL"
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        return "the path holds half of a character"
    if size > most_path_bytes:
        return f"the path has {size} bytes, the limit is {most_path_bytes}"
    if not path.startswith(("/", "~")):
        return f"{named(path[:200])!r} is not absolute"
    return "" if normal(path) is not None else f"{named(path[:200])} is no path below / or ~/"


def forbidden(path: str, rules: FileRules) -> str:
    """Which rule closes a normal path; empty if none does. Below `~`, roots are compared when the home is known."""
    parts = _parts(path)
    if parts[:1] != ["~"] and not any(parts[: len(root)] == root for root in map(_parts, rules.roots)):
        return "it lies below none of the host's `files.roots`"
    glob = next((glob for glob in rules.deny_paths if _takes(glob, parts)), None)
    return "" if glob is None else f"the host's `files.deny_paths` has {glob}"


def split_glob(glob: str) -> tuple[str, str] | None:
    """A glob's leading folder that is the same for all that it fits, and the rest; None where it has none."""
    if not glob.startswith(("/", "~/")):
        return None
    parts = glob.split("/")
    plain = next((at for at, part in enumerate(parts) if any(char in part for char in "*?[")), len(parts))
    folder = "/".join(parts[:plain])
    return (folder, "/".join(parts[plain:])) if folder else None


def escaped(path: str) -> str:
    """The path as a glob that fits it alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _takes(glob: str, parts: list[str]) -> bool:
    """Whether it fits the path or a folder above it. Each place in the glob is looked at once a part."""
    wanted = _parts(glob) if glob.startswith(("/", "~/")) else [_any, *_parts(glob)]
    places = set(_from(wanted, 0))
    if len(wanted) in places:
        return True
    for part in parts:
        places = {each for place in places for each in _after(wanted, place, part)}
        if len(wanted) in places:
            return True
    return False


def _from(wanted: list[str], place: int) -> Iterator[int]:
    yield place
    if place < len(wanted) and wanted[place] == _any:
        yield from _from(wanted, place + 1)


def _after(wanted: list[str], place: int, part: str) -> Iterator[int]:
    if place < len(wanted) and wanted[place] == _any:
        yield from _from(wanted, place)
    elif place < len(wanted) and fnmatch.fnmatchcase(part, wanted[place]):
        yield from _from(wanted, place + 1)
