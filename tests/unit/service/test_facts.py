"""Facts of machines by what they said: each with its source, none that was not told."""

import math
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.decision import Level
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.facts import facts_of, most_rows
from mcp_ssh.service.survey import Init, headings, kind_of, probe, sections_of, survey
from tests.support.machines import ALPINE, DEBIAN, OPENWRT, REDHAT

GUARD = Guard.build(builtin=True, patterns=(), shell=Shell.POSIX)


def facts(text: str) -> dict[str, object]:
    return {fact.name: fact.value for fact in facts_of(sections_of(text))}


def sources(text: str) -> dict[str, str]:
    return {fact.name: fact.source for fact in facts_of(sections_of(text))}


@pytest.mark.parametrize("command", [probe, survey], ids=["probe", "survey"])
def test_what_is_asked_only_reads_and_every_word_of_it_is_literal(command: str) -> None:
    verdict = GUARD.classify(command, host="web")
    assert (verdict.level, verdict.parsed, verdict.findings) == (Level.READ_ONLY, True, ())
    assert set(verdict.writes) == {"/dev/null"}
    assert all("$" not in word and "`" not in word for word in shlex.split(command))
    assert "\n" not in command


def test_debian_tells() -> None:
    assert facts(DEBIAN) == {
        "os": "Debian GNU/Linux 12 (bookworm)",
        "os_id": "debian",
        "os_version": "12",
        "kernel": "Linux 6.1.0-28-amd64",
        "architecture": "x86_64",
        "hostname": "web-1",
        "hardware": "QEMU Standard PC (Q35 + ICH9, 2009)",
        "virtualization": "kvm",
        "uptime_seconds": 273483,
        "clock": "2026-11-02T09:14:07+0100",
        "cpus": 4,
        "load": [0.08, 0.03, 0.01],
        "memory": {
            "total_bytes": 4005932 * 1024,
            "available_bytes": 3120456 * 1024,
            "free_bytes": 241324 * 1024,
            "swap_total_bytes": 999420 * 1024,
            "swap_free_bytes": 990000 * 1024,
        },
        "disks": [
            {
                "mount": mount,
                "filesystem": filesystem,
                "size_bytes": size * 1024,
                "used_bytes": used * 1024,
                "available_bytes": available * 1024,
            }
            for mount, filesystem, size, used, available in (
                ("/", "/dev/sda1", 30308240, 12503044, 16238596),
                ("/srv/my data", "/dev/sdb1", 102626232, 24, 97366944),
                ("/mnt/nas", "nas:/export", 1048576000, 52428800, 996147200),
            )
        ],
        "addresses": [
            {"interface": "ens18", "address": "10.0.0.21/24"},
            {"interface": "ens18", "address": "2001:db8::21/64"},
            {"interface": "wg0", "address": "10.9.0.2"},
        ],
        "init": "systemd",
        "package_manager": "apt-get",
    }
    assert sources(DEBIAN)["os"] == "/etc/os-release"
    assert sources(DEBIAN)["init"] == "/run/systemd/system"


def test_alpine_tells_and_what_it_does_not_tell_is_absent() -> None:
    told = facts(ALPINE)
    assert (told["os"], told["os_id"], told["init"], told["package_manager"]) == (
        "Alpine Linux v3.20", "alpine", "openrc", "apk",
    )  # fmt: skip
    assert told["addresses"] == [{"interface": "eth0", "address": "192.0.2.7/24"}]
    assert told["memory"] == {
        "total_bytes": 492348 * 1024,
        "available_bytes": 420000 * 1024,
        "free_bytes": 362340 * 1024,
    }
    assert {"virtualization", "hardware", "selinux"} & set(told) == set()


