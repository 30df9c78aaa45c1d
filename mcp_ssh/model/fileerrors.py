"""What can go wrong with a file, on a host or in our own folder. The tree goes on from errors.py."""

from mcp_ssh.model.errors import McpSshError


class FileError(McpSshError):
    """The host said no to something about a file, for a reason that has no code of its own."""

    code = "file_failed"
    unsent = "no file was changed"
    maybe_sent = "the file may have been changed"


class NoFilesError(FileError):
    """The host has no files that can be reached: neither SFTP nor a POSIX shell."""

    code = "no_files"


class PathRefusedError(FileError):
    """The path is none that may be touched, by its form or by the host's rules. No content was read or written."""

    code = "path_refused"


class NoSuchFileError(FileError):
    """There is nothing under that name."""

    code = "file_not_found"


class FileDeniedError(FileError):
    """The login may not do that with the file."""

    code = "file_denied"


class FileThereError(FileError):
    """There is a file already that must not be there."""

    code = "file_exists"


class FileChangedError(FileError):
    """The file is not what the caller took it for, or changed while it was moved."""

    code = "file_changed"


class FileTooLargeError(FileError):
    """The file is larger than the host's rules allow."""

    code = "file_too_large"


class NotAFileError(FileError):
    """A folder where a file belongs, a file where a folder belongs, or a device."""

    code = "not_a_file"


class DiskFullError(FileError):
    """There is no room for the file, or the quota is used up."""

    code = "disk_full"


class FileChannelLostError(FileError):
    """The host ended the channel that its files are reached by, and not the connection."""

    code = "file_channel_lost"
    retryable = True


class NoTransferDirError(FileError):
    """There is no folder on this machine for transfers."""

    code = "no_transfer_dir"
