"""Devices by family, written from the vendors' manuals and from live runs, and never from the profiles.

Each has a command that pages (`paged`), one that asks (`asks`), one that it does not know, and a way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcp_ssh.lab.device import Ask, Kind, Reply
from mcp_ssh.lab.kinds import router, switch

SECRET = "enable-me"
LINES = "\n".join(f"line {number} of many, 5# or 7> or so" for number in range(70))


@dataclass(frozen=True, slots=True)
class Facts:
    """A kind with what a walk asks of it. `modes` are what its prompts mean to a person, by name."""

    kind: Kind
    first: str
    modes: Mapping[str, str]
    paged: str
    asks: str
    question: str
    wrong: str
    error: str
    out: str


def _ios() -> Facts:
    kind = switch(SECRET)
    always = replace(kind, commands={**kind.commands, "*": {"show tech": Reply(LINES)}})
    return Facts(
        replace(
            always,
            commands={
                m: {k: v for k, v in c.items() if "length" not in k} | {"terminal length *": Reply()}
                for m, c in always.commands.items()
            },
        ),
        first="user",
        modes={"user": "sw1>", "privileged": "sw1#", "config": "sw1(config)#"},
        paged="show tech",
        asks="reload",
        question="Proceed with reload? [confirm]",
        wrong="shwo",
        error="% Invalid input detected at '^' marker.",
        out="exit",
    )


def _nxos() -> Facts:
    reload = Ask("This command will reboot the system. (y/n)?  [n] ", ("y",), Reply(hangs_up=True), Reply())
    both = {"terminal length *": Reply(), "terminal width *": Reply(), "show tech": Reply(LINES)}
    kind = Kind(
        prompts={"exec": "{host}#", "conf": "{host}(config)#"},
        commands={
            "exec": both
            | {
                "configure terminal": Reply("Enter configuration commands, one per line. End with CNTL/Z.", to="conf"),
                "reload": Reply(asks=reload),
                "exit": Reply(hangs_up=True),
            },
            "conf": {"end": Reply(to="exec"), "exit": Reply(to="exec")},
        },
        start="exec",
        complaint="              ^\n% Invalid command at '^' marker.",
        banner="Cisco Nexus Operating System (NX-OS) Software\nCopyright (C) 2002-2023\n",
        pager="--More--",
    )
    return Facts(
        kind,
        "privileged",
        {"privileged": "sw1#", "config": "sw1(config)#"},
        "show tech",
        "reload",
        "This command will reboot the system. (y/n)?  [n]",
        "shwo",
        "% Invalid command at '^' marker.",
        "exit",
    )


def _eos() -> Facts:
    save = Ask(
        "System configuration has been modified. Save? [yes/no/cancel/diff]:",
        ("cancel",),
        Reply(),
        Reply(hangs_up=True),
    )
    enable = Ask("Password: ", (SECRET,), Reply(to="priv"), Reply("% Authentication failed"), secret=True)
    both = {
        "terminal length 0": Reply("Pagination disabled."),
        "terminal width 32767": Reply("Width set to 32767 columns."),
        "show tech": Reply(LINES),
        "exit": Reply(hangs_up=True),
    }
    kind = Kind(
        prompts={"exec": "{host}>", "priv": "{host}#", "conf": "{host}(config)#"},
        commands={
            "exec": both | {"enable": Reply(asks=enable)},
            "priv": both
            | {"disable": Reply(to="exec"), "configure terminal": Reply(to="conf"), "reload": Reply(asks=save)},
            "conf": {"end": Reply(to="priv"), "exit": Reply(to="priv")},
        },
        start="exec",
        complaint="% Invalid input",
        banner="Last login: Mon Jan  1 00:00:00 2026 from 192.0.2.9",
        pager=" --More-- ",
    )
    return Facts(
        kind,
        "user",
        {"user": "leaf1>", "privileged": "leaf1#", "config": "leaf1(config)#"},
        "show tech",
        "reload",
        "System configuration has been modified. Save? [yes/no/cancel/diff]:",
        "shwo",
        "% Invalid input",
        "exit",
    )


def _junos() -> Facts:
    leave = Ask("Reboot the system ? [yes,no] (no) ", ("yes",), Reply("Shutdown NOW!", hangs_up=True), Reply())
    kind = Kind(
        prompts={"op": "\n{{master:0}}\nadmin@{host}> ", "edit": "\n{{master:0}}[edit]\nadmin@{host}# "},
        commands={
            "op": {
                "set cli complete-on-space off": Reply("Disabling complete-on-space"),
                "set cli screen-length 0": Reply("Screen length set to 0"),
                "set cli screen-width 511": Reply("Screen width set to 511"),
                "show chassis": Reply(LINES),
                "configure": Reply("Entering configuration mode", to="edit"),
                "request system reboot": Reply(asks=leave),
                "exit": Reply(hangs_up=True),
            },
            "edit": {"exit configuration-mode": Reply("Exiting configuration mode", to="op"), "top": Reply()},
        },
        start="op",
        complaint="                ^\nunknown command.",
        banner="--- JUNOS 21.4R3 Kernel 64-bit\n",
        pager="---(more)---",
    )
    return Facts(
        kind,
        "user",
        {"user": "admin@mx1>", "config": "admin@mx1#"},
        "show chassis",
        "request system reboot",
        "Reboot the system ? [yes,no] (no)",
        "shwo",
        "unknown command.",
        "exit",
    )


def _routeros() -> Facts:
    return Facts(
        router(),
        "user",
        {"user": "[admin@MikroTik] >"},
        "/log print",
        "/system reboot",
        "Reboot, yes? [y/N]:",
        "shwo",
        "bad command name shwo (line 1 column 1)",
        "quit",
    )


FACTS = {
    "cisco_ios": _ios(),
    "cisco_nxos": _nxos(),
    "arista_eos": _eos(),
    "juniper_junos": _junos(),
    "mikrotik_routeros": _routeros(),
}
"""FRR and BIRD are walked on the real programs."""
