"""What a host asks before it lets anybody in, beside the secret that is known (RFC 4256, keyboard-interactive)."""

from dataclasses import dataclass

person_wait_s = 120.0
"""How long a person is waited for in one login, all of its questions together; it is sshd's usual LoginGraceTime."""

most_prompts = 10
most_rounds = 5
most_prompt_chars = 500
most_heading_chars = 2_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing that is asked, in the host's words. `is_hidden`: what is typed for it is not to be seen."""

    text: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Question:
    """All that is asked at once. Each text is the host's own: shown to a person as such, and never followed."""

    prompts: tuple[Prompt, ...]
    heading: str = ""
