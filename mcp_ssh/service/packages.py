"""How each package manager is asked to install, and what it says. Pure.

Nothing is asked of a person: questions are answered by options, configuration files that were changed stay as they are.
What would remove a package is not done: apt is told so, dnf and yum refuse it of themselves without `--allowerasing`,
apk tells in advance what it would purge. A lock that another program holds is waited for, a while.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.service.names import package_name, quoted

lock_wait_s = 60
most_packages = 20

Versions = Mapping[str, str]
"""Installed versions by the names of packages; one that is not there is not installed."""

_apt_env = "env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none"


@dataclass(frozen=True, slots=True)
class Manager:
    """One package manager. `{}` in its commands are the quoted names.

    `name`: what it takes as the name of a package. `rehearse`: what tells in advance what would be removed.
    """

    program: str
    name: re.Pattern[str]
    query: str
    install: str
    refresh: str
    read: Callable[[str], Iterator[tuple[str, str]]]
    rehearse: str | None = None


def _by_tabs(text: str) -> Iterator[tuple[str, str]]:
    """Lines of our own format: name, version, and with dpkg whether it is installed."""
    for line in text.split("\n"):
        fields = line.rstrip("\r").split("\t")
        if len(fields) > 1 and fields[2:] in ([], ["installed"]):
            yield fields[0], fields[1]


def _by_apk(text: str) -> Iterator[tuple[str, str]]:
    """`musl-1.2.4-r2 x86_64 {musl} (MIT) [installed]`: a version begins with a digit and ends with a release."""
    for line in text.split("\n"):
        found = re.match(r"(\S{1,128}?)-(\d[^\s-]{0,100}(?:-r\d{1,6})?) ", f"{line} ")
        if found is not None:
            yield found[1], found[2]


def _by_opkg(text: str) -> Iterator[tuple[str, str]]:
    """`curl - 8.4.0-1`."""
    for line in text.split("\n"):
        name, dash, version = line.strip().partition(" - ")
        if dash:
            yield name, version.split(" - ", 1)[0]


_rpm = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._~:-]*")
_rpm_query = r"rpm -q --qf '%{NAME}\t%{VERSION}-%{RELEASE}\n' {}"

_managers = (
    Manager(
        "apt-get",
        # Debian policy 5.6.1; with an architecture, a version or a release of the distribution.
        re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~-]+|/[a-z0-9.-]+)?"),
        query=r"dpkg-query -W -f '${Package}\t${Version}\t${db:Status-Status}\n' {}",
        # Pattern-Only: a name with a dot that no package has is no regular expression over all names (apt 2.0).
        install=f"{_apt_env} apt-get install -y -q --no-remove -o DPkg::Lock::Timeout={lock_wait_s}"
        " -o Dpkg::Use-Pty=0 -o APT::Cmd::Pattern-Only=true"
        " -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -- {}",
        refresh="env LC_ALL=C apt-get update -q",
        read=_by_tabs,
    ),
    Manager(
        "dnf",
        _rpm,
        query=_rpm_query,
        install="env LC_ALL=C dnf install -y {}",
        refresh="env LC_ALL=C dnf makecache",
        read=_by_tabs,
    ),
    Manager(
        "yum",
        _rpm,
        query=_rpm_query,
        install="env LC_ALL=C yum install -y {}",
        refresh="env LC_ALL=C yum makecache",
        read=_by_tabs,
    ),
    Manager(
        "apk",
        re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*([=~][A-Za-z0-9.+_-]+)?"),
        query="apk list --installed {}",
        install=f"apk add --wait {lock_wait_s} {{}}",
        refresh=f"apk update --wait {lock_wait_s}",
        read=_by_apk,
        rehearse=f"apk add --simulate --wait {lock_wait_s} {{}}",
    ),
    Manager(
        "opkg",
        re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*"),
        query="opkg list-installed",
        install="opkg install {}",
        refresh="opkg update",
        read=_by_opkg,
    ),
)
_by_program = {manager.program: manager for manager in _managers}
programs = tuple(_by_program)


def manager_of(found: Sequence[str]) -> Manager | None:
    """The first of the programs of a host that packages can be installed with."""
    return next((_by_program[program] for program in found if program in _by_program), None)


def checked(packages: Sequence[str]) -> tuple[str, ...]:
    """The names, each once. Raises `InvalidArgumentError`."""
    if not 0 < len(packages) <= most_packages:
        raise InvalidArgumentError(
            f"{len(packages)} packages are given, and one call takes 1 to {most_packages}; nothing was sent",
            hint="give fewer packages a call" if packages else "name the packages",
        )
    return tuple(dict.fromkeys(package_name(name) for name in packages))


def checked_for(manager: Manager, packages: Sequence[str]) -> None:
    """Raise `InvalidArgumentError` for a name that the manager would not take as the name of a package."""
    for name in packages:
        if manager.name.fullmatch(name) is None:
            raise InvalidArgumentError(
                f"{name!r} is no name of a package for {manager.program}; nothing was sent to install anything",
                hint=f"give the name as {manager.program} lists it",
            )


def base(package: str) -> str:
    """The name alone, without a version, a release or an architecture."""
    return re.split(r"[=~/:]", package, maxsplit=1)[0]


def query(manager: Manager, packages: Sequence[str]) -> str:
    """The command that tells the installed versions."""
    return manager.query.replace("{}", quoted(*map(base, packages)))


def versions(manager: Manager, packages: Sequence[str], text: str) -> dict[str, str]:
    """The installed versions of these packages, by what `query` said; of several of one name each once."""
    found: dict[str, dict[str, None]] = {}
    wanted = {base(name) for name in packages}
    for name, version in manager.read(text):
        if name in wanted:
            found.setdefault(name, {})[version[:100]] = None
    return {name: ", ".join(each) for name, each in sorted(found.items())}


def command(template: str, packages: Sequence[str]) -> str:
    """One of the manager's commands for these packages."""
    return template.replace("{}", quoted(*packages))


