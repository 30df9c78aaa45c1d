from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.decision import Decision, Effect
from mcp_ssh.model.host import Shell
from mcp_ssh.model.principal import Principal, Via
from mcp_ssh.policy.decide import decide
from mcp_ssh.safety.classify import Guard
from tests.support.hosts import host


def decision(text: str | None, *, confirmed: bool = False, enabled: bool = True) -> Decision:
    wish = None if text is None else Wish(text)
    request = Request("1", Principal("stdio:ann", Via.STDIO), Operation.RUN, "web", wish, confirmed)
    guard = Guard.build(builtin=True, patterns=[], shell=Shell.POSIX)
    verdict = None if text is None else guard.classify(text, host="web")
    return decide(request, host(enabled=enabled), verdict)


def test_what_is_not_dangerous_is_allowed_and_every_layer_is_in_the_trace() -> None:
    got = decision("systemctl restart nginx")
    assert (got.effect, got.confirmed_by) == (Effect.ALLOW, None)
    assert [layer.name for layer in got.trace] == ["host", "network", "access", "policy", "safety"]


def test_what_is_dangerous_needs_confirmation_and_says_why() -> None:
    got = decision("reboot")
    assert (got.effect, got.layer, got.rule, got.confirmable) == (Effect.CONFIRM, "safety", "posix.power", True)
    assert got.reason == "it takes the host down (posix.power)"


def test_a_confirmation_is_recorded_as_the_models_with_what_it_overrode() -> None:
    got = decision("reboot", confirmed=True)
    assert (got.effect, got.confirmed_by) == (Effect.ALLOW, "model")
    assert got.reason == "confirmed by model: it takes the host down (posix.power)"


def test_a_confirmation_of_nothing_dangerous_overrides_nothing() -> None:
    assert decision("uptime", confirmed=True).confirmed_by is None


def test_a_disabled_host_is_denied_and_no_confirmation_helps() -> None:
    got = decision("uptime", confirmed=True, enabled=False)
    assert (got.effect, got.layer, got.confirmable) == (Effect.DENY, "host", False)


def test_without_a_command_the_host_alone_decides() -> None:
    assert decision(None).effect is Effect.ALLOW
