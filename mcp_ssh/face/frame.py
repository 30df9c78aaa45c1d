"""What a host said, in a frame with a random word: what is inside cannot close it."""

import secrets


def in_frame(host: str, **parts: str) -> list[str]:
    """The lines of each part that is not empty, by its name; none at all where every one is."""
    inside = "\n".join(parts.values())
    word = secrets.token_hex(4)
    while word in inside:
        word = secrets.token_hex(4)
    lines = []
    for name, text in parts.items():
        if text:
            lines += [f"--- {name} of {host} [{word}]", text.removesuffix("\n"), f"--- end of {name} [{word}]"]
    return lines
