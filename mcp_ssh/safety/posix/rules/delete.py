"""Deleting the system, its parts, and what people keep."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import trace, whole
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()


_unknown = Hit(
    "posix.delete.unknown",
    "it deletes folders, and which ones is only known when it runs",
    "give the path as plain text",
)


_critical = Hit("posix.delete.critical", "it deletes a file that the system or its logins need")


_here = Hit(
    "posix.delete.here",
    "it deletes everything where it happens to stand",
    "change into the folder first, or give the whole path",
)


def _deletions(call: Call, targets: list[str], *, recursive: bool) -> Iterator[Hit]:
    for target in targets:
        path = call.place(target)
        bare = path.rstrip("/")
        if paths.is_disk(path):
            yield Hit("posix.delete.device", "it deletes a device's file")
        elif recursive and (paths.is_whole(path) or bare in {".", ".."}):
            yield whole if bare not in {".", ".."} else _here
        elif (recursive and path in {"*", ".*", "./*", "..", "../*", "**"}) or (
            recursive and path.startswith("../..") and path.strip("./*") == ""
        ):
            yield _here
        elif recursive and path.strip("/.*") == unknown:
            yield _unknown
        elif paths.is_critical(path):
            yield _critical
        elif paths.is_trace(path):
            yield trace
        elif _glob_of_whole(path) or path == "~/*" or (path == "*" and call.state.cwd in {"/", "~"}):
            yield whole


def _glob_of_whole(path: str) -> bool:
    """`/etc/*` without -r still deletes every file there."""
    folder, _, last = path.rpartition("/")
    return last in {"*", "*.*", "**"} and paths.is_whole(folder or "/")


@family.on("rm", "grm", "srm", "wipe", "unlink", "rmdir", "trash", "trash-put", "rimraf", "del")
def _removes(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    if call.has("--no-preserve-root"):
        yield whole
    recursive = call.has("-r", "-R", "--recursive") or call.name in {"rimraf", "trash", "trash-put", "wipe"}
    targets = [arg.text for arg in call.operands()]
    if call.name == "rmdir":
        return
    if call.name in {"srm", "wipe"} and any(paths.is_device(call.place(target)) for target in targets):
        yield Hit("posix.raw_disk", "it writes over a device")
    yield from _deletions(call, targets, recursive=recursive)


@family.on("shred", "scrub")
def _shreds(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    for target in call.verbs(("-n", "-s", "--iterations", "--size", "-p", "--pattern")):
        path = call.place(target)
        if paths.is_device(path):
            yield Hit("posix.raw_disk", "it writes over a device")
        elif (
            (
                not paths.is_temporary(path)
                and (paths.is_critical(path) or paths.is_trace(path) or paths.is_whole(path.rsplit("/", 1)[0]))
            )
            or paths.is_whole(path)
            or unknown in path
            or path.startswith(("/home/", "/srv/", "/data"))
        ):
            yield Hit("posix.overwrite", "it overwrites files so that nothing brings them back")


_narrows = ("-name", "-iname", "-path", "-ipath", "-regex", "-iregex", "-wholename")


_ages = ("-mtime", "-mmin", "-atime", "-ctime", "-newer", "-size", "-empty", "-amin", "-cmin")


_removers = {"rm", "shred", "unlink", "srm", "wipe", "truncate"}


@family.on("find", "gfind")
def _finds(call: Call) -> Iterator[Hit]:
    texts = call.texts
    executes = {
        texts[at + 1].rsplit("/", 1)[-1]
        for at, text in enumerate(texts[:-1])
        if text in {"-exec", "-execdir", "-ok", "-okdir"}
    }
    wrapped = executes & {"sudo", "env", "nice", "sh", "bash", "busybox"}
    deletes = (
        "-delete" in texts
        or bool(executes & _removers)
        or (bool(wrapped) and any(text in _removers or " rm " in f" {text} " for text in texts))
    )
    changes = bool(executes & {"chmod", "chown", "chgrp", "chattr", "setfacl"})
    encrypts = bool(executes & {"openssl", "gpg", "age", "ccrypt", "7z", "zip", "mcrypt"})
    if not (deletes or changes or encrypts):
        return
    starts = []
    for text in texts:
        if text in {"-L", "-H", "-P", "-O3"}:
            continue
        if text.startswith(("-", "(", "!", "\\(")):
            break
        starts.append(text)
    names = [
        texts[at + 1]
        for at, text in enumerate(texts[:-1])
        if text in _narrows and not (at and texts[at - 1] in {"!", "-not"})
    ]
    is_narrow = any(
        name.strip("*.?/") not in {"", "conf", "so", "db", "key", "pem", "log*", "sh", "py", "sql", "bak*"}
        for name in names
    )
    is_aged = any(text in _ages for text in texts)
    for start in starts or ["."]:
        path = call.place(start)
        if path in {".", ".."} and not (is_narrow or is_aged) and deletes:
            yield _here
        if not paths.is_whole(path) and not path.startswith(unknown):
            continue
        if changes and not deletes and not encrypts and not paths.is_of_the_system(path):
            continue
        spares = (
            path.startswith(
                (
                    "/var/log",
                    "/var/spool",
                    "/var/backups",
                    "/backup",
                    "/home",
                    "/srv",
                    "/opt",
                    "/var/lib",
                    "/data",
                    "/mnt",
                    "/var/www",
                    "~",
                )
            )
            and is_aged
            and (is_narrow or path.startswith(("/var/log", "/backup", "/var/backup")))
        )
        top = path in {"/", "/etc", "/usr", "/lib", "/bin", "/sbin", "/boot", "/dev"}
        is_code = re.match(r"/(boot|efi|s?bin|lib\d*|usr/(s?bin|lib\d*)|etc/(ssh|pam\.d|ssl))(/|$)", path) is not None
        if (
            is_narrow
            and not is_code
            and not (top and not is_aged and any(name in {"*.so", "*.conf", "*.db"} for name in names))
        ):
            continue
        if spares:
            continue
        yield Hit(
            "posix.delete.find",
            "it does so to everything below a whole part of the system",
            "narrow it by name, or start deeper",
        )
