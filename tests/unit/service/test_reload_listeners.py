import pytest

from mcp_ssh.model.errors import SessionLimitError
from mcp_ssh.service import reload
from tests.support.daemon import daemon


async def test_listeners_hear_of_every_configuration_that_is_taken_until_they_leave() -> None:
    heard: list[str] = []
    async with daemon() as it:
        with it.app.reload.listening(lambda: heard.append("one")):
            with it.app.reload.listening(lambda: heard.append("two")):
                it.reload()
            it.reload()
        it.reload()
    assert heard == ["one", "two", "one"]


async def test_there_are_not_more_listeners_than_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "most_listeners", 1)
    async with daemon() as it:
        with it.app.reload.listening(print), pytest.raises(SessionLimitError), it.app.reload.listening(print):
            pass
        with it.app.reload.listening(print):  # who leaves makes room
            pass
