"""The operator's hosts and those that were added, as one inventory."""

from collections.abc import Iterator, Mapping, Sequence

from mcp_ssh.config.added import Added, AddedEntry
from mcp_ssh.config.check import Checker
from mcp_ssh.config.hostentry import DefaultsEntry
from mcp_ssh.config.hosts import files_of, limits_of
from mcp_ssh.config.policy import access_of, whole
from mcp_ssh.model.faults import Fault
from mcp_ssh.model.host import Auth, AuthMethod, Host, HostKeyChecking
from mcp_ssh.model.policy import Confirm


def faults_of(added: Sequence[Added]) -> tuple[Fault, ...]:
    """What is wrong with files of added hosts, which are left out for it."""
    return tuple(fault for each in added for fault in each.faults)


def merged(
    checker: Checker, own: Mapping[str, Host], added: Sequence[Added], defaults: DefaultsEntry, identity: str
) -> dict[str, Host]:
    """The operator's hosts, and behind them the others. A name that stands in both is a fault that names both."""
    return {**own, **{host.name: host for host in _others(checker, own, added, defaults, identity)}}


def _others(
    checker: Checker, own: Mapping[str, Host], added: Sequence[Added], defaults: DefaultsEntry, identity: str
) -> Iterator[Host]:
    for each in added:
        if each.name in own:
            checker.add(
                ("hosts", each.name),
                f"stands in {each.path}, too; rename it here, or remove the added host: rm {each.path}",
            )
        elif each.entry is not None:
            yield added_host(each.name, each.entry, defaults, identity)


def added_host(name: str, entry: AddedEntry, defaults: DefaultsEntry, identity: str) -> Host:
    """A host that was added. Of the defaults it has what narrows: access, limits, rules of files, patterns.

    What the defaults give, such as tags, secrets or a program that dials, is for hosts that the operator wrote down.
    """
    return Host(
        name=name,
        address=entry.host,
        user=entry.user,
        auth=Auth(AuthMethod.GATEWAY, identity),
        port=entry.port,
        enabled=entry.enabled,
        host_key=entry.host_key,
        host_key_checking=HostKeyChecking.STRICT,
        deny_patterns=tuple(defaults.deny_patterns or ()),
        limits=limits_of(None, defaults.limits, []),
        access=access_of(None, defaults.access or defaults.mode, []),
        allow_patterns=tuple(whole(text) for text in defaults.allow_patterns or ()),
        files=files_of(defaults.files),
        confirm=Confirm.NEVER if defaults.confirm == Confirm.NEVER.value else Confirm.HUMAN,
        is_added=True,
    )
