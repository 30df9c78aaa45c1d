"""What a model sees of hosts that come and go."""

from datetime import UTC, datetime

from mcp_types import CallToolResult

from mcp_ssh.face.hygiene import one_line
from mcp_ssh.face.nodeschemas import NodeChanged, NodeStatus, OwnKey
from mcp_ssh.face.views import reply
from mcp_ssh.model.nodes import NodeAction, PublicKey
from mcp_ssh.service.adding import AddedHost
from mcp_ssh.service.nodes import Changed
from mcp_ssh.service.readiness import HostStatus, Stage
from mcp_ssh.service.records import where

not_known_yet = "the configuration has faults now, so this counts only once they are mended"
_words = {
    NodeAction.REMOVE: "is taken out",
    NodeAction.ENABLE: "is enabled",
    NodeAction.DISABLE: "is disabled; its sessions close when their commands are over",
}
_stages = {
    Stage.DISABLED: "is disabled",
    Stage.UNTRIED: "was not tried yet; ssh_connect tries it",
    Stage.NOT_REACHABLE: "could not be reached",
    Stage.REACHABLE: "was reached; nothing is open now",
    Stage.OPEN: "is open",
}


def of_added(added: AddedHost) -> CallToolResult:
    """The new host, with the key that it showed."""
    key = f"{added.host_key.algorithm} {added.host_key.fingerprint}"
    notes = [f"its host key was pinned: {key}; compare it with the host's own (ssh-keygen -lf there)"]
    notes += ["our public key stood there already"] if added.was_there else []
    notes += ["it has no tags, and a person must agree to what is dangerous there"]
    view = NodeChanged(
        host=added.name,
        action=NodeAction.ADD.value,
        address=where(added.address, added.port),
        user=added.user,
        host_key=key,
        notes=notes if added.is_known else [*notes, not_known_yet],
    )
    text = f"{view.host} is added: {view.user}@{view.address}, by the key of mcp-ssh; the password is not kept"
    return reply(view, "\n".join([text, *view.notes]))


def of_changed(changed: Changed) -> CallToolResult:
    """A host that was switched on or off, or taken out."""
    notes = [] if changed.is_known else [not_known_yet]
    if changed.action is NodeAction.REMOVE:
        notes += [key_words(changed.key_removed)]
    view = NodeChanged(host=changed.host, action=changed.action.value, key_removed=changed.key_removed, notes=notes)
    return reply(view, "\n".join([f"{view.host} {_words[changed.action]}", *view.notes]))


def key_words(removed: bool | None) -> str:
    """What became of our line on the host."""
    if removed is None:
        return "our public key stays in its ~/.ssh/authorized_keys, if it is there"
    return "our public key is off it" if removed else "our public key was not on it any more"


def of_status(status: HostStatus) -> CallToolResult:
    """How far a host is."""
    view = NodeStatus(
        host=status.host.name,
        stage=status.stage.value,
        origin="added" if status.host.is_added else "hosts.yaml",
        open_sessions=status.sessions,
        reached=stamp(status.reached),
        failed=stamp(status.failed),
        failures=status.failures or None,
        error=one_line(f"{status.error.code}: {status.error.message}") if status.error is not None else None,
        next_try_seconds=None if status.next_try_s is None else round(status.next_try_s, 1),
        facts_as_of=stamp(status.facts_as_of),
        notes=status_notes(status),
    )
    return reply(view, "\n".join([f"{view.host} {_stages[status.stage]}", *view.notes]))


def status_notes(status: HostStatus) -> list[str]:
    """What is worth a line of its own."""
    notes = []
    if status.error is not None:
        last = one_line(f"{status.error.code}: {status.error.message}")
        tries = "the last try failed" if status.failures == 1 else f"{status.failures} tries failed in a row, the last"
        notes.append(f"{tries} at {stamp(status.failed)}: {last}")
    if status.waits_for_wish:
        notes.append("it is not tried again by itself; ssh_connect tries it")
    elif status.next_try_s is not None:
        when = "with the next call" if status.next_try_s == 0 else f"in {status.next_try_s:.1f} s at the earliest"
        notes.append(f"it is tried again {when}; ssh_connect tries it now")
    if status.reached is not None:
        notes.append(f"reached at {stamp(status.reached)}")
    if status.facts_as_of is not None:
        notes.append(f"its facts are as of {stamp(status.facts_as_of)} (ssh_system_info)")
    return notes


def stamp(wall: float | None) -> str | None:
    """A time in UTC."""
    if wall is None:
        return None
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def of_key(key: PublicKey) -> CallToolResult:
    """The line for an authorized_keys file."""
    return reply(OwnKey(public_key=key.line, fingerprint=key.fingerprint), f"{key.line}\n{key.fingerprint}")
