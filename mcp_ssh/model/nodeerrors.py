"""What can go wrong with hosts that come and go while the daemon runs. The tree goes on from errors.py."""

from mcp_ssh.model.errors import ConnectionFailedError, DeadlineExceededError, McpSshError


class BackingOffError(ConnectionFailedError):
    """The host could not be reached a moment ago, and is not dialled again yet. Nothing was sent."""

    code = "backing_off"


class NeedsSomebodyError(BackingOffError):
    """No try by itself mends what was wrong: somebody must look, and ask for one. Nothing was sent."""

    retryable = False


class HostThereError(McpSshError):
    """A host of that name is there already."""

    code = "host_exists"


class NotAddedError(McpSshError):
    """The host stands in the operator's own file, which the daemon never changes."""

    code = "not_added"


class TooManyHostsError(McpSshError):
    """As many hosts were added as may be."""

    code = "too_many_hosts"


class HostsFolderError(McpSshError):
    """What is to be kept of an added host cannot be written."""

    code = "hosts_unwritable"
    unsent = "no host was added, changed or taken out"


class KeyNotTakenError(McpSshError):
    """The host has our public key in its file, and does not let us in by it."""

    code = "key_not_taken"
    unsent = "no host was added"


class KeyWorkLateError(DeadlineExceededError):
    """The time was over before our key on the host was what it was to be."""

    unsent = "the inventory is as it was"


class IdentityError(McpSshError):
    """The key of mcp-ssh itself cannot be made, read or replaced."""

    code = "identity_unusable"
    unsent = "no host was added, changed or taken out"
