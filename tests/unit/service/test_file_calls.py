"""Files by way of the service, on a host that is a tree in memory: judged, looked up, judged again, done, recorded."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from mcp_ssh.model.errors import (
    AuditUnavailableError,
    DeadlineExceededError,
    InvalidArgumentError,
    McpSshError,
    PermissionMissingError,
    SessionLostError,
)
from mcp_ssh.model.fileerrors import (
    DiskFullError,
    FileChangedError,
    FileThereError,
    FileTooLargeError,
    NoFilesError,
    NoSuchFileError,
    NotAFileError,
    PathRefusedError,
)
from mcp_ssh.model.files import Kind
from mcp_ssh.model.host import FileRules, Limits, Shell
from mcp_ssh.model.policy import Access
from mcp_ssh.model.principal import Answer
from mcp_ssh.model.refusals import ApprovalRequiredError, ConfirmationRequiredError, DeniedError
from tests.support.daemon import ANN, READER, WRITER, Ledger, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryTransport
from tests.support.memoryfiles import MemoryFiles, Node, file, folder, home_of_ann, link, parts
from tests.support.secrets import SomeSecrets

SECRET = "hunter2hunter2"
MOTD = hashlib.sha256(b"hello\n").hexdigest()


def on(files: MemoryFiles) -> MemoryTransport:
    return MemoryTransport(files=files)


def failing(error: McpSshError, call: str, times: int = 99) -> Callable[[str], McpSshError | None]:
    left = [times]

    def before(asked: str) -> McpSshError | None:
        if asked != call or left[0] == 0:
            return None
        left[0] -= 1
        return error

    return before


async def test_a_file_is_read_with_all_that_is_known_of_it() -> None:
    async with daemon() as it:
        done = await it.app.files.read(ANN, "web", "/srv/motd")
        assert (done.result.data, done.result.sha256, done.result.next_offset) == (b"hello\n", MOTD, None)
        part = await it.app.files.read(ANN, "web", "/srv/motd", offset=2, limit=2)
        assert (part.result.data, part.result.sha256, part.result.next_offset) == (b"ll", "", 4)
        decided, ended = it.audit.of_commands()[:2]
    assert (decided["action"], decided["path"], decided["verdict"]) == ("read", "/srv/motd", "read_only")
    assert "command" not in decided
    assert (ended["event"], ended["bytes"], ended["output_sha256"]) == ("file.read", 6, MOTD)
    assert ended["session"]
    assert ended["address"]


async def test_a_write_is_one_step_and_its_record_says_what_is_there_now() -> None:
    files = home_of_ann()
    async with daemon(transport=on(files)) as it:
        done = await it.app.files.write(ANN, "web", "/srv/motd", "new\n")
        assert (done.result.created, done.result.mode, done.result.size) == (False, 0o644, 4)
        made = await it.app.files.write(ANN, "web", "/srv/fresh", "x", mode="0600")
        assert (made.result.created, made.result.mode) == (True, 0o600)
        decided, ended = it.audit.of_commands()[:2]
    assert files.content("/srv/motd") == b"new\n"
    assert parts(files) == []
    calls = [call for call, _ in files.calls]
    assert calls.index("settle") < calls.index("replace")
    sha256 = hashlib.sha256(b"new\n").hexdigest()
    assert (decided["action"], decided["bytes"], decided["output_sha256"]) == ("write", 4, sha256)
    assert (ended["event"], ended["bytes"], ended["output_sha256"]) == ("file.write", 4, sha256)


async def test_mode_and_owner_are_kept_and_it_is_told_where_they_are_not() -> None:
    files = home_of_ann()
    files.put("/srv/tool", file(b"x", mode=0o4755, uid=0))
    files.owns_others = False
    async with daemon(transport=on(files)) as it:
        done = await it.app.files.write(ANN, "web", "/srv/tool", "y")
    assert done.result.mode == 0o755
    assert done.result.notes == (
        "its owner was 0:1000 and is 1000:1000 now",
        "its mode was 4755; the bits before the last three digits are gone",
    )


async def test_what_is_expected_is_compared_before_anything_is_written() -> None:
    files = home_of_ann()
    async with daemon(transport=on(files)) as it:
        with pytest.raises(FileChangedError, match=f"its sha256 is {MOTD}; nothing was written"):
            await it.app.files.write(ANN, "web", "/srv/motd", "x", expected_sha256="0" * 64)
        with pytest.raises(FileChangedError, match="its sha256 is absent"):
            await it.app.files.write(ANN, "web", "/srv/none", "x", expected_sha256="0" * 64)
        with pytest.raises(FileThereError):
            await it.app.files.write(ANN, "web", "/srv/motd", "x", expected_sha256="absent")
        assert not any(call == "open create" for call, _ in files.calls)
        await it.app.files.write(ANN, "web", "/srv/motd", "x", expected_sha256=MOTD.upper())
        await it.app.files.write(ANN, "web", "/srv/none", "x", expected_sha256="absent")
    assert (files.content("/srv/motd"), files.content("/srv/none")) == (b"x", b"x")


async def test_a_file_that_somebody_writes_meanwhile_is_not_replaced() -> None:
    files = home_of_ann()

    def somebody(asked: str) -> None:
        if asked == "settle":
            files.put("/srv/motd", Node(Kind.FILE, bytearray(b"theirs"), mtime=1_800_000_000))

    files.before = somebody
    async with daemon(transport=on(files)) as it:
        with pytest.raises(FileChangedError, match="changed by somebody else meanwhile; the file is as it was"):
            await it.app.files.write(ANN, "web", "/srv/motd", "mine")
    assert files.content("/srv/motd") == b"theirs"
    assert parts(files) == []


async def test_a_name_that_somebody_takes_meanwhile_is_not_taken_from_them() -> None:
    files = home_of_ann()

    def somebody(asked: str) -> None:
        if asked == "place":
            files.put("/srv/new", file(b"theirs"))

    files.before = somebody
    async with daemon(transport=on(files)) as it:
        with pytest.raises(FileThereError):
            await it.app.files.write(ANN, "web", "/srv/new", "mine")
    assert files.content("/srv/new") == b"theirs"
    assert parts(files) == []


async def test_an_append_is_added_and_counts_from_its_first_byte() -> None:
    files = home_of_ann()
    async with daemon(transport=on(files)) as it:
        done = await it.app.files.write(ANN, "web", "/srv/motd", "more", append=True)
        assert (done.result.created, done.result.sha256) == (False, "")
        new = await it.app.files.write(ANN, "web", "/srv/log", "first", append=True)
        assert new.result.created
        files.before = failing(SessionLostError("reset"), "write")
        with pytest.raises(SessionLostError, match="some of it may have been appended") as caught:
            await it.app.files.write(ANN, "web", "/srv/motd", "again", append=True)
        assert caught.value.sent
        assert it.audit.of_commands()[-1]["sent"] is True
    assert files.content("/srv/motd") == b"hello\nmore"


async def test_a_full_disk_leaves_the_old_file_and_no_part() -> None:
    files = home_of_ann()
    files.room = 3
    async with daemon(transport=on(files)) as it:
        with pytest.raises(DiskFullError, match="no room: the disk is full; the file is as it was") as caught:
            await it.app.files.write(ANN, "web", "/srv/motd", "four")
    assert not caught.value.sent
    assert files.content("/srv/motd") == b"hello\n"
    assert parts(files) == []


async def test_a_link_that_breaks_once_is_taken_up_again_and_its_part_removed() -> None:
    files = home_of_ann()
    breaks = iter(["write", "remove"])
    at = next(breaks)

    def before(asked: str) -> McpSshError | None:
        nonlocal at
        if asked != at:
            return None
        at = next(breaks, "")
        return SessionLostError("reset")

    files.before = before
    async with daemon(transport=on(files)) as it:
        await it.app.files.write(ANN, "web", "/srv/motd", "new")
        assert len(it.transport.connections) == 2
    assert files.content("/srv/motd") == b"new"
    assert parts(files) == []


async def test_a_link_that_stays_broken_leaves_the_old_file_and_says_what_else() -> None:
    files = home_of_ann()
    files.before = lambda asked: SessionLostError("reset") if asked in {"write", "remove"} else None
    async with daemon(transport=on(files)) as it:
        with pytest.raises(SessionLostError, match=r"the part /srv/\.mcp-ssh-\w+\.part may be left there") as caught:
            await it.app.files.write(ANN, "web", "/srv/motd", "new")
    assert not caught.value.sent
    assert files.content("/srv/motd") == b"hello\n"


async def test_once_the_step_has_left_nobody_knows() -> None:
    files = home_of_ann()
    files.before = failing(SessionLostError("reset"), "replace")
    async with daemon(transport=on(files)) as it:
        with pytest.raises(SessionLostError, match="whether the file was replaced is not known") as caught:
            await it.app.files.write(ANN, "web", "/srv/motd", "new")
        assert caught.value.sent
        assert len(it.transport.connections) == 1  # and is not tried again
        assert it.audit.of_commands()[-1]["sent"] is True


class Slow(MemoryFiles):
    """Files whose answers can be waited for."""

    def __init__(self, slow: str) -> None:
        made = home_of_ann()
        super().__init__(made.root)
        self.slow, self.reached, self.go_on = slow, asyncio.Event(), asyncio.Event()

    async def _wait(self, call: str) -> None:
        if call == self.slow:
            self.reached.set()
            await self.go_on.wait()

    async def replace(self, part: str, path: str) -> None:
        await self._wait("replace")
        await super().replace(part, path)

    async def facts(self, path: str):  # type: ignore[no-untyped-def]  # noqa: ANN201  as the tree has it
        await self._wait("facts")
        return await super().facts(path)


async def test_a_caller_who_leaves_in_the_last_step_leaves_a_record_of_how_it_ended() -> None:
    files = Slow("replace")
    async with daemon(transport=on(files)) as it:
        calling = asyncio.ensure_future(it.app.files.write(ANN, "web", "/srv/motd", "new"))
        await files.reached.wait()
        calling.cancel()
        await asyncio.sleep(0)
        files.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(5):
            while "cancelled" not in it.audit.events():
                await asyncio.sleep(0.01)
        assert it.audit.of_commands()[-1]["reason"] == "cancelled; the file had been written"
    assert files.content("/srv/motd") == b"new"


async def test_the_time_of_a_call_ends_and_the_file_is_as_it_was() -> None:
    files = Slow("facts")
    async with daemon(host("web", limits=Limits(max_seconds=0.05)), transport=on(files)) as it:
        with pytest.raises(DeadlineExceededError, match="the call's time was over; the file is as it was") as caught:
            await it.app.files.write(ANN, "web", "/srv/motd", "new")
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("path", "place"),
    [("/srv/pw", "/etc/passwd"), ("/srv/conf/passwd", "/etc/passwd"), ("/srv/chain", "/etc/passwd")],
)
async def test_a_link_to_what_is_dangerous_is_judged_again_and_named(path: str, place: str) -> None:
    files = home_of_ann()
    files.put("/srv/pw", link("/etc/passwd"))
    files.put("/srv/chain", link("pw"))
    files.put("/srv/conf", link("../etc"))
    async with daemon(transport=on(files)) as it:
        with pytest.raises(ConfirmationRequiredError, match=f"{path} leads to {place}: .*overwrites") as caught:
            await it.app.files.write(ANN, "web", path, "x")
        assert f"call again with the path {place}" in caught.value.hint
        first, second, failed = it.audit.of_commands()
        assert (first["path"], first["decision"]) == (path, "allow")
        assert (second["event"], second["path"], second["decision"]) == ("decided", place, "needs_confirmation")
        assert first["id"] == second["id"] == failed["id"]
        assert not any(call.startswith("open") for call, _ in files.calls)
        await it.app.files.write(ANN, "web", path, "x", confirmed=True)
        assert it.audit.events()[-4:] == ["decided", "decided", "override", "file.write"]
        assert it.audit.of_commands()[-1]["real_path"] == place
    assert files.content("/etc/passwd") == b"x"


async def test_the_second_look_is_on_the_disk_before_content_moves() -> None:
    files = home_of_ann()
    files.put("/srv/link", link("motd"))
    seen = list[list[str]]()
    ledger = Ledger()
    files.before = lambda asked: seen.append(ledger.events()) if asked.startswith("open") else None
    async with daemon(transport=on(files), audit=ledger) as it:
        await it.app.files.read(ANN, "web", "/srv/link")
        assert seen == [["decided", "decided"]]
        ledger.full_from = "decided"
        with pytest.raises(AuditUnavailableError):
            await it.app.files.read(ANN, "web", "/srv/link")
        assert len(seen) == 1


async def test_a_persons_yes_to_one_path_covers_no_other() -> None:
    files = home_of_ann()
    files.put("/etc/shadow", link("/etc/passwd"))
    asking = replace(ANN, can_ask=True)
    async with daemon(transport=on(files)) as it:
        with pytest.raises(ApprovalRequiredError) as asked:
            await it.app.files.write(asking, "web", "/etc/shadow", "x")
        assert "| write 1 bytes to /etc/shadow\n| sha256 " in asked.value.question
        yes = replace(asking, answer=Answer(asked.value.approval, accepted=True))
        with pytest.raises(ConfirmationRequiredError, match="leads to /etc/passwd"):
            await it.app.files.write(yes, "web", "/etc/shadow", "x")
        with pytest.raises(ApprovalRequiredError) as asked:
            await it.app.files.write(asking, "web", "/etc/passwd", "x")
        other = replace(asking, answer=Answer(asked.value.approval, accepted=True))
        with pytest.raises(DeniedError, match="the approval was for another request"):
            await it.app.files.write(other, "web", "/etc/passwd", "y")
        await it.app.files.write(other, "web", "/etc/passwd", "x")
    assert files.content("/etc/passwd") == b"x"


async def test_the_access_of_a_host_holds_for_its_files() -> None:
    reads = host("reads", access=Access.READONLY)
    async with daemon(reads) as it:
        await it.app.files.read(ANN, "reads", "/srv/motd")
        await it.app.files.list(ANN, "reads", "/srv")
        with pytest.raises(DeniedError, match="read-only"):
            await it.app.files.write(ANN, "reads", "/srv/reboot", "x")


async def test_patterns_of_the_operator_hold_for_paths_and_contents() -> None:
    async with daemon(deny_patterns=("payroll",)) as it:
        for call in (
            it.app.files.read(ANN, "web", "/srv/payroll.csv"),
            it.app.files.write(ANN, "web", "/srv/x", "the payroll"),
        ):
            with pytest.raises(ConfirmationRequiredError, match="operator's pattern payroll"):
                await call
        assert it.transport.attempts == []


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/etc/passwd", PathRefusedError),
        ("/srv/app/../../etc/passwd", PathRefusedError),
        ("/srv/application/x", PathRefusedError),
        ("/srv/app/.ssh/id_rsa", PathRefusedError),
        ("/srv/app/a.key", PathRefusedError),
        ("srv/app/x", PathRefusedError),
        ("/srv/app/a\0b", PathRefusedError),
        ("/srv/app/\ud800", PathRefusedError),
        ("~root/x", PathRefusedError),
        ("", PathRefusedError),
    ],
)
async def test_a_closed_path_is_refused_before_anything_is_sent(path: str, error: type[McpSshError]) -> None:
    rules = FileRules(roots=("/srv/app",), deny_paths=("**/.ssh/**", "*.key"))
    async with daemon(host("web", files=rules)) as it:
        for call in (
            it.app.files.read(ANN, "web", path),
            it.app.files.list(ANN, "web", path),
            it.app.files.write(ANN, "web", path, "x"),
        ):
            with pytest.raises(error):
                await call
        assert it.transport.attempts == []
        assert it.audit.events() == ["failed"] * 3


@pytest.mark.parametrize(
    "path",
    ["/srv/app/out", "/srv/app/up/passwd", "/srv/app/keys/id", "/srv/app/chain", "/srv/app/renamed", "~/secret", "~"],
)
async def test_a_path_that_leads_out_is_refused_on_the_host(path: str) -> None:
    files = home_of_ann()
    files.put("/srv/app/out", link("/etc/passwd"))
    files.put("/srv/app/up", link("../../etc"))
    files.put("/srv/app/chain", link("out"))
    files.put("/srv/app/.ssh/id", file(b"key"))
    files.put("/srv/app/keys", link(".ssh"))
    files.put("/srv/app/a.key", file(b"key"))
    files.put("/srv/app/renamed", link("a.key"))
    files.put("/home/ann/secret", file(b"x"))
    rules = FileRules(roots=("/srv/app",), deny_paths=("**/.ssh/**", "*.key"))
    async with daemon(host("web", files=rules), transport=on(files)) as it:
        with pytest.raises(PathRefusedError):
            await it.app.files.read(ANN, "web", path)
        assert not any(call.startswith(("open", "page")) for call, _ in files.calls)


async def test_a_root_that_is_a_link_is_open_and_a_closed_folder_is_closed_by_any_name() -> None:
    files = home_of_ann()
    files.put("/data/app/x", file(b"x"))
    files.put("/www", link("/data/app"))
    files.put("/run/secrets/token", file(b"t"))
    files.put("/var/run", link("/run"))
    open_rules = FileRules(roots=("/www",))
    closed = FileRules(deny_paths=("/var/run/secrets/**", "~/notes"))
    async with daemon(host("web", files=open_rules), host("db", files=closed), transport=on(files)) as it:
        assert (await it.app.files.read(ANN, "web", "/www/x")).result.data == b"x"
        for path in ("/run/secrets/token", "/var/run/secrets/token", "/home/ann/notes", "~/notes"):
            with pytest.raises(PathRefusedError):
                await it.app.files.read(ANN, "db", path)


async def test_a_home_path_is_the_logins_own() -> None:
    async with daemon() as it:
        done = await it.app.files.read(ANN, "web", "~/notes")
        assert (done.result.data, done.result.path) == (b"buy milk\n", "/home/ann/notes")


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/srv", NotAFileError, "is a folder"),
        ("/srv/pipe", NotAFileError, "is no regular file"),
        ("/srv/none", NoSuchFileError, "is not there"),
        ("/srv/dangling", NoSuchFileError, "is a link to gone, which leads nowhere"),
        ("/srv/loop", NoSuchFileError, "which leads nowhere"),
        ("/srv/none/x", NoSuchFileError, "is not there"),
    ],
)
async def test_what_cannot_be_read_or_written_is_told(path: str, error: type[McpSshError], words: str) -> None:
    files = home_of_ann()
    files.put("/srv/pipe", Node(Kind.OTHER))
    files.put("/srv/dangling", link("gone"))
    files.put("/srv/loop", link("loop"))
    async with daemon(transport=on(files)) as it:
        with pytest.raises(error, match=words):
            await it.app.files.read(ANN, "web", path)
        if path != "/srv/none":
            with pytest.raises((NotAFileError, NoSuchFileError)):
                await it.app.files.write(ANN, "web", path, "x")
    assert files.names("/srv") == ["dangling", "loop", "motd", "pipe"]


async def test_no_file_is_larger_than_the_host_allows() -> None:
    async with daemon(host("web", files=FileRules(max_bytes=7))) as it:
        await it.app.files.write(ANN, "web", "/srv/motd", "1234567")
        for call in (
            it.app.files.write(ANN, "web", "/srv/motd", "12345678"),
            it.app.files.write(ANN, "web", "/srv/motd", "8", append=True),
            it.app.files.read(ANN, "web", "/etc/passwd"),
        ):
            with pytest.raises(FileTooLargeError, match=r"`files\.max_bytes` of web is 7"):
                await call
        assert (await it.app.files.read(ANN, "web", "/srv/motd")).result.data == b"1234567"


async def test_permissions_are_asked_for_each() -> None:
    async with daemon() as it:
        await it.app.files.read(READER, "web", "/srv/motd")
        await it.app.files.write(WRITER, "web", "/srv/motd", "x")
        for call in (
            it.app.files.write(READER, "web", "/srv/motd", "x"),
            it.app.files.read(WRITER, "web", "/srv/motd"),
            it.app.files.list(WRITER, "web", "/srv"),
        ):
            with pytest.raises(PermissionMissingError):
                await call


async def test_a_cli_host_has_no_files_and_nothing_is_sent() -> None:
    async with daemon(host("sw", shell=Shell.CLI, prompt_regex="#")) as it:
        with pytest.raises(NoFilesError, match="nothing was sent"):
            await it.app.files.read(ANN, "sw", "/x")
        assert it.transport.attempts == []


async def test_a_known_secret_is_in_no_part_of_a_file_and_its_sum_is_not_told() -> None:
    files = home_of_ann()
    files.put("/srv/env", file(b"PASS=" + SECRET.encode() + b"\n"))
    files.put("/srv/blob", file(b"\0" + SECRET.encode()))
    async with daemon(transport=on(files), secrets=SomeSecrets({"PASS": SECRET})) as it:
        it.app.keyrings.of(ANN.principal).get("PASS")
        done = (await it.app.files.read(ANN, "web", "/srv/env")).result
        assert (done.data, done.scrubbed, done.sha256) == (b"PASS=[redacted]\n", 1, "")
        for offset in range(0, 20, 3):
            part = (await it.app.files.read(ANN, "web", "/srv/env", offset=offset, limit=3)).result
            assert not any(SECRET[at : at + 3].encode() in part.data for at in range(len(SECRET) - 2))
        blob = (await it.app.files.read(ANN, "web", "/srv/blob")).result
        assert (blob.data, blob.is_text) == (b"\0[redacted]", False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"content": "x" * 100_001}, "has 100001 characters, the limit is 100000"),
        ({"content": "%%%", "is_base64": True}, "is no base64"),
        ({"content": "\ud800"}, "half of a character"),
        ({"content": "x", "mode": "4755"}, "mode '4755' is not three octal digits"),
        ({"content": "x", "mode": "rw"}, "mode 'rw'"),
        ({"content": "x", "mode": "0600", "append": True}, "or the call appends"),
        ({"content": "x", "expected_sha256": "abc"}, "neither 64 hex digits nor `absent`"),
    ],
)
async def test_a_bad_wish_is_named_and_nothing_is_sent(arguments: dict[str, object], words: str) -> None:
    async with daemon() as it:
        with pytest.raises(InvalidArgumentError, match=words):
            await it.app.files.write(ANN, "web", "/srv/x", **arguments)  # type: ignore[arg-type]
        for offset, limit in ((-1, 5), (0, 0), (0, 30_001)):
            with pytest.raises(InvalidArgumentError, match="nothing was sent"):
                await it.app.files.read(ANN, "web", "/srv/motd", offset=offset, limit=limit)
        assert it.transport.attempts == []


async def test_a_folder_is_listed_in_pages() -> None:
    files = home_of_ann()
    for number in range(450):
        files.put(f"/srv/many/f{number:03}", file())
    async with daemon(transport=on(files)) as it:
        first = (await it.app.files.list(ANN, "web", "/srv/many")).result
        last = (await it.app.files.list(ANN, "web", "/srv/many", offset=400)).result
        assert (len(first.page.entries), first.page.total, len(last.page.entries)) == (200, 450, 50)
        alone = (await it.app.files.list(ANN, "web", "/srv/motd")).result
        assert (alone.is_folder, alone.page.entries[0].facts.size) == (False, 6)


async def test_all_of_a_tree_stays_where_it_is_when_a_part_cannot_be_made() -> None:
    files = home_of_ann()
    files.put("/srv/locked", folder(x=file(b"old")))
    files._at("/srv/locked").is_closed = True
    async with daemon(transport=on(files)) as it:
        with pytest.raises(McpSshError, match="may not write to"):
            await it.app.files.write(ANN, "web", "/srv/locked/x", "new")
    assert files.content("/srv/locked/x") == b"old"
