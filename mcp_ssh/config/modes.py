"""Whether a file of ours is in the hands that it should be in, and the command that mends it."""

import os
import shlex
import stat
from pathlib import Path

others_write = stat.S_IWGRP | stat.S_IWOTH
others_reach = stat.S_IRWXG | stat.S_IRWXO


def fault_of(found: os.stat_result, path: Path | str, *, is_secret: bool) -> str:
    """What is wrong with who may write a file, or read one that `is_secret`; nothing if all is well.

    As OpenSSH does, only the modes of a file that is our own are looked at for reading: what root mounts for us, as
    container engines do, has modes that are not ours to choose.
    """
    name = shlex.quote(str(path))
    own, root, mode = os.geteuid(), 0, f"{stat.S_IMODE(found.st_mode):04o}"
    if found.st_uid not in {own, root}:
        return f"belongs to another user (uid {found.st_uid}): chown {own} {name}"
    if found.st_mode & others_write:
        return f"may be written by others (mode {mode}): chmod {'600' if is_secret else 'go-w'} {name}"
    if is_secret and found.st_uid == own and found.st_mode & others_reach:
        return f"may be read by others (mode {mode}): chmod 600 {name}"
    return ""
