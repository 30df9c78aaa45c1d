"""What a model sees of one host in detail."""

from mcp_types import CallToolResult

from mcp_ssh.face.hygiene import clean, one_line
from mcp_ssh.face.schemas import HostDetail, OpenRow, SaidRow
from mcp_ssh.face.views import reply
from mcp_ssh.model.host import Shell
from mcp_ssh.model.result import SessionView
from mcp_ssh.service.describe import Described


def of_description(described: Described) -> CallToolResult:
    """The host: who and where, its limits, what would be said of commands, and what is open to it."""
    host, limits = described.host, described.host.limits
    view = HostDetail(
        host=host.name,
        address=host.address,
        port=host.port,
        user=host.user,
        shell=host.shell.value,
        platform=host.platform or "",
        transport=host.way.value,
        tags=sorted(host.tags),
        description=host.description,
        enabled=host.enabled,
        access=host.access.value,
        confirm=described.confirm.value,
        limits={
            "default_seconds": described.default.timeout_s,
            "max_seconds": described.longest_s,
            "idle_seconds": limits.idle_seconds,
            "max_output_bytes": described.default.max_output_bytes,
            "max_concurrent": limits.max_concurrent,
        },
        files={
            "roots": [*host.files.roots],
            "deny_paths": [*host.files.deny_paths],
            "max_bytes": host.files.max_bytes,
        },
        secrets=[what for what, name in (("sudo", host.sudo_env), ("enable", host.enable_env)) if name is not None],
        judged=[
            SaidRow(command=each.command, answer=each.answer, rule=each.rule, reason=clean(each.reason))
            for each in described.said
        ],
        sessions=[_open_row(each) for each in described.sessions],
    )
    way = [f"  reached through {' > '.join(hop.name for hop in host.hops)}"] if host.jump is not None else []
    first, *rest = _lines(view)
    return reply(view, "\n".join([first, *way, *rest]))


def _open_row(view: SessionView) -> OpenRow:
    key = view.peer.host_key
    return OpenRow(
        session=view.id,
        shell=view.shell,
        platform=view.platform,
        server=one_line(view.peer.version),
        login_shell=view.login_shell,
        sent_by=view.sent_by,
        host_key=f"{key.algorithm} {key.fingerprint}" if key is not None else "",
    )


def _lines(view: HostDetail) -> list[str]:
    kind = f"{view.shell} ({view.platform})" if view.platform else view.shell
    lines = [f"{view.host}: {view.user}@{view.address}:{view.port}, {kind}{'' if view.enabled else ', DISABLED'}"]
    if view.tags or view.description:
        lines.append(f"  {'; '.join(filter(None, [', '.join(view.tags), view.description]))}")
    lines += [f"  access {view.access}, confirm {view.confirm}", f"  limits: {_told_limits(view)}"]
    if view.shell == Shell.POSIX.value:
        lines.append(f"  files: {_told_files(view)}")
    if view.secrets:
        lines.append(f"  a secret is configured for {' and '.join(view.secrets)}")
    lines += [f"  {row.command}: {row.answer} ({row.rule}) {row.reason}" for row in view.judged]
    lines += [f"  open: {_told_session(row)}" for row in view.sessions] or ["  no session is open"]
    return [*lines, "none of these commands was sent"]


def _told_limits(view: HostDetail) -> str:
    said = {
        "default_seconds": "{:g} s a command",
        "max_seconds": "at most {:g} s",
        "idle_seconds": "{:g} s of silence",
        "max_output_bytes": "{:d} bytes of an output",
        "max_concurrent": "{:d} commands at once",
    }
    return ", ".join(text.format(view.limits[name]) for name, text in said.items() if view.limits[name] is not None)


def _told_files(view: HostDetail) -> str:
    parts = [f"below {', '.join(view.files['roots'])}"]
    if view.files["deny_paths"]:
        parts.append(f"none of {', '.join(view.files['deny_paths'])}")
    if view.files["max_bytes"] is not None:
        parts.append(f"up to {view.files['max_bytes']} bytes")
    return ", ".join(parts)


def _told_session(row: OpenRow) -> str:
    parts = [f"shell {row.shell}" if row.shell else row.session, row.server]
    parts += [f"platform {row.platform}"] if row.platform else []
    parts += [f"login shell {row.login_shell}"] if row.login_shell else []
    parts += [f"commands by {row.sent_by}"] if row.sent_by else []
    return ", ".join([*parts, f"host key {row.host_key}" if row.host_key else "host key not checked"])
