"""Which variables of ours other programs of this machine may see: where they are and who asks, and no secret."""

from collections.abc import Collection, Mapping

_names = frozenset("PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR".split())
_prefixes = ("LC_", "XDG_")


def plain(environ: Mapping[str, str], names: Collection[str] = (), prefixes: tuple[str, ...] = ()) -> dict[str, str]:
    """The variables that every program needs, and those of the given names and beginnings."""
    return {
        name: value
        for name, value in environ.items()
        if name in _names or name in names or name.startswith(_prefixes + prefixes)
    }
