"""What a caller says to a program that runs or asks: a line, a key, or a secret by its name."""

from dataclasses import dataclass

from mcp_ssh.model.command import Key
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.service.authorize import refuse_hidden


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller wants to say: exactly one of text, key and the name of a secret."""

    text: str | None = None
    enter: bool = True
    key: Key | None = None
    secret: str | None = None

    def check(self) -> None:
        """Raise `InvalidArgumentError` unless exactly one thing is said."""
        if sum(each is not None for each in (self.text, self.key, self.secret)) != 1:
            raise InvalidArgumentError(
                "exactly one of text, key and secret must be given; nothing was sent",
                hint="text: one line to say; key: such as ctrl-c; secret: the name of one that the host has",
            )
        refuse_hidden(self.text or "")

    @property
    def shown(self) -> str:
        """As it is judged and recorded; a secret by its name."""
        if self.secret is not None:
            return f"<secret {self.secret}>"
        return f"<{self.key.value}>" if self.key is not None else self.text or ""
