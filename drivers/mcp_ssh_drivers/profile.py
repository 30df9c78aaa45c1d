"""What one kind of device is like, as checked data.

A profile is YAML with a strict schema and no code. It says where its facts come from; one without a live run, a capture
or a manual is experimental. `extends` takes everything of another profile that it does not say itself.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


def _is_regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _question(value: object) -> object:
    """A bare pattern is a question of which no answer is listed."""
    return {"match": value} if isinstance(value, str) else value


Regex = Annotated[str, AfterValidator(_is_regex)]
Source = Literal["live run", "capture", "manual", "none"]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Terminal(_Part):
    """The pseudo-terminal that a device gets. Widths are wide, so that no echo is folded."""

    term: str = "vt100"
    width: int = Field(511, ge=40, le=4096)
    height: int = Field(24, ge=2, le=1000)
    newline: str = "\r"


class Step(_Part):
    """The way into a mode: what is sent there, whether a password is asked for, and what is sent to leave."""

    send: str
    leave: str
    before: str
    password: bool = False


class Reply(_Part):
    """A text that a device shows, and what is sent for it."""

    match: Regex
    send: str


class LoginStep(_Part):
    """What a device shows before its first prompt, and what is sent for it as it stands.

    `say` instead of `send`: the host's login name or its password and Enter, for devices that ask for the login inside
    of the terminal; each once, so that nobody is locked out by a wrong one.
    """

    match: Regex
    send: str = ""
    say: Literal["user", "password"] | None = None


class Question(_Part):
    """What a device asks, and the answers that do no more than the command that asked: a person said yes to that.

    `by_key`: it takes a single key. An Enter behind it would answer the next question.
    """

    match: Regex
    answers: tuple[str, ...] = ()
    by_key: bool = False


class Examples(_Part):
    """Texts that must and must not be what the patterns are for; `mcp-ssh profile check` tries them."""

    prompt: dict[str, str] = {}
    not_prompt: tuple[str, ...] = ()
    question: tuple[str, ...] = ()
    pager: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    not_error: tuple[str, ...] = ()


class Profile(_Part):
    """One kind of device. Patterns of questions, pagers and errors are matched on drawn text.

    `above_prompt` is a line that belongs to the prompt and stands above it. `view` is all that may follow the base of a
    prompt, where the pattern alone cannot tell a name from a view behind it. `login_suffix` is added to the login name.
    `identification` is what its SSH server says of itself (RFC 4253 4.2), where that tells the platform.
    `exec`: stateless commands go over exec channels. `max_line`: the most characters that its line editor takes.
    `idle_s`: an idle session closes after that, where hosts.yaml sets no `idle_timeout`, before the device does it.
    """

    name: str = Field(pattern=r"[a-z][a-z0-9_]{1,40}$")
    about: str
    source: Source
    prompt: Regex
    above_prompt: Regex | None = None
    view: Regex | None = None
    modes: dict[str, Regex] = {}
    pty: Terminal = Terminal()
    setup: dict[str, tuple[str, ...]] = {}
    init: tuple[str, ...] = ()
    enter: dict[str, Step] = {}
    login: tuple[LoginStep, ...] = ()
    pager: tuple[Reply, ...] = ()
    questions: tuple[Annotated[Question, BeforeValidator(_question)], ...] = ()
    asks_secret: Regex = r"[Pp]ass(word|phrase)[^:\r\n]{0,40}:$"  # noqa: S105  a pattern
    errors: tuple[Regex, ...] = ()
    interrupt: str = "\x03"
    clear_line: str = "\x15"
    renames: tuple[str, ...] = ()
    echo: bool = True
    safe: tuple[str, ...] = ()
    login_suffix: str = ""
    identification: Regex | None = None
    exec: bool = False
    max_line: int | None = None
    charset: str | None = None
    idle_s: float | None = Field(None, gt=0)
    examples: Examples = Examples()

    def is_safe(self, command: str) -> bool:
        """Whether the command begins with words, in full, of which the profile says that they only read."""
        words = command.split()
        return any(words[: len(head.split())] == head.split() for head in self.safe) and "|" not in command

    def asked(self, text: str) -> Question | None:
        """The question that a text is."""
        return next((each for each in self.questions if re.search(each.match, text.rstrip())), None)

    @property
    def is_experimental(self) -> bool:
        """Whether nobody has seen it work: its facts come from papers alone."""
        return self.source not in {"live run", "capture"}


def profile_from(data: Mapping[str, Any], parents: Mapping[str, Profile]) -> Profile:
    """A profile from YAML's data. Raises `ValueError` with all faults, one a line."""
    try:
        return _profile_from(data, parents)
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors()]
        raise ValueError("\n".join(rows)) from None


def _profile_from(data: Mapping[str, Any], parents: Mapping[str, Profile]) -> Profile:
    own = dict(data)
    parent_name = own.pop("extends", None)
    if parent_name is None:
        return Profile.model_validate(own, strict=False)
    parent = parents.get(parent_name)
    if parent is None:
        raise ValueError(f"it extends {parent_name!r}, which is not known")
    return Profile.model_validate(parent.model_dump(exclude={"examples"}) | own, strict=False)


def faults(profile: Profile) -> list[str]:
    """What is wrong in a profile by its own examples and graph; empty if nothing is."""
    found = [*_mode_faults(profile)]
    prompt = re.compile(profile.prompt)
    found += [
        f"not_prompt {text!r} is matched by the prompt"
        for text in profile.examples.not_prompt
        if prompt.fullmatch(text.rstrip())
    ]
    for kind, texts, patterns in (
        ("question", profile.examples.question, [*(each.match for each in profile.questions), profile.asks_secret]),
        ("pager", profile.examples.pager, [reply.match for reply in profile.pager]),
        ("error", profile.examples.error, profile.errors),
    ):
        found += [f"{kind} {text!r} is not matched" for text in texts if not _any(patterns, text)]
    found += [f"not_error {text!r} is matched" for text in profile.examples.not_error if _any(profile.errors, text)]
    return found


def _mode_faults(profile: Profile) -> list[str]:
    from mcp_ssh_drivers.prompt import PromptReader  # noqa: PLC0415  the check alone needs it

    found = []
    reader = PromptReader(profile.prompt, profile.modes, profile.view)
    for text, mode in profile.examples.prompt.items():
        read = reader.read(text)
        if read is None:
            found.append(f"prompt {text!r} is not matched")
        elif read.mode != mode:
            found.append(f"prompt {text!r} is read as mode {read.mode!r}, not {mode!r}")
    for mode, step in profile.enter.items():
        found += [
            f"enter.{mode}: there is no mode {name!r}" for name in (mode, step.before) if name not in profile.modes
        ]
    found += [f"setup: there is no mode {mode!r}" for mode in profile.setup if mode not in profile.modes]
    return found


def _any(patterns: "tuple[str, ...] | list[str]", text: str) -> bool:
    return any(re.search(pattern, text.rstrip()) for pattern in patterns)
