import pytest

from mcp_ssh.audit.query import Query, as_line

RECORD = {
    "v": 1,
    "ts": "2026-11-27T08:00:00.000000Z",
    "event": "decided",
    "principal": "token:ops",
    "host": "web-1",
    "command": "systemctl restart nginx",
    "decision": "allow",
    "rules": ["posix.power"],
}


@pytest.mark.parametrize(
    ("query", "takes"),
    [
        (Query(), True),
        (Query(host="web-*", principal="token:*", event="decided", decision="allow"), True),
        (Query(host="db-*"), False),
        (Query(principal="stdio:*"), False),
        (Query(event="finished"), False),
        (Query(since="2026-11-27T08:00:00.000000Z"), True),
        (Query(until="2026-11-27T08:00:00.000000Z"), False),
        (Query(since="2026-11-27T08:00:01.000000Z"), False),
        (Query(text="NGINX"), True),
        (Query(text="apache"), False),
    ],
)
def test_records_are_picked_by_what_stands_in_them(query: Query, takes: bool) -> None:
    assert query.takes(RECORD) is takes


def test_a_record_reads_as_a_line() -> None:
    assert as_line(RECORD) == (
        "2026-11-27 08:00:00  decided        token:ops  web-1  allow  `systemctl restart nginx`  [posix.power]"
    )
    assert as_line({"event": "session.open", "exit_code": 0, "ts": "x"}) == "x  session.open   exit 0"
    through = {"event": "connect", "host": "db", "address": "10.0.0.21:22", "jump": ["outer", "inner"], "ts": "x"}
    assert as_line(through) == "x  connect        db  10.0.0.21:22  through outer > inner"