def are_installed(packages: Sequence[str], installed: Versions) -> bool:
    """Whether nothing has to be done: each is there, in whatever version where none is asked for."""
    return all(base(name) in installed and name == base(name) for name in packages)


def removals(text: str) -> tuple[str, ...]:
    """What a rehearsal of apk says that it would remove: `(1/2) Purging NAME (VERSION)`."""
    return tuple(re.findall(r"^\(\d{1,5}/\d{1,5}\) Purging (\S{1,128})", text, re.MULTILINE))


_troubles = (
    (
        (
            r"Could not get lock|Unable to lock (the )?(database|list)|Could not lock|holding the yum lock|"
            r"Waiting for process with pid"
        ),
        "another program held the lock of the packages; see what it is before you try again",
    ),
    (
        (
            r"Unable to locate package|has no installation candidate|No match for argument|Unable to find a match|"
            r"No package .{1,128} available|\(no such package\)|Unknown package"
        ),
        "a package is not known to the host: check its name, or refresh the lists with update: true",
    ),
    (
        r"Packages need to be removed but remove is disabled|conflicts with|unsatisfiable constraints",
        "it cannot be installed beside what is there, and nothing is removed for it",
    ),
    (
        (
            r"a (terminal|password) is required|no password was provided|incorrect password|Sorry, try again|"
            r"is not in the sudoers file|not allowed to execute"
        ),
        "sudo did not let the login do this: its operator can set `sudo_env` of the host, or a rule in sudoers",
    ),
    (
        r"dpkg was interrupted|dpkg --configure -a",
        "an installation was broken off before: `dpkg --configure -a` mends that",
    ),
    (r"No space left on device|not enough free space", "the host has no room left for it"),
    (
        (
            r"Temporary failure resolving|Could not resolve|Failed to fetch|Failed to download metadata|"
            r"fetching \S{1,500}: |Failed to download"
        ),
        "the host could not reach where its packages come from",
    ),
)


def waits(text: str) -> tuple[str, ...]:
    """That a lock was waited for, where nothing went wrong by it."""
    waited = re.search(r"Waiting for (cache|process)|holding the yum lock", text) is not None
    return ("another program holds the lock of the packages, or did for a while",) if waited else ()


def troubles(text: str) -> tuple[str, ...]:
    """What went wrong, in words, as far as the output says it in known ones."""
    return tuple(words for pattern, words in _troubles if re.search(pattern, text))
