from dataclasses import replace

import pytest

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.decision import Level
from mcp_ssh.model.host import Inventory
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service import guards
from mcp_ssh.service.guards import Guards
from tests.support.hosts import host, settings


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that a guard was really asked about."""
    asked: list[str] = []
    real = Guard.classify

    def classify(self: Guard, command: str, **where: str | None) -> object:
        asked.append(command)
        return real(self, command, **where)  # type: ignore[arg-type]

    monkeypatch.setattr(Guard, "classify", classify)
    return asked


def snapshot(**changes: object) -> Snapshot:
    return Snapshot(Inventory({}), settings(**changes), "test")


def test_a_command_that_comes_again_is_judged_once_a_host_mode_and_directory(judged: list[str]) -> None:
    all_guards, now, web = Guards(), snapshot(), host("web")
    first = all_guards.classify(web, now, "rm -rf *")
    assert all_guards.classify(web, now, "rm -rf *") is first
    assert all_guards.classify(web, now, "rm -rf *", None, "/").level is Level.DANGEROUS
    assert all_guards.classify(host("db"), now, "rm -rf *").digest != first.digest
    assert judged == ["rm -rf *"] * 3


def test_another_configuration_judges_anew(judged: list[str]) -> None:
    all_guards, web = Guards(), host("web")
    before = all_guards.classify(web, snapshot(), "uptime")
    after = all_guards.classify(web, snapshot(deny_patterns=("uptime",)), "uptime")
    assert (before.level, after.level) == (Level.READ_ONLY, Level.DANGEROUS)
    assert all_guards.classify(replace(web, deny_patterns=("up",)), snapshot(), "uptime").level is Level.DANGEROUS
    assert judged == ["uptime"] * 3


def test_what_is_kept_is_bounded(judged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "most_kept", 2)
    all_guards, now, web = Guards(), snapshot(), host("web")
    for text in ("a", "b", "c", "a", "echo " + "x" * 1_000, "echo " + "x" * 1_000):
        all_guards.classify(web, now, text)
    assert [text[:6] for text in judged] == ["a", "b", "c", "a", "echo x", "echo x"]
    assert len(all_guards._of[web].verdicts) == 2
