"""Who may do what with the files of the system."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import lockout
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_permissions = Hit(
    "posix.permissions", "it changes who may do what in a whole part of the system, or to a file that it needs"
)


@family.on("chmod", "chown", "chgrp", "setfacl", "chattr", "chcon", "restorecon", "gchmod", "gchown")
def _modes(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or call.name == "restorecon":
        return
    recursive = call.has("-R", "--recursive")
    raw = call.texts
    operands = call.verbs(("-m", "-M", "-x", "-X", "--modify") if call.name == "setfacl" else ("--reference", "--from"))
    if call.name in {"chmod", "chattr"}:
        given = next(
            (
                text
                for text in raw
                if re.fullmatch(r"[0-7]{1,5}|[ugoa]*[-+=][rwxXstugo,+=-]*|[-+=][a-zA-Z]+", text)
                and text not in {"-R", "-v", "-f", "-c"}
            ),
            "",
        )
        operands = [text for text in operands if text != given]
    else:
        given = operands[0] if operands and call.name in {"chown", "chgrp"} else ""
        operands = operands[1:] if given else operands
    for operand in operands:
        path = call.place(operand)
        if (
            (path.startswith(unknown) and recursive)
            or (recursive and (paths.is_whole(path) or path in {".", "..", "*", "/*"}) and not _is_own_folder(path))
            or (
                recursive
                and call.state.cwd in {"/", "/etc", "/usr"}
                and path.rstrip("/.*") in {"", "/", "/etc", "/usr"}
            )
        ):
            yield _permissions
        elif not recursive and (
            path
            in {
                "/",
                "/etc",
                "/usr",
                "/bin",
                "/sbin",
                "/lib",
                "/lib64",
                "/home",
                "/root",
                "/boot",
                "/dev",
                "/var",
                "/usr/bin",
                "/usr/lib",
                "/usr/sbin",
                "/tmp",
                "/proc",
                "/sys",
                "/etc/ssh",
                "/var/log",
            }
            and given not in {"0755", "755", "1777", "0700", "700"}
            and call.name == "chmod"
            and re.search(r"^0*[0-7]*$|-|\+w|=", given)
        ):
            if path == "/tmp" and given in {"1777", "01777", "+t"}:
                continue
            yield _permissions
        elif paths.is_critical(path):
            if _is_good_mode(path, given):
                continue
            yield _permissions
        elif (
            call.name == "chmod"
            and re.search(r"(^|,)[ugoa]*\+[rwx]*s|^[4267][0-7]{3}$|^u\+s", given)
            and re.match(r".*/(bash|sh|dash|zsh|python\S*|perl|find|vim?|cp|env|awk|less|nmap|rootbash|suid\w*)$", path)
        ):
            yield Hit("posix.lockout.login", "it lets everybody act as the owner of the program")
        elif recursive and path == "~":
            yield _permissions


def _is_own_folder(path: str) -> bool:
    """Places that people give to a service every day."""
    return (
        re.fullmatch(
            r"/(srv|opt|data|mnt|media|storage|backups?|export|var/www|usr/local|vol|volumes)/.+|/var/www|/home/[^/]+|~/\.ssh|/home/[^/]+/\.ssh|/root/\.ssh|~/\.gnupg|~/\.kube|/var/lib/(grafana|jenkins|prometheus|docker/volumes|mysql|postgresql|redis|mongodb|elasticsearch|rabbitmq|gitlab)(/.*)?|/etc/(nginx|letsencrypt|ssl/private|apache2|bind|openvpn|wireguard)",
            path,
        )
        is not None
    )


def _is_good_mode(path: str, mode: str) -> bool:
    mode = mode.lstrip("0")
    if "/.ssh" in path:
        return (
            mode in {"600", "700", "644", "400", "go-rwx", "u=rw,go=", "og-rwx", "go=", "u=rwx,go="}
            or ":" in mode
            or mode.isalpha()
        )
    good = {
        "/etc/passwd": {"644"},
        "/etc/group": {"644"},
        "/etc/shadow": {"640", "600", "root:shadow", "root:root"},
        "/etc/sudoers": {"440", "root:root"},
        "/etc/fstab": {"644"},
        "/etc/hosts": {"644", "root:root"},
        "/etc/resolv.conf": {"644"},
        "/etc/crontab": {"600", "644"},
    }
    if path.startswith(("/etc/sudoers.d/", "/etc/netplan/", "/etc/NetworkManager/", "/etc/ssh/")):
        return mode in {"440", "400", "600", "644", "640", "root:root", "root"}
    if path.startswith(("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/boot/")):
        return mode in {"755", "+x", "a+x", "root:root", "root", "600"}
    return mode in good.get(path, set())


@family.on("setcap")
def _capabilities(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if re.search(
        r"cap_(setuid|sys_admin|dac_override|dac_read_search|sys_ptrace|chown|setgid|sys_module|all)|=ep\b", joined
    ) and re.search(r"/(bash|sh|python\S*|perl|vim?|tar|find|ruby|node)\b", joined):
        yield lockout
