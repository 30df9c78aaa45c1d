"""`mcp-ssh profile`: which kinds of device are known, what is known of one, and whether a file of your own is right."""

import sys
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from mcp_ssh_drivers.profile import Profile, faults, profile_from
from mcp_ssh_drivers.registry import known

max_file_bytes = 65_536


def list_profiles() -> int:
    """One line a profile."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("platform", "device", "modes", "facts from"):
        table.add_column(title, no_wrap=title == "facts from")
    for name, profile in sorted(known().items()):
        source = f"{profile.source} *" if profile.is_experimental else profile.source
        table.add_row(name, profile.about, ", ".join(profile.modes), source)
    console = Console(highlight=False)
    console.print(table)
    console.print("* experimental: written from manuals, nobody has seen it work on a device")
    return 0


def show(name: str) -> int:
    """A profile as YAML, with all that it takes from others."""
    profile = known().get(name)
    if profile is None:
        print(f"there is no profile {name!r}; `mcp-ssh profile list` tells them", file=sys.stderr)  # noqa: T201
        return 1
    if profile.is_experimental:
        print(f"# {_experimental(profile)}")  # noqa: T201
    data = profile.model_dump(mode="json", exclude_defaults=True)
    print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), end="")  # noqa: T201
    return 0


def check(file: Path, against: str | None = None) -> int:
    """Whether a profile has the right form and fits its own examples; everything that is wrong is told at once.

    Then whether the host `against` shows prompts that it knows.
    """
    profile, found = _read(file)
    if profile is not None:
        found = faults(profile)
        if not profile.examples.prompt:
            found.append("examples.prompt is empty; give each prompt of the device with the mode that it means")
    for each in found:
        print(f"{file}: {each}", file=sys.stderr)  # noqa: T201
    if profile is None or found:
        return 1
    examples = profile.examples.model_dump()
    print(f"{file}: {profile.name} is right, {sum(map(len, examples.values()))} examples fit")  # noqa: T201
    if profile.is_experimental:
        print(_experimental(profile))  # noqa: T201
    if against is None:
        return 0
    from mcp_ssh.cli import trial  # noqa: PLC0415  it loads the whole daemon

    return trial.try_on(profile, against)


def _experimental(profile: Profile) -> str:
    return f"experimental: its source is {profile.source!r}, no live run and no capture; ssh_connect says so too"


def _read(file: Path) -> tuple[Profile | None, list[str]]:
    try:
        return profile_from(_data(file), known()), []
    except ValueError as error:
        return None, str(error).splitlines()


def _data(file: Path) -> dict[str, object]:
    """What stands in the file. Raises `ValueError` in words."""
    try:
        if file.stat().st_size > max_file_bytes:
            raise ValueError(f"has more than {max_file_bytes} bytes")
        data = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"is no YAML: {error}") from None
    if not isinstance(data, dict):
        raise ValueError("must be a mapping of keys to values")  # noqa: TRY004  whoever reads it wrote a file
    return data
