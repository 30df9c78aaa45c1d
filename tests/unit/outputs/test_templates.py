"""Templates by command, and the rows that they make of outputs as devices write them."""

import re
from pathlib import Path

import pytest

from mcp_ssh.outputs.rows import platform_names, templates_folder
from mcp_ssh.outputs.templates import NoRowsError, answer_to, max_row_chars, max_rows, rows_by, template_for
from mcp_ssh_drivers.registry import known

FOLDER = Path(templates_folder() or "/nowhere")

INTERFACES = """\
Interface              IP-Address      OK? Method Status                Protocol
GigabitEthernet0/0/0   198.51.100.2    YES NVRAM  up                    up
GigabitEthernet0/0/1   unassigned      YES unset  administratively down down
Loopback0              192.0.2.1       YES manual up                    up
"""
VLANS = """\

VLAN Name                             Status    Ports
---- -------------------------------- --------- -------------------------------
1    default                          active    Gi0/3, Gi0/4, Gi0/5
                                                Gi0/6
20   voice                            active    Gi0/1, Gi0/2
1002 fddi-default                     act/unsup
"""
COMWARE = """\
Brief information on interfaces in bridge mode:
Link: ADM - administratively down; Stby - standby
Speed: (a) - auto
Duplex: (a)/A - auto; H - half; F - full
Type: A - access; T - trunk; H - hybrid
Interface            Link Speed   Duplex Type PVID Description
GE1/0/1              UP   1G(a)   F(a)   A    20   desk 4
GE1/0/2              DOWN auto    A      T    1
"""
LINUX = """\
default via 192.0.2.254 dev eth0 proto static metric 100
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
"""


def rows(platform: str, command: str, text: str) -> list[dict[str, str | list[str]]]:
    return rows_by(FOLDER, template_for(FOLDER, platform_names(platform), command), text)


def why(platform: str, command: str, text: str = "") -> str:
    with pytest.raises(NoRowsError) as none:
        rows(platform, command, text)
    return str(none.value)


def test_interfaces_of_a_router_are_rows() -> None:
    found = rows("cisco_ios", "show ip interface brief", INTERFACES)
    assert [row["interface"] for row in found] == ["GigabitEthernet0/0/0", "GigabitEthernet0/0/1", "Loopback0"]
    assert found[1] == {
        "interface": "GigabitEthernet0/0/1",
        "ip_address": "unassigned",
        "status": "administratively down",
        "proto": "down",
    }


def test_a_cell_with_several_values_is_a_list_over_the_lines_that_it_takes() -> None:
    found = rows("cisco_ios", "show vlan brief", VLANS)
    assert [(row["vlan_id"], row["vlan_name"]) for row in found] == [
        ("1", "default"),
        ("20", "voice"),
        ("1002", "fddi-default"),
    ]
    assert found[0]["interfaces"] == ["Gi0/3", "Gi0/4", "Gi0/5", "Gi0/6"]
    assert found[2]["interfaces"] == []


def test_interfaces_of_comware_are_rows_under_our_name_of_it() -> None:
    found = rows("hpe_comware", "display interface brief", COMWARE)
    assert [row["interface"] for row in found] == ["GE1/0/1", "GE1/0/2"]
    assert found[0]["description"] == "desk 4"


def test_a_posix_host_is_read_by_the_templates_of_linux() -> None:
    assert [row["network"] for row in rows("", "ip route show", LINUX)] == ["default", "192.0.2.0/24"]


@pytest.mark.parametrize(
    ("platform", "command", "template"),
    [
        ("cisco_ios", "sh ip int br", "cisco_ios_show_ip_interface_brief"),
        ("cisco_ios", "show  ip   interface brief ", "cisco_ios_show_ip_interface_brief"),
        ("cisco_ios", "show ip interface brief | exclude unassigned", "cisco_ios_show_ip_interface_brief"),
        ("cisco_ios", "show ip interface Gi0/1", "cisco_ios_show_ip_interface"),
        ("", "ip a", "linux_ip_address_show"),
        ("", "ip addr show dev eth0", "linux_ip_address_show"),
        ("mikrotik_routeros", "/ip address print", "mikrotik_routeros_ip_address_print"),
        ("vyos", "show interfaces", "vyatta_vyos_show_interfaces"),
    ],
)
def test_a_command_may_be_cut_short_and_go_on(platform: str, command: str, template: str) -> None:
    assert template_for(FOLDER, platform_names(platform), command) == f"{template}.textfsm"


@pytest.mark.parametrize(
    ("platform", "command", "words"),
    [
        ("cisco_ios", "show foo", "there is no template for cisco_ios `show foo`"),
        ("cisco_ios", "show vlanx", "there is no template for cisco_ios `show vlanx`"),
        ("frr", "show ip route", "there are no templates for frr"),
        ("generic", "show ip route", "there are no templates for generic"),
        ("cisco_ios", "show clock\nshow vlan", "there are templates for single commands only"),
        ("", "ip route && reboot", "there are templates for single commands only"),
        ("", "ip route " + "x" * 500, "there are templates for single commands only"),
    ],
)
def test_a_miss_says_why(platform: str, command: str, words: str) -> None:
    assert words in why(platform, command, "% Unknown\n")


def test_an_output_that_does_not_fit_is_told_with_the_template() -> None:
    said = answer_to(FOLDER, ["linux"], "ip route", LINUX + "what is this line?\n")
    assert said["template"] == "linux_ip_route_show"
    assert said["why"] == "the output does not fit the template linux_ip_route_show"
    assert "rows" not in said


def test_more_rows_than_the_bound_are_none() -> None:
    line = "Gi0/1   192.0.2.1   YES NVRAM  up   up\n"
    head = INTERFACES.splitlines(keepends=True)[0]
    assert "more than 5000 rows" in why("cisco_ios", "show ip interface brief", head + line * (max_rows + 1))


def test_a_value_that_a_template_repeats_does_not_grow_past_the_bound(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("Template, Hostname, Platform, Command\n\nx.textfsm, .*, x, show x\n")
    (tmp_path / "x.textfsm").write_text(
        "Value Filldown NAME (\\S+)\nValue Required NUMBER (\\d+)\n\nStart\n  ^name ${NAME}\n  ^${NUMBER} -> Record\n"
    )
    text = "name " + "n" * 1_000 + "\n" + "1\n" * (max_row_chars // 1_000 + 1)
    with pytest.raises(NoRowsError, match="more than 250000 characters"):
        rows_by(tmp_path, "x.textfsm", text)
    assert len(rows_by(tmp_path, "x.textfsm", text[:1_400])) > 100


def test_several_templates_of_a_command_are_one_table() -> None:
    files = template_for(FOLDER, ["huawei_vrp"], "display vlan")
    assert files.count(":") == 1
    assert answer_to(FOLDER, ["huawei_vrp"], "display vlan", "?")["template"] == "huawei_vrp_display_vlan"


def test_which_of_our_platforms_have_no_templates_is_known() -> None:
    none = {name for name in known(None) if re.match("there are no templates", why(name, "no such command"))}
    assert none == {"bird", "dell_os10", "frr", "keenetic", "tplink_jetstream"}
