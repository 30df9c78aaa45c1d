"""Services by what init systems say of them, as their manuals have it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.decision import Level
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.names import service_name
from mcp_ssh.service.survey import Init
from mcp_ssh.service.units import Unit, question, unit_of

GUARD = Guard.build(builtin=True, patterns=(), shell=Shell.POSIX)
RUNNING = """\
MainPID=812
Result=success
Id=nginx.service
Description=A high performance web server and a reverse proxy server
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestamp=Mon 2026-11-02 08:00:11 CET
"""
PROCD = {
    "dnsmasq": {
        "instances": {
            "cfg01411c": {"running": True, "pid": 2113, "command": ["/usr/sbin/dnsmasq", "-C", "/var/etc/x"]},
            "cfg02": {"running": False},
        }
    }
}


@pytest.mark.parametrize("init", Init)
@pytest.mark.parametrize("name", ["nginx", "nginx.service", "getty@tty1", "php8.2-fpm", "a_b:c+d"])
def test_the_question_only_reads(init: Init, name: str) -> None:
    verdict = GUARD.classify(question(init, service_name(name)), host="web")
    assert (verdict.level, verdict.parsed, verdict.findings) == (Level.READ_ONLY, True, ())


def test_systemd_is_asked_for_properties_of_a_unit_by_its_full_name() -> None:
    asked = question(Init.SYSTEMD, "nginx")
    assert asked.startswith("systemctl show --no-pager --property=")
    assert asked.endswith(" -- nginx.service")
    assert question(Init.SYSTEMD, "7").endswith(" -- 7.service")  # a bare number would be a job of systemd's
    assert question(Init.SYSTEMD, "fstrim.timer").endswith(" -- fstrim.timer")
    escaped = r"dev-disk-by\x2duuid.device"
    assert question(Init.SYSTEMD, service_name(escaped)).endswith(f" -- '{escaped}'")


def test_a_unit_that_runs() -> None:
    assert unit_of(Init.SYSTEMD, "nginx", RUNNING, "", 0) == Unit(
        exists=True,
        is_active=True,
        state="active (running)",
        enabled="enabled",
        pid=812,
        since="Mon 2026-11-02 08:00:11 CET",
        description="A high performance web server and a reverse proxy server",
    )


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nUnitFileState=disabled\nMainPID=0",
            Unit(exists=True, is_active=False, state="failed (failed, exit-code)", enabled="disabled"),
        ),
        ("LoadState=not-found\nActiveState=inactive\nSubState=dead\nMainPID=0", Unit(exists=False)),
        (
            "LoadState=masked\nActiveState=inactive\nSubState=dead\nUnitFileState=masked",
            Unit(exists=True, is_active=False, state="inactive (dead)", enabled="masked"),
        ),
        ("", Unit(exists=None)),
    ],
)
def test_units_that_do_not_run(text: str, unit: Unit) -> None:
    assert unit_of(Init.SYSTEMD, "x", text, "", 0) == unit


@pytest.mark.parametrize(
    ("stdout", "code", "unit"),
    [
        (
            "/etc/init.d/nginx\n/etc/runlevels/default/nginx\n * status: started\n",
            0,
            Unit(exists=True, is_active=True, state="started", enabled="enabled (default)"),
        ),
        (
            "/etc/init.d/nginx\n * status: crashed\n",
            32,
            Unit(exists=True, is_active=False, state="crashed", enabled="disabled"),
        ),
        (
            "/etc/init.d/nginx\nnot running\n",
            3,
            Unit(exists=True, is_active=False, state="stopped", enabled="disabled"),
        ),
        ("/etc/init.d/nginx\nusage\n", 1, Unit(exists=True, enabled="disabled")),
        (" * rc-service: service `nginx' does not exist\n", 1, Unit(exists=False)),
    ],
)
def test_openrc_says_it_in_words_or_by_its_exit_code(stdout: str, code: int, unit: Unit) -> None:
    assert unit_of(Init.OPENRC, "nginx.service", stdout, "", code) == unit


@pytest.mark.parametrize(
    ("stdout", "code", "unit"),
    [
        (
            f"/etc/init.d/dnsmasq\n/etc/rc.d/S19dnsmasq\n{json.dumps(PROCD, indent=1)}\n",
            0,
            Unit(exists=True, is_active=True, state="running", enabled="enabled", pid=2113),
        ),
        (
            "/etc/init.d/dnsmasq\n{\n}\n",
            0,
            Unit(exists=True, is_active=False, state="not running under procd", enabled="disabled"),
        ),
        (
            '/etc/init.d/dnsmasq\n{"dnsmasq": {}}',
            0,
            Unit(exists=True, state="active with no instances", enabled="disabled"),
        ),
        ("/etc/init.d/dnsmasq\n", 6, Unit(exists=True, enabled="disabled")),  # ubus: permission denied
        ("{\n}\n", 0, Unit(exists=False)),
        ("/etc/init.d/dnsmasq2\n/etc/rc.d/S19dnsmasq2\n{ }", 0, Unit(exists=False)),
    ],
)
def test_procd_says_it_in_json(stdout: str, code: int, unit: Unit) -> None:
    assert unit_of(Init.PROCD, "dnsmasq", stdout, "", code) == unit


@pytest.mark.parametrize(
    ("stdout", "code", "unit"),
    [
        (
            "/etc/init.d/cron\n/etc/rc2.d/S01cron\ncron (pid  415) is running...\n",
            0,
            Unit(exists=True, is_active=True, state="running", enabled="enabled", pid=415),
        ),
        (
            "/etc/init.d/cron\n",
            1,
            Unit(exists=True, is_active=False, state="dead, with its pid file left", enabled="disabled"),
        ),
        ("/etc/init.d/cron\nUsage: cron {start|stop}\n", 2, Unit(exists=True, enabled="disabled")),
        ("/etc/init.d/cron\n", 4, Unit(exists=True, enabled="disabled")),
        ("sh: /etc/init.d/cron: not found\n", 127, Unit(exists=False)),
    ],
)
def test_init_scripts_say_it_by_their_exit_code(stdout: str, code: int, unit: Unit) -> None:
    assert unit_of(Init.SCRIPTS, "cron", stdout, "", code) == unit


@pytest.mark.parametrize(
    "text",
    ["", "-nginx", "--now", "a b", "a;b", "$(id)", "`id`", "a'b", 'a"b', "a\nb", "../x", "a/b", "a*", "a?", "[a]", "ä",
     "a\\", "a\\x2", "a\\x2D", "a\\n", "a&", "a|b", "a>b", "~a", "a\0", "x" * 129, "nginx\n"],
)  # fmt: skip
def test_what_can_be_no_name_of_a_service_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="nothing was sent"):
        service_name(text)


@given(st.sampled_from(Init), st.text(max_size=300), st.text(max_size=100), st.none() | st.integers(-1, 255))
def test_no_answer_breaks_it(init: Init, stdout: str, stderr: str, code: int | None) -> None:
    for text in (stdout, f"/etc/init.d/x\n{stdout}", f'/etc/init.d/x\n{{"x": {stdout}', f"LoadState={stdout}"):
        unit = unit_of(init, "x", text, stderr, code)
        assert unit.exists is not False or unit == Unit(exists=False)


@given(st.sampled_from(Init), st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0/"), max_size=20))
def test_whatever_a_name_holds_it_stays_one_word_of_one_command(init: Init, text: str) -> None:
    plain, asked = (GUARD.classify(question(init, name), host="web") for name in ("x", f"x{text}"))
    assert asked.parsed
    assert [line.split(" ")[0] for line in asked.lines][:-1] == [line.split(" ")[0] for line in plain.lines][:-1]
    assert len(asked.lines) == len(plain.lines)
    assert asked.writes == plain.writes
