from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ToolsListChanged

from mcp_ssh.face.watching import News, Sight, Watch, changes

FIRST = Sight(("ssh_run",), ("web",), {"a": "1", "b": "2"})


async def nobody(event: News) -> None:
    del event


def test_what_reads_the_same_is_no_news() -> None:
    assert changes(FIRST, FIRST) == []


def test_each_kind_of_change_is_told_once() -> None:
    after = Sight(("ssh_run", "ssh_send"), (), {"a": "1", "b": None, "c": "new"})
    assert changes(FIRST, after) == [ToolsListChanged(), ResourcesListChanged(), ResourceUpdated("b")]


def test_an_address_that_is_added_later_hides_no_other_news() -> None:
    sights = [FIRST, Sight((), ("web",), {"c": "3"}), Sight((), ("web",), {"c": "3"}), Sight((), ("web",), {"c": "4"})]
    watch = Watch(lambda _: sights.pop(0), nobody)
    assert watch.news() == ()
    watch.add("c")
    assert watch.news() == [ToolsListChanged()]
    assert watch.news() == [ResourceUpdated("c")]


def test_one_that_may_see_nothing_any_more_is_ended_and_told_nothing() -> None:
    sights, ended = [FIRST, None, None], list[bool]()
    watch = Watch(lambda _: sights.pop(0), nobody, lambda: ended.append(True))
    assert not watch.news()
    assert not watch.news()
    assert ended == [True]
