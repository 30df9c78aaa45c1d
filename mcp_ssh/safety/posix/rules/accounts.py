"""Users, passwords, keys, and the files that let people in."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import lockout
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


_admins = frozenset("root admin ubuntu debian ec2-user centos sudo wheel adm opc azureuser pi".split())


@family.on(
    "passwd",
    "usermod",
    "userdel",
    "deluser",
    "chage",
    "chsh",
    "gpasswd",
    "groupdel",
    "delgroup",
    "useradd",
    "adduser",
    "groupmod",
    "chpasswd",
    "vipw",
    "pwunconv",
    "grpunconv",
    "faillock",
    "authselect",
    "authconfig",
    "pam-auth-update",
    "pw",
    "dscl",
    "rmuser",
    "newusers",
    "realm",
    "ipa",
    "samba-tool",
    "ldapdelete",
    "kadmin.local",
    "kadmin",
)
def _accounts(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    texts, joined = call.texts, " ".join(call.texts)
    operands = call.verbs(
        (
            "-s",
            "-e",
            "-f",
            "-g",
            "-G",
            "-d",
            "-u",
            "-c",
            "-p",
            "-E",
            "-M",
            "-m",
            "-W",
            "-I",
            "-a",
            "-R",
            "-x",
            "-n",
            "-i",
            "-w",
            "--shell",
            "--groups",
            "--expiredate",
            "--uid",
        )
    )
    match call.name:
        case "passwd":
            if (
                call.has("-l", "--lock", "-d", "--delete", "-e", "--expire") and not call.has("-S")
            ) or call.stdin is not None:
                yield lockout
        case "usermod":
            shell = call.value("-s", "--shell") or ""
            if (
                call.has("-L", "--lock")
                or call.value("-e", "--expiredate") is not None
                or re.search(r"(nologin|/false|/true|/dev/null)$", shell)
            ):
                yield lockout
            elif (
                call.value("-G", "--groups") is not None
                and not call.has("-a", "--append")
                and not re.match(r"-[a-zA-Z]*a[a-zA-Z]*G", next(iter(texts), ""))
            ):
                yield Hit("posix.lockout.login", "it takes the user out of all groups that are not named", "add -a")
            elif (
                call.value("-u", "--uid") in {"0"}
                or (operands and operands[-1] == "root")
                or call.value("-p", "--password") is not None
            ):
                yield lockout
        case "userdel" | "deluser" | "rmuser":
            if (
                call.has("-r", "--remove", "-f", "--force", "--remove-home", "--remove-all-files")
                or any(name in _admins for name in operands)
                or len(operands) > 1
            ):
                yield lockout
        case "chage":
            if (
                call.value("-E", "--expiredate") not in {None, "-1"}
                or call.value("-M") in {"0", "1"}
                or call.value("-I") == "0"
            ):
                yield lockout
        case "chsh":
            if re.search(r"(nologin|/false|/true|/dev/null|/nonexistent)", call.value("-s", "--shell") or ""):
                yield lockout
        case "gpasswd":
            if (call.value("-d", "--delete") is not None and any(name in _admins for name in operands)) or call.has(
                "-M", "-R"
            ):
                yield lockout
        case "groupdel" | "delgroup":
            if any(name in _admins for name in operands):
                yield lockout
        case "useradd" | "adduser":
            if call.value("-u", "--uid") == "0" or call.has("-o", "--non-unique"):
                yield Hit("posix.lockout.login", "it makes a second root")
        case "chpasswd" | "newusers":
            yield Hit("posix.lockout.login", "it sets passwords of users")
        case "pwunconv" | "grpunconv" | "vipw":
            if call.name != "vipw":
                yield lockout
        case "authselect" | "authconfig" | "pam-auth-update":
            if re.search(
                r"\b(select|--force|--update|--remove|--disable\w*|apply-changes|disable-feature)\b|--(force|remove|update|disable)",
                joined,
            ):
                yield lockout
        case "realm" | "ipa" | "samba-tool" | "dscl" | "pw" | "kadmin" | "kadmin.local":
            if re.search(
                r"\b(leave|user-del|host-del|server-del|delete|delprinc|userdel|user del|group del|domain demote|ktremove|user-disable|lock)\b",
                joined,
            ):
                yield lockout
        case "ldapdelete":
            yield Hit("posix.lockout.login", "it deletes entries of a directory")


@family.on("ssh-keygen", "sshd", "touch")
def _ssh_files(call: Call) -> Iterator[Hit]:
    if call.name == "touch" and any(
        call.place(text) in {"/etc/nologin", "/run/nologin", "/var/run/nologin"} for text in call.verbs()
    ):
        yield lockout
    if (
        call.name == "ssh-keygen"
        and (call.value("-f") or "").startswith("/etc/ssh/ssh_host")
        and not call.has("-l", "-y", "-B", "-e")
    ):
        yield Hit("posix.lockout.login", "it changes the host's own keys, and clients will refuse it")


@family.on_all
def _login_files(call: Call) -> Iterator[Hit]:
    said = " ".join(call.texts) if call.name in {"echo", "printf"} else call.stdin or ""
    targets = [write.path for write in call.writes]
    if call.name == "tee":
        targets += [call.place(text) for text in call.verbs()]
    for path in targets:
        if (
            path in {"/etc/nologin", "/run/nologin", "/var/run/nologin"}
            or (path == "/etc/hosts.deny" and re.search(r"\b(ALL|sshd)\b", said))
            or (
                path.startswith(("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/"))
                and re.search(
                    r"(DenyUsers|DenyGroups|AllowUsers|AllowGroups|PermitRootLogin|PasswordAuthentication|PubkeyAuthentication|ListenAddress|Port\b|MaxSessions 0|AuthorizedKeysFile|ForceCommand|PermitEmptyPasswords|Match)",
                    said,
                    re.IGNORECASE,
                )
            )
        ):
            yield lockout
        elif path.startswith("/etc/sudoers") and re.search(r"NOPASSWD:\s*ALL|ALL=\(ALL", said):
            yield Hit("posix.lockout.login", "it lets a user act as root")
        elif re.match(r"/etc/(passwd|shadow)$", path):
            yield lockout
