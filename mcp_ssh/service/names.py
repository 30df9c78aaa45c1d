"""Names of services and packages: what may stand in a command at all, and the one way in which it is put there."""

import re
import shlex

from mcp_ssh.model.errors import InvalidArgumentError

most_name_chars = 128

# systemd writes characters that a name cannot hold as `\x2d`: hexadecimal, in lower case (systemd.unit(5)).
_service = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9@._:+-]|\\x[0-9a-f]{2})*")
_no_package = ("-", ".deb", ".rpm", ".apk", ".ipk")
_package = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~=/-]*")


def service_name(text: str) -> str:
    """The name as it is. Raises `InvalidArgumentError` for what can be none: an option, a pattern, a path, a script."""
    if len(text) <= most_name_chars and _service.fullmatch(text):
        return text
    raise InvalidArgumentError(
        f"{text[:most_name_chars]!r} is no name of a service; nothing was sent",
        hint="a name begins with a letter or a digit and goes on with these and @ . _ : + - only, such as nginx",
    )


def package_name(text: str) -> str:
    """The name as it is. Raises `InvalidArgumentError`; each package manager takes less than this.

    With apt `name-` removes a package, and all of them look for a file where a name ends as one of packages does.
    """
    if len(text) <= most_name_chars and _package.fullmatch(text) and not text.endswith(_no_package):
        return text
    raise InvalidArgumentError(
        f"{text[:most_name_chars]!r} is no name of a package; nothing was sent",
        hint="a name begins with a letter or a digit and goes on with these and + . _ : ~ = / - only, such as curl",
    )


def quoted(*words: str) -> str:
    """The words as a POSIX shell reads each as one."""
    return " ".join(shlex.quote(word) for word in words)
