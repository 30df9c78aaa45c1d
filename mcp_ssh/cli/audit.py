"""`mcp-ssh audit`: whether the log is whole, what stands in it, and the same for other programs."""

import asyncio
import csv
import datetime as dt
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mcp_ssh.audit.chain import Link
from mcp_ssh.audit.disk.following import last_number, lines_behind
from mcp_ssh.audit.disk.opened import audit_key
from mcp_ssh.audit.disk.reading import files_of, lines_backwards, lines_of, verified
from mcp_ssh.audit.keys import AuditKey, KeyTextError, key_of
from mcp_ssh.audit.query import Query, as_line
from mcp_ssh.audit.record import order
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.secrets import DaemonSecrets
from mcp_ssh.face.hygiene import clean
from mcp_ssh.model.errors import AuditUnavailableError, InvalidArgumentError, SecretMissingError
from mcp_ssh.model.settings import Settings
from mcp_ssh_drivers.registry import known

found, none, broken = 0, 1, 1
_ago = re.compile(r"([0-9]{1,6})([smhd])")
_seconds = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_known = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_formula = ("=", "+", "-", "@", "\t", "\r")


def audit(options: Namespace) -> int:
    """Do what is asked: 0 well and found, 1 broken or nothing found."""
    path = options.log or Path(_settings().audit_log)
    if not files_of(path):
        raise AuditUnavailableError(f"there is no audit log at {path}", hint="name another one with --log")
    try:
        match options.action:
            case "tail":
                return _tail(path, options)
            case "search":
                return _search(path, options)
            case "export":
                return _export(path, options)
            case _:
                return _verify(path, options)
    except OSError as error:
        raise AuditUnavailableError(f"the log at {path} cannot be read: {error.strerror or error}") from None


def _settings() -> Settings:
    return load(Environment.from_environ(os.environ, Path.home()), known).settings


# --- verify


def _verify(path: Path, options: Namespace) -> int:
    key, remark = _key(options)
    report = verified(path, key, [_link(text) for text in options.against])
    files = len(files_of(path))
    if options.json:
        told = {name: getattr(report, name) for name in ("ok", "records", "file", "line", "reason", "signed", "torn")}
        print(json.dumps(told | {"files": files, "last": f"{report.last.seq}:{report.last.hash}"}))  # noqa: T201
        return found if report.ok else broken
    if not report.ok:
        print(f"BROKEN: {report.file or path}:{report.line}: {report.reason}")  # noqa: T201
        print(f"{report.records} records before it are well", file=sys.stderr)  # noqa: T201
        return broken
    signed = f"; signed up to record {report.signed}" if key is not None else remark
    torn = f"; {report.torn} torn by crashes, each told of" if report.torn else ""
    print(f"whole: {report.records} records in {files} file{'s' if files != 1 else ''}{signed}{torn}")  # noqa: T201
    print(f"the last: {report.last.seq}:{report.last.hash}")  # noqa: T201
    print("kept elsewhere, that shows a cut tail or a new chain: audit verify --against SEQ:HASH", file=sys.stderr)  # noqa: T201
    return found


def _key(options: Namespace) -> tuple[AuditKey | None, str]:
    """The key to check with, and what to say where there should be one and is none."""
    if options.key is not None:
        try:
            return key_of(options.key.read_text(encoding="utf-8")), ""
        except KeyTextError as error:
            raise InvalidArgumentError(f"{options.key}: {error}") from None
        except OSError as error:
            raise InvalidArgumentError(f"{options.key} cannot be read: {error.strerror}") from None
    if options.log is not None:
        return None, ""
    settings = _settings()
    secrets = DaemonSecrets(os.environ, lambda: settings)  # where the daemon that signs finds it, too
    try:
        if settings.audit.key_env is not None:
            asyncio.run(secrets.fetch([settings.audit.key_env]))
        return audit_key(settings.audit.key_env, secrets), ""
    except SecretMissingError as error:
        return None, f"; its signatures were not checked: {error.message}"


def _link(text: str) -> Link:
    given = _known.fullmatch(text)
    if given is None:
        raise InvalidArgumentError(f"{text[:100]!r} is no SEQ:HASH as audit verify prints it")
    return Link(int(given[1]), given[2])


# --- records


def _query(options: Namespace) -> Query:
    now = dt.datetime.now(dt.UTC)
    return Query(
        host=options.host,
        principal=options.principal,
        event=options.event,
        decision=options.decision,
        since=_moment(options.since, now),
        until=_moment(options.until, now),
        text=getattr(options, "text", None),
    )


def _moment(text: str | None, now: dt.datetime) -> str | None:
    """A time as records write it, from one of ISO 8601 (UTC where nothing is said) or from `2h` ago."""
    if text is None:
        return None
    ago = _ago.fullmatch(text)
    try:
        moment = now - dt.timedelta(seconds=int(ago[1]) * _seconds[ago[2]]) if ago else dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(f"{text[:100]!r} is no time such as 2026-11-27T08:00 or 2h") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _records(lines: Iterable[bytes], query: Query) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # torn by a crash; `verify` is who tells of it
        if isinstance(record, dict) and query.takes(record):
            yield record


def _tail(path: Path, options: Namespace) -> int:
    query, number = _query(options), last_number(path) if options.follow else 0
    latest = list(islice(_records(lines_backwards(files_of(path)), query), options.lines))
    _print(reversed(latest), as_json=options.json)
    if options.follow:
        number = max([number, *(record["seq"] for record in latest)])  # it may have gone on meanwhile
        _print(_records(lines_behind(path, number, sys.stdout.flush), query), as_json=options.json)
    return found if latest else none


def _search(path: Path, options: Namespace) -> int:
    records = _records((line for file in files_of(path) for line in lines_of(file)), _query(options))
    return found if _print(records, as_json=options.json) else none


def _print(records: Iterable[dict[str, Any]], *, as_json: bool) -> int:
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007  their number
        print(json.dumps(record) if as_json else clean(as_line(record)).replace("\n", "\\n"))  # noqa: T201
    return count


def _export(path: Path, options: Namespace) -> int:
    records = _records((line for file in files_of(path) for line in lines_of(file)), _query(options))
    if options.output is None:
        _write(records, sys.stdout, options.format)
        return found
    try:
        descriptor = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidArgumentError(f"{options.output} cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        _write(records, file, options.format)
    return found


def _write(records: Iterable[dict[str, Any]], file: IO[str], form: str) -> None:
    if form == "jsonl":
        for record in records:
            file.write(json.dumps(record) + "\n")
        return
    table = csv.DictWriter(file, (*order, "hash"), extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for record in records:
        table.writerow({name: _cell(value) for name, value in record.items()})


def _cell(value: object) -> object:
    """A list as words, and no text that a spreadsheet would take for a formula."""
    text = " ".join(map(str, value)) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_formula) else text
