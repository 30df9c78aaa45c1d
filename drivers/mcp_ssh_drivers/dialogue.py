"""The conversation with a device's command line, without I/O: bytes and time in, actions out.

    LOGIN ─▶ READY ─▶ ECHO ─▶ RUNNING ─▶ READY
                                │  ▲
                                ▼  │
                        PAGER, QUESTION, PASSWORD            POISONED, LOST

A command is written only in READY. It is written without its Enter first, and Enter follows when the device shows
exactly prompt and command: what was judged is what runs. A command that the profile calls safe goes in one write where
the prompt is strong and nothing came unasked since. The end is never guessed: the drawn tail must be a prompt and stay
one for the settle time, which is short for the learned prompt and long for one that only looks like it. A question is
returned with its text; nothing is answered unasked, and a bare Enter is never used to look what happens: it confirms.
"""

import re
from collections.abc import Mapping

from mcp_ssh_drivers.capture import HeadTail
from mcp_ssh_drivers.complaints import Complaints
from mcp_ssh_drivers.exchange import Action, Arrived, Asked, Exchange, NotAtPrompt, Page, Send, State
from mcp_ssh_drivers.profile import LoginStep, Profile
from mcp_ssh_drivers.prompt import PromptFound, PromptReader
from mcp_ssh_drivers.terminal import Terminal

strong_settle_s = 0.005
longest_strong_settle_s = 0.25
gap_kept = 0.8
"""How much of the largest gap between two chunks is expected of the next command: one hiccup is not for ever."""
weak_settle_s = 0.25
lookalike_settle_s = 1.0
echo_wait_s = 3.0
max_pages = 10_000
max_tail_bytes = 8_192
max_unsolicited_lines = 200
own_output_bytes = 4_096


