"""Two kinds of device for demo and tests: a switch like Cisco IOS and a router like RouterOS.

Facts: Cisco's configuration fundamentals guides (modes, `--More--`, `[confirm]`, `Password:`, `% Invalid input`) and
MikroTik's manual (command line, prompts, `[y/N]`, pager). The texts of the answers are made up.
"""

from mcp_ssh.lab.device import Ask, Kind, Reply

invalid = "            ^\n% Invalid input detected at '^' marker.\n"
interfaces = "\n".join(
    ["Interface              IP-Address      OK? Method Status                Protocol"]
    + [f"GigabitEthernet0/{port:<5} unassigned      YES unset  up                    up" for port in range(1, 49)]
)
version = """\
Cisco IOS Software, demo device of mcp-ssh
System image file is "flash:demo.bin"
sw1 uptime is 3 weeks, 2 days"""

vlans = "\n".join(f"vlan {number}" for number in range(1, 60))

_back = Reply()


def switch(enable_secret: str) -> Kind:
    """A switch like Cisco IOS. Its login is in user mode; `enable` wants the secret."""
    wrong = Reply("% Bad secrets\n")
    reads = {
        "show version": Reply(version),
        "show ip interface brief": Reply(interfaces),
        "show clock": Reply("*12:00:00.000 UTC Thu Jan 1 2026"),
        "terminal length 0": Reply(pages=0),
        "terminal length *": Reply(pages=24),
        "terminal width *": Reply(),
        "ping *": Reply("Type escape sequence to abort.\nSending 5, 100-byte ICMP Echos\n", runs=True),
        "exit": Reply(hangs_up=True),
        "logout": Reply(hangs_up=True),
    }
    reload = Ask(
        "Proceed with reload? [confirm]", ("", "y", "Y"), Reply("Reload requested\n", hangs_up=True), _back, by_key=True
    )
    erase = Ask(
        "Erasing the nvram filesystem will remove all configuration files! Continue? [confirm]",
        ("", "y", "Y"),
        Reply("[OK]\nErase of nvram: complete"),
        _back,
        by_key=True,
    )
    copy = Ask(
        "Destination filename [startup-config]? ",
        ("", "startup-config"),
        Reply("Building configuration...\n[OK]"),
        Reply("%Error opening nvram: (Permission denied)"),
    )
    config = {
        "hostname *": Reply(renames=True),
        "interface *": Reply(to="config-if"),
        "end": Reply(to="privileged"),
        "do show clock": reads["show clock"],
        "banner motd *": Reply(),
    }
    return Kind(
        prompts={
            "user": "{host}>",
            "privileged": "{host}#",
            "config": "{host}(config)#",
            "config-if": "{host}(config-if)#",
        },
        commands={
            "user": reads
            | {"enable": Reply(asks=Ask("Password: ", (enable_secret,), Reply(to="privileged"), wrong, secret=True))},
            "privileged": reads
            | {
                "disable": Reply(to="user"),
                "configure terminal": Reply(
                    "Enter configuration commands, one per line.  End with CNTL/Z.", to="config"
                ),
                "reload": Reply(asks=reload),
                "write erase": Reply(asks=erase),
                "copy running-config startup-config": Reply(asks=copy),
                "show running-config": Reply("Building configuration...\n\n" + vlans),
            },
            "config": config | {"exit": Reply(to="privileged"), "vlan *": Reply()},
            "config-if": config
            | {"exit": Reply(to="config"), "shutdown": Reply(), "no shutdown": Reply(), "description *": Reply()},
        },
        start="user",
        complaint=invalid,
        banner="\nThe demo switch of mcp-ssh\n",
        pager=" --More-- ",
        interrupt=b"\x1e",
        charset="latin-1",
    )


def router() -> Kind:
    """A router like RouterOS 7: menus in the prompt, one level of rights, every line repainted as it is typed."""
    reboot = Ask(
        "Reboot, yes? [y/N]: ", ("y", "Y"), Reply("system will reboot shortly\n", hangs_up=True), _back, by_key=True
    )
    return Kind(
        prompts={"": "[admin@{host}] > ", "ip-address": "[admin@{host}] /ip/address> "},
        commands={
            "*": {
                "/system identity print": Reply("  name: MikroTik"),
                "/system resource print": Reply("  uptime: 3w2d\n  version: 7.15.3 (stable)\n  cpu-load: 2%"),
                "/ip address print": Reply(
                    "Columns: ADDRESS, NETWORK, INTERFACE\n#  ADDRESS          NETWORK      INTERFACE\n"
                    "0  192.0.2.1/24     192.0.2.0    ether1\n1  198.51.100.1/24  198.51.100.0 bridge"
                ),
                "/log print": Reply("\n".join(f"12:00:{n:02} system,info line {n}" for n in range(60))),
                "/system identity set *": Reply(renames=True),
                "/system reboot": Reply(asks=reboot),
                "/ip address": Reply(to="ip-address"),
                "/": Reply(to=""),
                "..": Reply(to=""),
                "quit": Reply(hangs_up=True),
            },
            "ip-address": {"print": Reply("0  192.0.2.1/24     192.0.2.0    ether1")},
        },
        start="",
        complaint="bad command name {line} (line 1 column 1)",
        banner="\n  MikroTik RouterOS 7.15.3 (demo device of mcp-ssh)\n\n",
        pager="-- [Q quit|D dump|down]",
        pager_keys=" ",
        interrupted="",
        repaints=True,
    )
