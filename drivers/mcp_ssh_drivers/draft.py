"""A first profile of a device, from the one prompt that it showed."""

import re
from collections.abc import Mapping

from mcp_ssh_drivers.profile import Profile, faults, profile_from

_name = re.compile(r"[\w.\-@/]*\w")
_modes = {">": "user", "#": "privileged", "$": "user", "%": "user"}


def drafted(name: str, prompt: str, parents: Mapping[str, Profile]) -> dict[str, object]:
    """A profile's data that knows this prompt. Raises `ValueError` for one without any name in it."""
    text = prompt.strip()
    found = _name.search(text)
    if found is None:
        raise ValueError(f"the prompt {text!r} holds no name to learn")
    before, suffix = text[: found.start()], text[found.end() :]
    mode = _modes.get(suffix[-1:], "exec")
    data: dict[str, object] = {
        "name": name,
        "about": f"a device whose prompt is {text}",
        "source": "live run",
        "prompt": f"{_plain(before)}(?P<base>[\\w.\\-@/]{{1,63}}){_plain(suffix)}",
        "modes": {mode: _plain(suffix) or "$"},
        "examples": {"prompt": {text: mode}},
    }
    wrong = faults(profile_from(data, parents))
    if wrong:
        raise ValueError(f"no pattern was found for the prompt {text!r}: {'; '.join(wrong)}")
    return data


def relatives(prompt: str, identification: str, profiles: Mapping[str, Profile]) -> list[str]:
    """The profiles that know this prompt, those that the device's SSH server names first."""
    text = prompt.strip()
    named = [name for name, each in profiles.items() if _names(each, identification)]
    alike = [name for name, each in profiles.items() if re.fullmatch(each.prompt, text) and name not in named]
    return [*named, *alike]


def _names(profile: Profile, identification: str) -> bool:
    return profile.identification is not None and re.search(profile.identification, identification) is not None


def _plain(text: str) -> str:
    """A pattern of this text and no other, with blanks as they are."""
    return re.escape(text).replace(r"\ ", " ")
