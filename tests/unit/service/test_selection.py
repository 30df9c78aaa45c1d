"""Which hosts are meant: names, globs, tags; what fits nothing is refused by name, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.errors import InvalidArgumentError, McpSshError
from mcp_ssh.model.host import Inventory
from mcp_ssh.model.principal import Principal, Via
from mcp_ssh.service.selection import selected
from tests.support.hosts import host

HOSTS = Inventory(
    {
        each.name: each
        for each in (
            host("web1.example.com", tags=frozenset({"web", "eu-west"})),
            host("web2.example.com", tags=frozenset({"web", "canary", "eu-west"})),
            host("db1", tags=frozenset({"db", "eu-west"})),
            host("db2", tags=frozenset({"db", "us.1"})),
            host("bare"),
        )
    }
)
ALL = Principal("stdio:ann", Via.STDIO)


def names(chosen: list[str], tags: str | None = None, principal: Principal = ALL) -> list[str]:
    return [each.name for each in selected(HOSTS, principal, chosen, tags)]


@pytest.mark.parametrize(
    ("chosen", "tags", "fitting"),
    [
        (["db1"], None, ["db1"]),
        (["db2", "web1.example.com"], None, ["web1.example.com", "db2"]),
        (["db1", "db1", "db*"], None, ["db1", "db2"]),
        (["web?.example.com"], None, ["web1.example.com", "web2.example.com"]),
        (["*"], None, [*HOSTS.hosts]),
        ([], "web", ["web1.example.com", "web2.example.com"]),
        ([], "web & !canary", ["web1.example.com"]),
        ([], "web | db", ["web1.example.com", "web2.example.com", "db1", "db2"]),
        ([], "(web | db) & eu-west & !canary", ["web1.example.com", "db1"]),
        ([], "!web", ["db1", "db2", "bare"]),
        ([], "not web and us.1", ["db2"]),
        (["web*", "db2"], "eu-west", ["web1.example.com", "web2.example.com"]),
        ([], "web | true", [*HOSTS.hosts]),
    ],
)
def test_what_is_named_is_meant_in_the_order_of_the_file(
    chosen: list[str], tags: str | None, fitting: list[str]
) -> None:
    assert names(chosen, tags) == fitting


@pytest.mark.parametrize(
    ("chosen", "tags", "words"),
    [
        ([], None, "no hosts were named"),
        (["db3"], None, "unknown host 'db3', did you mean"),
        (["mail*"], None, "no host fits 'mail*'"),
        (["db1", "mail*"], None, "no host fits 'mail*'"),
        (["db*"], "web", "no host fits; nothing was sent"),
        ([], "wbe", "no host has the tag 'wbe'"),
        ([], "!canray", "no host has the tag 'canray'"),
        ([], "web &", "is no tag expression"),
        ([], "web db", "is no tag expression"),
        ([], "web, db", "is no tag expression"),
        ([], "(web", "is no tag expression"),
        ([], "", "is no tag expression"),
        ([], "true", "names no tag"),
        ([], "web & " * 100 + "web", "the limit is 500"),
        (["x"] * 1_001, None, "the limit is 1000"),
    ],
)
def test_what_fits_nobody_is_refused(chosen: list[str], tags: str | None, words: str) -> None:
    with pytest.raises(McpSshError) as refused:
        names(chosen, tags)
    assert words in refused.value.message
    assert not refused.value.sent


def test_hosts_that_a_principal_does_not_see_do_not_exist_for_it() -> None:
    only = Principal("token:web", Via.NETWORK, hosts=("web*",))
    assert names(["*"], None, only) == ["web1.example.com", "web2.example.com"]
    assert names([], "!canary", only) == ["web1.example.com"]
    for chosen, tags in ((["db1"], None), (["db*"], None), ([], "db")):
        with pytest.raises(McpSshError):
            names(chosen, tags, only)


@given(st.text(alphabet="ab&|!~()+* webdb-.1{}'\"\n\x00é", max_size=60))
def test_no_text_of_tags_breaks_it(text: str) -> None:
    try:
        found = names([], text)
    except InvalidArgumentError:
        return
    assert set(found) <= set(HOSTS.hosts)