def test_openwrt_tells_its_model_and_its_addresses_by_ifconfig() -> None:
    told = facts(OPENWRT)
    assert (told["os"], told["architecture"], told["hardware"]) == ("OpenWrt 23.05.3", "mips", "TP-Link Archer C7 v2")
    assert (told["init"], told["package_manager"]) == ("procd", "opkg")
    assert told["addresses"] == [
        {"interface": "br-lan", "address": "192.168.1.1"},
        {"interface": "br-lan", "address": "fd12:3456:789a::1/60"},
    ]
    assert sources(OPENWRT)["addresses"] == "ifconfig -a"
    assert "cpus" not in told


def test_red_hat_tells_selinux_and_its_own_package_manager_before_a_foreign_one() -> None:
    told = facts(REDHAT)
    assert (told["selinux"], told["cpus"], told["package_manager"]) == ("enforcing", 5, "dnf")
    assert told["virtualization"] == "vmware"
    assert sources(REDHAT)["hardware"] == "/sys/class/dmi/id/product_name"


def test_the_kind_of_a_machine() -> None:
    kinds = [kind_of(sections_of(text)) for text in (DEBIAN, ALPINE, OPENWRT, REDHAT)]
    assert [kind.init for kind in kinds] == [Init.SYSTEMD, Init.OPENRC, Init.PROCD, Init.SYSTEMD]
    assert [kind.managers for kind in kinds] == [("apt-get",), ("apk",), ("opkg",), ("dnf", "yum", "apt-get")]
    assert [kind.is_root for kind in kinds] == [False, True, True, False]
    assert [kind.has_sudo for kind in kinds] == [True, False, False, True]


def test_a_container_is_not_said_to_have_an_init_system_that_only_its_files_speak_of() -> None:
    text = "==> ls -d <==\n/.dockerenv\n/etc/init.d\n\n==> readlink /sbin/init <==\n/lib/systemd/systemd\n"
    assert facts(text) == {"virtualization": "docker"}
    assert facts(f"{text}\n==> /proc/1/comm <==\ntini\n")["init"] == "tini"


def test_an_answer_that_breaks_off_keeps_what_came_before() -> None:
    cut = DEBIAN[: DEBIAN.index("/dev/sdb1") + 12]
    assert [disk["mount"] for disk in facts(cut)["disks"]] == ["/"]  # type: ignore[attr-defined]
    assert facts(cut)["os_id"] == "debian"


def test_a_heading_within_a_file_does_not_take_the_place_of_the_real_one() -> None:
    told = facts("==> uname -snrm <==\nLinux a 1 x86_64\n==> uname -snrm <==\nLinux b 2 arm\n==> nothing <==\n")
    assert told == {}  # four words a line, and these are more: nothing is guessed of them
    assert facts("==> date <==\n2026-01-01T00:00:00+0000\n==> date <==\nsoon\n")["clock"] == "2026-01-01T00:00:00+0000"


def test_rows_are_bounded() -> None:
    lines = "".join(f"{n}: eth{n}    inet 10.0.{n // 250}.{n % 250}/8 scope global eth{n}\n" for n in range(500))
    assert len(facts(f"==> ip -o addr <==\n{lines}")["addresses"]) == most_rows  # type: ignore[arg-type]


parts = st.one_of(
    st.sampled_from([f"==> {name} <==" for name in sorted(headings)]),
    st.sampled_from([line for text in (DEBIAN, OPENWRT, REDHAT) for line in text.split("\n")]),
    st.text(max_size=60),
    st.sampled_from(["9" * 30, "/dev/x " + " 9" * 20, "0-" + "9" * 9, "nan inf -1", "MemTotal: 1 kB", "A=" + '"' * 9]),
)


@given(st.lists(parts, max_size=40))
def test_no_answer_breaks_it_and_each_fact_has_a_source_that_was_asked(lines: list[str]) -> None:
    for fact in facts_of(sections_of("\n".join(lines))):
        assert fact.source in headings or fact.source.startswith("/")
        assert fact.value not in ("", [], {})
        if isinstance(fact.value, int | float):
            assert math.isfinite(fact.value)
