"""The profiles that come with the product, and the one that is made of a host's own prompt."""

from collections.abc import Mapping
from importlib import resources

import yaml

from mcp_ssh.model.host import Host
from mcp_ssh_drivers.profile import Profile, Reply, profile_from


def built_in() -> Mapping[str, Profile]:
    """All built-in profiles by name; a parent stands before its children."""
    folder = resources.files("mcp_ssh_drivers") / "platforms"
    raw = [yaml.safe_load(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")]
    profiles: dict[str, Profile] = {}
    waiting = {str(each["name"]): each for each in raw}
    while waiting:
        ready = [name for name, each in waiting.items() if each.get("extends") is None or each["extends"] in profiles]
        if not ready:
            raise ValueError(f"these profiles extend each other or nothing: {', '.join(sorted(waiting))}")
        for name in ready:
            profiles[name] = profile_from(waiting.pop(name), profiles)
    return profiles


def profile_of(platform: str | None, prompt_regex: str | None) -> Profile:
    """The profile of a platform, which then takes the given prompt as well; without a platform, a generic one.

    Raises `KeyError` for a platform that is not known; the configuration was checked against `built_in`.
    """
    known = built_in()
    if platform is None:
        return generic(prompt_regex or ".+[>#$%]", known)
    profile = known[platform]
    if prompt_regex is None:
        return profile
    return profile.model_copy(update={"prompt": f"(?:{profile.prompt})|(?:{_bare(prompt_regex)})"})


def profile_for(host: Host) -> Profile:
    """The profile of a cli host, with what its own entry adds."""
    profile = profile_of(host.platform, host.prompt_regex)
    own: dict[str, object] = {
        "login": (*(Reply(match=match, send=send) for match, send in host.login_dialogue), *profile.login),
        "init": host.init_commands,
    }
    if host.always_verified:
        own["safe"] = ()
    return profile.model_copy(update=own)


def generic(prompt_regex: str, known: Mapping[str, Profile]) -> Profile:
    """A device of which only the prompt is known: it may ask and page like any other, and is never changed."""
    pagers = {reply.match: reply for each in known.values() for reply in each.pager}
    return Profile(
        name="generic",
        about="a command line that only its prompt is known of",
        source="none",
        prompt=_bare(prompt_regex),
        pager=tuple(Reply(match=match, send=reply.send) for match, reply in pagers.items() if "--" in match),
        questions=tuple(dict.fromkeys(question for each in known.values() for question in each.questions)),
    )


def _bare(prompt_regex: str) -> str:
    """A prompt without its end: it is matched against the whole line, without the blanks behind it."""
    return prompt_regex.removesuffix("$").removesuffix(r"\s*")
