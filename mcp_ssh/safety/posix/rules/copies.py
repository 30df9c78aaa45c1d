"""Copying, moving, editing, unpacking and mounting over the system; encrypting it."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import overwrites, trace, whole
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


@family.on("cp", "mv", "install", "gcp", "gmv", "ln", "scp", "rsync", "ddrescue")
def _copies(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    operands = [
        arg.text
        for arg in call.operands(
            (
                "-t",
                "-S",
                "-m",
                "-o",
                "-g",
                "--target-directory",
                "--suffix",
                "-e",
                "--rsh",
                "--exclude",
                "--include",
                "-P",
                "-i",
                "-F",
                "-l",
                "-c",
            )
        )
    ]
    target = call.value("-t", "--target-directory")
    sources, target = (operands, target) if target is not None else (operands[:-1], operands[-1] if operands else "")
    path = call.place(target)
    if call.name == "mv":
        for source in sources:
            place = call.place(source)
            if paths.is_whole(place) and not place.startswith(
                ("/srv/", "/opt/", "/mnt/", "/media/", "/data/", "/backup")
            ):
                yield Hit("posix.delete.move", "it moves a whole part of the system away")
            elif paths.is_critical(place) and not place.startswith("/etc/hosts"):
                yield Hit("posix.delete.move", "it moves a file away that the system or its logins need")
            elif path == "/dev/null":
                yield Hit("posix.delete.move", "what is moved there is lost")
            elif place in {"*", "~/*"} and path == "/dev/null":
                yield whole
            elif paths.is_trace(place) and path.startswith("/dev/"):
                yield trace
    if call.name == "rsync":
        deletes = any(text.startswith("--delete") or text == "--remove-source-files" for text in call.texts)
        is_dry = call.has("-n", "--dry-run")
        if deletes and not is_dry and ":" not in target and (paths.is_whole(path) or path in {"/", "~"}):
            yield Hit(
                "posix.delete.sync", "it deletes whatever the source does not have, in a whole part of the system"
            )
        if (
            not is_dry
            and any(text == "--remove-source-files" for text in call.texts)
            and any(paths.is_whole(call.place(source)) for source in sources)
        ):
            yield Hit("posix.delete.sync", "it deletes a whole part of the system once it is copied")
        return
    names = [source.rstrip("/").rsplit("/", 1)[-1] for source in sources]
    is_file = "." in path.rsplit("/", 1)[-1].lstrip(".") and not target.endswith("/")
    placed = [path, *([] if is_file else (f"{path.rstrip('/')}/{name}" for name in names))]
    if call.name == "ln":
        forced = call.has("-f", "--force")
        if forced and any(
            paths.is_critical(each) or paths.is_whole(each) or paths.is_trace(each) for each in placed[:1]
        ):
            yield overwrites
        elif (forced and any(paths.is_trace(each) for each in placed)) or (
            sources[:1] == ["/dev/null"] and any(paths.is_trace(each) for each in placed)
        ):
            yield trace
        return
    if not sources or (call.name == "scp" and ":" in target):
        return
    if paths.is_disk(path):
        yield Hit("posix.raw_disk", "it writes over a device")
        return
    backup = all(name.endswith((".bak", ".orig", ".old", ".save", "~")) for name in names)
    for each in placed:
        if paths.is_trace(each) and sources[:1] == ["/dev/null"]:
            yield trace
        elif (
            paths.is_critical(each)
            and not backup
            and not each.endswith((".bak", ".orig", ".old", ".save", "~", ".d"))
            and each not in {"/etc/hosts", "/etc/resolv.conf", "/etc/hostname"}
        ):
            if (
                each == path
                and paths.is_whole(path)
                and not re.search(r"/s?bin/[^/]+$", path)
                and len(placed) > 1
                and not paths.is_critical(placed[-1])
            ):
                continue
            if (
                re.match(r"/(boot|lib|etc/(netplan|network|sudoers\.d|pam\.d|ssh))", each)
                and sources[0] != "/dev/null"
                and not re.search(r"passwd|shadow|sudoers$|sshd_config$|authorized_keys", each)
            ):
                continue
            yield overwrites


@family.on("sed", "gsed", "perl", "ruby")
def _edits_in_place(call: Call) -> Iterator[Hit]:
    if not (call.has("-i", "--in-place") or any(re.fullmatch(r"-[a-z]*i[^ ]*", text) for text in call.options())):
        return
    for arg in call.operands(("-e", "-f", "--expression")):
        path = call.place(arg.text)
        if paths.is_trace(path):
            yield trace
        elif re.fullmatch(
            r"/etc/(passwd|shadow|group|gshadow|sudoers|fstab|crypttab|pam\.d/.*|ssh/sshd_config|sudoers\.d/.*|securetty|shells|nsswitch\.conf)|.*/\.ssh/authorized_keys|/boot/.*",
            path,
        ):
            yield Hit(
                "posix.overwrite",
                "it changes a file in place that logins or the boot depend on",
                "use the tool made for it, such as visudo, usermod or sshd -t first",
            )


@family.on("tar", "bsdtar", "gtar", "unzip", "cpio", "7z", "zip", "7za")
def _unpacks(call: Call) -> Iterator[Hit]:
    texts = call.texts
    target = call.value("-C", "--directory") or call.value("-d") or ""
    extracts = (
        call.name in {"unzip"}
        or call.has("-x", "--extract", "--get")
        or (texts[:1] != [] and re.fullmatch(r"[a-zA-Z]*x[a-zA-Z]*", texts[0] if texts else "") is not None)
    )
    if (
        call.name in {"tar", "bsdtar", "gtar"}
        and extracts
        and target
        and call.place(target) in {"/", "/etc", "/usr", "/boot", "/bin", "/lib", "/sbin"}
    ) and not call.has("-t", "--list"):
        yield Hit("posix.overwrite", "it unpacks over the system", "unpack it elsewhere and look at it first")
    if call.name == "unzip" and target and call.has("-o") and call.place(target) in {"/", "/etc", "/usr"}:
        yield Hit("posix.overwrite", "it unpacks over the system")
    removes = "--remove-files" in texts or (call.name == "zip" and call.has("-m", "--move")) or "-sdel" in texts
    if removes:
        sources = [call.place(text) for text in call.verbs(("-f", "--file", "-C"))[1:]]
        secret = any(text.startswith(("-p", "--password", "-P", "-e")) for text in texts) and call.name != "tar"
        if secret or any(paths.is_whole(source) for source in sources):
            yield Hit("posix.encrypt", "it puts files away and deletes them")


@family.on("mount", "umount")
def _mounts(call: Call) -> Iterator[Hit]:
    texts = call.texts
    operands = call.verbs(("-o", "-t", "-O", "-L", "-U", "--options", "--types"))
    if call.name == "umount":
        if call.has("-a", "--all") or any(
            call.place(text) in {"/", "/home", "/usr", "/var", "/boot", "/etc", "/proc", "/sys", "/dev"}
            for text in operands
        ):
            yield Hit("posix.mount", "it takes file systems away that the system needs")
        return
    options = call.value("-o", "--options") or ""
    if "--move" in texts and operands and paths.is_whole(call.place(operands[0])):
        yield Hit("posix.mount", "it takes a part of the system to another place")
        return
    if (
        operands
        and "remount" in options
        and "ro" in options.split(",")
        and call.place(operands[-1]) in {"/", "/usr", "/var", "/home", "/etc"}
    ):
        yield Hit("posix.mount", "it makes a part of the system read-only")
    elif len(operands) > 1 and call.place(operands[-1]) in (
        paths.tops
        - {
            "/mnt",
            "/media",
            "/data",
            "/backup",
            "/backups",
            "/storage",
            "/export",
            "/srv",
            "/opt",
            "/vol",
            "/volumes",
            "~",
            "/boot",
            "/proc",
            "/sys",
            "/run",
            "/dev",
        }
    ):
        yield Hit("posix.mount", "it hides a part of the system under something else")
    elif ("--bind" in texts or "bind" in options) and operands and paths.is_critical(call.place(operands[-1])):
        yield Hit("posix.mount", "it hides a file that the system or its logins need")


_secret = {"openssl", "gpg", "gpg2", "ccrypt", "age", "mcrypt", "aescrypt", "ccencrypt", "bcrypt", "scrypt"}


@family.on("ccrypt", "ccencrypt", "gpg", "gpg2", "openssl", "age", "mcrypt", "aescrypt")
def _encrypts(call: Call) -> Iterator[Hit]:
    is_tree = any(paths.is_whole(call.place(text)) for text in call.verbs()) and call.has("-r", "--recursive")
    if is_tree and call.name in {"ccrypt", "ccencrypt"}:
        yield Hit("posix.encrypt", "it encrypts a whole part of the system")


def is_encrypting(call: Call) -> bool:
    """Whether it makes something unreadable to those without a key."""
    if call.name == "openssl":
        return call.texts[:1] == ["enc"] and not call.has("-d")
    if call.name in {"gpg", "gpg2"}:
        return call.has("-c", "-e", "--symmetric", "--encrypt")
    if call.name in {"7z", "7za"}:
        return call.texts[:1] == ["a"] and any(text.startswith("-p") for text in call.texts)
    if call.name in {"zip", "rar"}:
        return any(text.startswith(("-P", "-e", "--encrypt", "-hp")) for text in call.texts)
    return call.name in {"ccrypt", "ccencrypt", "mcrypt", "aescrypt"} or (call.name == "age" and not call.has("-d"))