class Dialogue:
    """One conversation. `wake_at` is when `woken` wants to be called, if nothing comes before."""

    def __init__(self, profile: Profile, prompts: PromptReader, charset: str | None = None) -> None:
        self.profile = profile
        self.prompts = prompts
        self.charset = charset or profile.charset
        self.state = State.LOGIN
        self.mode = ""
        self.wake_at: float | None = None
        self.exchange = Exchange(HeadTail(own_output_bytes))
        self.unsolicited: list[str] = []
        self._terminal = Terminal(self.charset)
        self._complaints = Complaints(profile.errors)
        self._questions = [re.compile(each.match) for each in profile.questions]
        self._password = re.compile(self.profile.asks_secret)
        self._above = re.compile(profile.above_prompt) if profile.above_prompt else None
        self._held: str | None = None
        self._pagers = [(re.compile(reply.match), reply.send) for reply in self.profile.pager]
        self._logins = [(re.compile(step.match), step) for step in self.profile.login]
        self._said: set[str] = set()
        self.login: Mapping[str, str] = {}
        self.prompt_text = ""
        self._text = ""
        self._first_line = False
        self._renames = False
        self._shows_transcript = False
        self.last_at = 0.0
        self._largest_gap, self._has_answered = 0.0, False
        self._seen: PromptFound | Asked | Page | None = None

    # --- what the caller does

    @property
    def is_sure(self) -> bool:
        """Whether the device provably waits for a command: READY, the learned prompt on the line."""
        found = self.prompts.read(self._terminal.tail) if self.state is State.READY else None
        return found is not None and found.is_strong

    @property
    def tail(self) -> str:
        """What stands on the unfinished line now."""
        return self._terminal.tail

    def send(self, text: str, output: HeadTail, now: float, *, at_once: bool = False) -> list[Action]:
        """Write a command; the state must be READY. `at_once`: Enter goes with it, for what only reads."""
        assert self.state is State.READY, self.state  # noqa: S101  the driver's own duty
        self.exchange = Exchange(output)
        self._held = None
        self._text, self._first_line, self._shows_transcript = text, True, False
        self._renames = any(text.strip().startswith(word) for word in self.profile.renames)
        self._seen, self.last_at, self._has_answered = None, now, False
        self._largest_gap *= gap_kept
        data = text.encode(self.charset or "utf-8", "replace")
        if at_once or not self.profile.echo:
            self.state, self.wake_at = State.RUNNING, None
            self._terminal.drop_tail()
            return [Send(data + self._enter())]
        self.state, self.wake_at = State.ECHO, now + echo_wait_s
        return [Send(data)]

    def answer(self, text: str, now: float, *, enter: bool = True, output: HeadTail | None = None) -> list[Action]:
        """Say something to a question, a pager or a program that runs; what comes from now on goes to `output`."""
        if output is not None:
            self.exchange = Exchange(output)
        self.state, self.wake_at, self._seen, self.last_at = State.RUNNING, None, None, now
        self._has_answered = False
        question = self._terminal.tail
        self._terminal.drop_tail()
        if question.strip():
            self._keep(question)
        self._text, self._first_line = text, True
        return [Send(text.encode(self.charset or "utf-8", "replace") + (self._enter() if enter else b""))]

    def interrupt(self, now: float) -> list[Action]:
        """Stop what runs, as the profile does it; a pager is left with `q`."""
        is_paging = any(pattern.search(self._terminal.tail) for pattern, _ in self._pagers)
        self.state, self.wake_at, self.last_at = State.RUNNING, None, now
        return [Send(b"q" if is_paging else self.profile.interrupt.encode())]

    def poison(self) -> None:
        """Nobody knows any more what the device would do with a command: nothing is sent on this conversation."""
        self.state, self.wake_at = State.POISONED, None

    def lost(self) -> None:
        """The channel is gone."""
        self.state, self.wake_at = State.LOST, None

    # --- what happens

    def received(self, chunk: bytes, now: float) -> list[Action]:
        """Bytes came."""
        if self.state is State.RUNNING and self._has_answered:
            self._largest_gap = max(self._largest_gap, min(now - self.last_at, longest_strong_settle_s))
        self.last_at, self._has_answered = now, True
        lines = self._terminal.feed(chunk)
        while lines and not self._is_in_output:
            self._line(lines.pop(0))
        if lines:
            self._keep("\n".join(lines))
        match self.state:
            case State.ECHO:
                return self._look_for_echo()
            case State.LOGIN | State.RUNNING | State.QUESTION | State.PASSWORD:
                return self._look_at_tail(now)
            case _:
                return []

    def woken(self, now: float) -> list[Action]:
        """The time of `wake_at` came and nothing else did."""
        if self.wake_at is None or now < self.wake_at:
            return []
        self.wake_at = None
        if self.state is State.ECHO:
            shown = self._terminal.tail
            self.state = State.RUNNING  # until the prompt is clean again
            self._first_line = False
            self.exchange = Exchange(HeadTail(own_output_bytes))
            return [Send(self.profile.clear_line.encode()), NotAtPrompt(shown)]
        match self._seen:
            case PromptFound() as found:
                return self._at_prompt(found)
            case Page(key):
                self.exchange.pages += 1
                self.last_at = now  # the silence before was our own
                self._terminal.drop_tail(wiped=True)
                return [Send(key.encode())]
            case Asked() as asked:
                self.state = State.PASSWORD if asked.secret else State.QUESTION
                return [asked]
            case None:
                return []

    # --- lines

    @property
    def _is_in_output(self) -> bool:
        """Whether every further line is output: a command runs, and its echo is over."""
        return not self._first_line and self.state not in {State.READY, State.LOGIN, State.ECHO}

    def _line(self, line: str) -> None:
        if self.state in {State.READY, State.LOGIN, State.ECHO}:
            if line.strip() and line.strip() != self.prompt_text and len(self.unsolicited) < max_unsolicited_lines:
                self.unsolicited.append(line)
            return
        if self._first_line:
            self._first_line = False
            if self._is_echo(line):
                return
        self._keep(line)

    def _is_echo(self, line: str) -> bool:
        """The rest of the echo: nothing after a verified one, prompt and command after one that went at once."""
        shown, text = _squashed(line), _squashed(self._text)
        return shown in {"", text, _squashed(self.prompt_text) + text}

    def _keep(self, text: str) -> None:
        """One line of output, or several; one that may belong to the prompt waits for what comes behind it."""
        if self._held is not None:
            self._held, text = None, f"{self._held}\n{text}"
        if self._above is not None:
            before, _, last = text.rpartition("\n")
            if self._above.search(last):
                self._held = last
                if not before:
                    return
                text = before
        base = self.prompts.base
        if base and base in text and not self._shows_transcript:
            self._shows_transcript = any(self.prompts.begins(line) for line in text.split("\n"))
        if self.exchange.device_error is None:
            self.exchange.device_error = self._complaints.find(text)
        self.exchange.output.feed((text + "\n").encode("utf-8", "replace"))

    # --- the tail

    def _look_for_echo(self) -> list[Action]:
        if _squashed(self._terminal.tail) != _squashed(self.prompt_text) + _squashed(self._text):
            return []
        self._terminal.drop_tail()
        self.state, self.wake_at = State.RUNNING, None
        return [Send(self._enter())]

    def _look_at_tail(self, now: float) -> list[Action]:
        self._seen, self.wake_at = None, None
        if self._terminal.tail_bytes > max_tail_bytes:
            return []
        tail = self._terminal.tail
        found = self.prompts.read(tail)
        if found is not None and found.is_strong:
            self._seen, self.wake_at = found, now + self._strong_settle()
            return []
        page = next((send for pattern, send in self._pagers if pattern.search(tail)), None)
        if page is not None and self.exchange.pages < max_pages:
            # Output may hold the pager's text as well; the pager is what stands still behind it.
            self._seen, self.wake_at = Page(page), now + self._strong_settle()
            return []
        stripped = tail.rstrip()
        if self.state is State.LOGIN:
            said = next((step for pattern, step in self._logins if pattern.search(stripped)), None)
            answer = self._login_answer(said) if said is not None else None
            if answer is not None:
                self._terminal.drop_tail()
                return [Send(answer)]
        if stripped and self._password.search(stripped):
            self._seen, self.wake_at = Asked(stripped, secret=True), now + weak_settle_s
        elif stripped and any(pattern.search(stripped) for pattern in self._questions):
            self._seen, self.wake_at = Asked(stripped, secret=False), now + weak_settle_s
        elif found is not None:
            known = self.prompts.base is not None and not self._renames
            self._seen, self.wake_at = found, now + (lookalike_settle_s if known else weak_settle_s)
        return []

    def _login_answer(self, step: LoginStep) -> bytes | None:
        """What is sent for a step; None for what cannot be said, or was said and not taken."""
        if step.say is None:
            return step.send.encode()
        text = self.login.get(step.say)
        if text is None or step.say in self._said:
            return None
        self._said.add(step.say)
        return text.encode("utf-8", "surrogateescape") + self._enter()

    def _strong_settle(self) -> float:
        if self._shows_transcript:
            return weak_settle_s
        return min(max(strong_settle_s, 2 * self._largest_gap), longest_strong_settle_s)

    def _at_prompt(self, found: PromptFound) -> list[Action]:
        if self.state is State.LOGIN:
            self.unsolicited.clear()  # the banner is no news
        self._held = None
        self.prompts.learn(found)
        self.prompt_text = found.text
        self.state, self.mode = State.READY, found.mode
        return [Arrived(found.mode)]

    def _enter(self) -> bytes:
        return self.profile.pty.newline.encode()


def _squashed(text: str) -> str:
    """Text without blanks: devices repaint, fold and pad their echo."""
    return "".join(text.split())
