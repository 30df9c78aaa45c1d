"""All profiles: those that come with the product, those of packages and of the user, and one of a bare prompt."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from mcp_ssh.model.host import Host, Way
from mcp_ssh_drivers.profile import LoginStep, Profile, Reply, profile_from

entry_points = "mcp_ssh.profiles"
_loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where libyaml is there, ten times as fast
"""The group by which a package brings profiles: each of its entries is a module whose folder holds YAML files."""

console_login = (
    LoginStep(match=r"(?i)(?:^|\s)(?:user ?name|login)\s*:$", say="user"),
    LoginStep(match=r"(?i)(?:^|\s)password\s*:$", say="password"),
)
"""How a console asks who is there: SSH did that elsewhere."""


def known(folder: str | None = None) -> Mapping[str, Profile]:
    """All profiles by name: the user's folder before what packages bring, that before the built-in ones.

    Raises `ValueError` with the file for one that is not right.
    """
    profiles = _read(resources.files("mcp_ssh_drivers") / "platforms", {})
    for entry in sorted(metadata.entry_points(group=entry_points), key=lambda entry: entry.name):
        profiles = _read(resources.files(entry.value), profiles)
    return profiles if folder is None else _read(Path(folder), profiles)


def profile_of(platform: str | None, prompt_regex: str | None, profiles: Mapping[str, Profile]) -> Profile:
    """The profile of a platform, which then takes the given prompt as well; without a platform, a generic one.

    Raises `KeyError` for a platform that is not known; the configuration was checked against the same profiles.
    """
    if platform is None:
        return generic(prompt_regex or ".+[>#$%]", profiles)
    profile = profiles[platform]
    if prompt_regex is None:
        return profile
    return profile.model_copy(update={"prompt": f"(?:{profile.prompt})|(?:{_bare(prompt_regex)})"})


def _read(folder: Traversable, before: Mapping[str, Profile]) -> dict[str, Profile]:
    """The profiles of a folder beside those before; a parent may stand in either."""
    try:
        files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
        waiting = {file.name: _mapping(file) for file in files}
    except OSError as error:
        raise ValueError(f"{folder} cannot be read: {error.strerror}") from None
    own = {str(data.get("name")) for data in waiting.values()}
    profiles = dict(before)
    while waiting:
        open_ones = {str(data.get("name")) for data in waiting.values()} & own
        ready = [name for name, data in waiting.items() if data.get("extends") not in open_ones - {data.get("name")}]
        if not ready:
            raise ValueError(f"{folder}: these profiles extend each other: {', '.join(sorted(waiting))}")
        for name in ready:
            data = waiting.pop(name)
            try:
                profile = profile_from(data, profiles)
            except ValueError as error:
                raise ValueError(f"{folder}/{name}: {'; '.join(str(error).splitlines())}") from None
            profiles[profile.name] = profile
    return profiles


def _mapping(file: Traversable) -> dict[str, Any]:
    try:
        data = yaml.load(file.read_text("utf-8"), Loader=_loader)  # noqa: S506  the safe one, and nothing else
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no YAML: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{file} must be a mapping of keys to values")  # noqa: TRY004  whoever reads it wrote a file
    return data


def profile_for(host: Host, profiles: Mapping[str, Profile]) -> Profile:
    """The profile of a cli host, with what its own entry adds."""
    profile = profile_of(host.platform, host.prompt_regex, profiles)
    console = console_login if host.way is Way.COMMAND else ()
    own: dict[str, object] = {
        "login": (
            *(LoginStep(match=match, send=send) for match, send in host.login_dialogue),
            *profile.login,
            *console,
        ),
        "init": host.init_commands,
    }
    if host.way is Way.COMMAND:  # what the Enter key of a terminal sends: telnet makes two lines of a line feed
        own["pty"] = profile.pty.model_copy(update={"newline": "\r"})
    if host.always_verified:
        own["safe"] = ()
    return profile.model_copy(update=own)


def detected(host: Host, identification: str, profiles: Mapping[str, Profile]) -> Host:
    """The host with the platform that its SSH server says it is, where the configuration names none."""
    if host.platform is not None:
        return host
    fits = (
        name
        for name, each in profiles.items()
        if each.identification and re.search(each.identification, identification)
    )
    return replace(host, platform=next(fits, None))


def login_name(host: Host, profiles: Mapping[str, Profile]) -> str:
    """The name to log in by; one that has a suffix of its own is left alone."""
    profile = profiles.get(host.platform or "")
    suffix = profile.login_suffix if profile is not None else ""
    return host.user if not suffix or "+" in host.user else host.user + suffix


def generic(prompt_regex: str, profiles: Mapping[str, Profile]) -> Profile:
    """A device of which only the prompt is known: it may ask and page like any other, and is never changed."""
    pagers = {reply.match: reply for each in profiles.values() for reply in each.pager}
    return Profile(
        name="generic",
        about="a command line that only its prompt is known of",
        source="none",
        prompt=_bare(prompt_regex),
        pager=tuple(Reply(match=match, send=reply.send) for match, reply in pagers.items() if "--" in match),
        questions=tuple(dict.fromkeys(question for each in profiles.values() for question in each.questions)),
    )


def _bare(prompt_regex: str) -> str:
    """A prompt without its end: it is matched against the whole line, without the blanks behind it."""
    return prompt_regex.removesuffix("$").removesuffix(r"\s*")
