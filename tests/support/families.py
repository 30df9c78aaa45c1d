"""More devices by family, from their manuals and from what other tools know of them, and never from the profiles.

What a manual shows of a family: its prompts by mode, what leads from one to another, what it answers to a word that it
does not know, how it pages, and one question that it really asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_ssh.lab.device import Ask, Kind, Reply
from tests.support.kinds import LINES, SECRET, Facts


@dataclass(frozen=True)
class Box:
    """One family in a few words. `ways`: (mode, command, mode it leads to, whether a secret is asked for)."""

    prompts: Mapping[str, str]
    modes: Mapping[str, str]
    first: str
    complaint: str
    error: str
    asks: str
    question: str
    paged: str
    sets: tuple[str, ...] = ()
    ways: tuple[tuple[str, str, str, bool], ...] = ()
    pager: str = ""
    banner: str = ""
    out: str = "exit"
    extra: Mapping[str, Mapping[str, Reply]] = field(default_factory=dict)
    by_key: bool = False
    secret_prompt: str = "Password: "
    wrong: str = "shwo"
    yes: tuple[str, ...] = ("y", "Y", "yes")
    kind: Mapping[str, object] = field(default_factory=dict)

    def facts(self) -> Facts:
        """As a walk asks for them."""
        ask = Ask(self.question + " ", self.yes, Reply(hangs_up=True), Reply(), by_key=self.by_key)
        commands: dict[str, dict[str, Reply]] = {
            "*": {each: Reply() for each in self.sets} | {self.paged: Reply(LINES), self.asks: Reply(asks=ask)}
        }
        commands["*"] |= self.extra.get("*", {})
        for mode in self.prompts:
            commands[mode] = dict(self.extra.get(mode, {}))
        for mode, command, to, wants_secret in self.ways:
            leads = Reply(to=to)
            if wants_secret:
                leads = Reply(asks=Ask(self.secret_prompt, (SECRET,), leads, Reply(self.complaint), secret=True))
            commands[mode][command] = leads
        start = next(iter(self.prompts))
        for mode in self.prompts:
            commands[mode].setdefault(self.out, Reply(hangs_up=True))
        made = Kind(
            prompts=self.prompts,
            commands=commands,
            start=start,
            complaint=self.complaint,
            banner=self.banner,
            pager=self.pager,
            **self.kind,  # type: ignore[arg-type]
        )
        return Facts(
            made, self.first, self.modes, self.paged, self.asks, self.question, self.wrong, self.error, self.out
        )


ENABLE = (("user", "enable", "priv", True), ("priv", "disable", "user", False))
CONFIGURE = (("priv", "configure terminal", "conf", False), ("conf", "end", "priv", False))
CISCO = {"user": "{host}>", "priv": "{host}#", "conf": "{host}(config)#"}
CISCO_MODES = {"user": "sw1>", "privileged": "sw1#", "config": "sw1(config)#"}
MORE = "-- MORE --, next page: Space, next line: Enter, quit: Control-C"

BOXES = {
    "cisco_xr": Box(
        {"priv": "RP/0/RP0/CPU0:{host}#", "conf": "RP/0/RP0/CPU0:{host}(config)#"},
        {"privileged": "RP/0/RP0/CPU0:sw1#", "config": "RP/0/RP0/CPU0:sw1(config)#"},
        "privileged",
        "Fri Nov 27 20:00:00.123 UTC\n      ^\n% Invalid input detected at '^' marker.",
        "% Invalid input detected at '^' marker.",
        "reload",
        "Proceed with reload? [confirm]",
        "show tech",
        sets=("terminal length 0", "terminal width 512"),
        ways=CONFIGURE,
        pager=" --More-- ",
    ),
    "cisco_asa": Box(
        CISCO,
        CISCO_MODES,
        "user",
        "                 ^\nERROR: % Invalid input detected at '^' marker.",
        "ERROR: % Invalid input detected at '^' marker.",
        "reload",
        "Proceed with reload? [confirm]",
        "show tech",
        sets=("terminal pager 0",),
        ways=(*ENABLE, *CONFIGURE),
        pager="<--- More --->",
        banner="Type help or '?' for a list of available commands.",
    ),
    "cisco_s300": Box(
        CISCO,
        CISCO_MODES,
        "user",
        "% Unrecognized command",
        "% Unrecognized command",
        "reload",
        "Do you want to continue ? (Y/N)[N]",
        "show tech",
        sets=("terminal datadump", "terminal width 0"),
        ways=(*ENABLE, *CONFIGURE),
        pager="More: <space>,  Quit: q or CTRL+Z, One line: <return> ",
        by_key=True,
    ),
    "hp_procurve": Box(
        # drawn as these switches draw: to the last line of the screen, by absolute moves
        {name: f"\x1b[24;1H\x1b[2K{text} " for name, text in CISCO.items()},
        CISCO_MODES,
        "user",
        "Invalid input: {line}",
        "Invalid input: shwo",
        "reload",
        "Continue [y/n]?",
        "show tech",
        sets=("no page", "terminal width 511"),
        ways=(
            ("user", "enable", "priv", True),
            ("priv", "exit", "user", False),
            ("priv", "configure terminal", "conf", False),
            ("conf", "end", "priv", False),
        ),
        pager=MORE,
        by_key=True,
        out="logout",
    ),
    "aruba_cx": Box(
        {"priv": "{host}# ", "conf": "{host}(config)# "},
        {"privileged": "sw1#", "config": "sw1(config)#"},
        "privileged",
        "Invalid input: {line}",
        "Invalid input: shwo",
        "boot system",
        "Continue (y/n)?",
        "show tech",
        sets=("no page",),
        ways=CONFIGURE,
        pager="-- MORE --, next page: Space, next line: Enter, quit: q",
    ),
    "hpe_comware": Box(
        {"user": "<{host}>", "sys": "[{host}]", "port": "[{host}-GigabitEthernet1/0/1]"},
        {"user": "<sw1>", "config": "[sw1]"},
        "user",
        "     ^\n % Unrecognized command found at '^' position.",
        "% Unrecognized command found at '^' position.",
        "reboot",
        "This command will reboot the device. Continue? [Y/N]:",
        "display tech",
        sets=("screen-length disable",),
        ways=(
            ("user", "system-view", "sys", False),
            ("sys", "return", "user", False),
            ("sys", "interface GigabitEthernet1/0/1", "port", False),
            ("port", "quit", "sys", False),
            ("port", "return", "user", False),
        ),
        pager="---- More ----",
        out="quit",
    ),
    "huawei_vrp": Box(
        {"user": "<{host}>", "sys": "[~{host}]", "dirty": "[*{host}-Vlanif10]"},
        {"user": "<sw1>", "config": "[~sw1]"},
        "user",
        "                  ^\nError: Unrecognized command found at '^' position.",
        "Error: Unrecognized command found at '^' position.",
        "reboot",
        "Warning: All the configuration will be saved. Are you sure to continue?[Y/N]:",
        "display tech",
        sets=("screen-length 0 temporary",),
        ways=(
            ("user", "system-view", "sys", False),
            ("sys", "return", "user", False),
            ("sys", "interface Vlanif10", "dirty", False),
            ("dirty", "return", "user", False),
        ),
        pager="  ---- More ----",
        out="quit",
    ),
    "fortinet_fortios": Box(
        {"top": "{host} # ", "vdom": "{host} (root) # "},
        {"user": "sw1 #"},
        "user",
        "Unknown action 0\n",
        "Unknown action 0",
        "execute reboot",
        "This operation will reboot the system ! Do you want to continue? (y/n)",
        "get system status",
        ways=(("top", "edit root", "vdom", False), ("vdom", "end", "top", False)),
        pager="--More-- ",
        by_key=True,
    ),
    "paloalto_panos": Box(
        {"op": "admin@{host}(active)> ", "edit": "\n[edit]\nadmin@{host}(active)# "},
        {"user": "admin@sw1(active)>", "config": "admin@sw1(active)#"},
        "user",
        "Unknown command: {line}",
        "Unknown command: shwo",
        "request restart system",
        "Do you want to continue? (y or n)",
        "show system info",
        sets=("set cli scripting-mode on", "set cli pager off", "set cli terminal width 500"),
        ways=(("op", "configure", "edit", False), ("edit", "exit", "op", False)),
        pager="lines 1-23 ",
    ),
    "dell_os10": Box(
        {"priv": "{host}# ", "conf": "{host}(config)# "},
        {"privileged": "sw1#", "config": "sw1(config)#"},
        "privileged",
        "% Error: Unrecognized command",
        "% Error: Unrecognized command",
        "reload",
        "Proceed to reboot the system? [confirm yes/no]:",
        "show tech",
        sets=("terminal length 0",),
        ways=CONFIGURE,
        pager="--More--",
    ),
    "vyos": Box(
        {"op": "vyos@{host}:~$ ", "edit": "[edit]\nvyos@{host}# "},
        {"user": "vyos@sw1:~$", "config": "vyos@sw1#"},
        "user",
        "\n  Invalid command: [{line}]\n",
        "Invalid command: [shwo]",
        "reboot",
        "Are you sure you want to reboot this system? [y/N]",
        "show tech",
        sets=("set terminal length 0",),
        ways=(("op", "configure", "edit", False), ("edit", "exit", "op", False)),
        pager=":",
    ),
    "ubiquiti_edgeos": Box(
        {"op": "ubnt@{host}:~$ ", "edit": "[edit]\nubnt@{host}# "},
        {"user": "ubnt@sw1:~$", "config": "ubnt@sw1#"},
        "user",
        "\n  Invalid command: [{line}]\n",
        "Invalid command: [shwo]",
        "reboot",
        "Proceed with reboot? [confirm][y/N]",
        "show tech",
        sets=("terminal length 0",),
        ways=(("op", "configure", "edit", False), ("edit", "exit", "op", False)),
        pager=":",
        banner="Welcome to EdgeOS",
    ),
    "edgeswitch": Box(
        {"user": "({host}) >", "priv": "({host}) #", "conf": "({host}) (Config)#"},
        {"user": "(sw1) >", "privileged": "(sw1) #", "config": "(sw1) (Config)#"},
        "user",
        "                     ^\n% Invalid input detected at '^' marker.",
        "% Invalid input detected at '^' marker.",
        "reload",
        "Are you sure you would like to reset the system? (y/n)",
        "show tech",
        sets=("terminal length 0",),
        ways=(
            ("user", "enable", "priv", True),
            ("priv", "exit", "user", False),
            ("priv", "configure", "conf", False),
            ("conf", "exit", "priv", False),
        ),
        pager="--More-- or (q)uit",
        by_key=True,
        out="logout",
    ),
    "dlink": Box(
        {"top": "{host}:admin#"},
        {"user": "sw1:admin#"},
        "user",
        "Command: {line}\n\nAvailable commands:\n..  ?  clear  config  show",
        "Available commands:",
        "reboot",
        "Are you sure you want to proceed with the system reboot?(y/n)",
        "show tech",
        pager="CTRL+C ESC q Quit SPACE n Next Page ENTER Next Entry a All",
        by_key=True,
        out="logout",
    ),
    "tplink_jetstream": Box(
        CISCO,
        CISCO_MODES,
        "user",
        "  Error: Bad command",
        "Error: Bad command",
        "reboot",
        "This will reboot device. Continue? (Y/N):",
        "show tech",
        sets=("terminal length 0",),
        ways=(*ENABLE, ("priv", "configure", "conf", False), ("conf", "end", "priv", False)),
        pager="Press any key to continue (Q to quit)",
    ),
    "extreme_exos": Box(
        {"top": "* {host}.{count} # "},
        {"privileged": "sw1#"},
        "privileged",
        "            ^\n%% Invalid input detected at '^' marker.",
        "%% Invalid input detected at '^' marker.",
        "reboot",
        "Are you sure you want to reboot the switch? (y/N)",
        "show tech",
        pager="Press <SPACE> to continue or <Q> to quit:",
    ),
    "keenetic": Box(
        {"top": "(config)> ", "port": "(config-if)> "},
        {"config": "(config)>"},
        "config",
        "Command::Base error[7405600]: no such command: {line}.",
        "Command::Base error[7405600]: no such command: shwo.",
        "system reboot",
        "Reboot now? [y/N]:",
        "show running-config",
        ways=(("top", "interface Home", "port", False), ("port", "exit", "top", False)),
        kind={"repaints": True},
        out="exit",
    ),
    "zyxel": Box(
        {"user": "Router> ", "priv": "Router# ", "conf": "Router(config)# "},
        {"user": "Router>", "privileged": "Router#", "config": "Router(config)#"},
        "user",
        "% Command not found",
        "% Command not found",
        "reboot",
        "Do you want to reboot? (y/n):",
        "show tech",
        ways=(*ENABLE, ("priv", "configure terminal", "conf", False), ("conf", "exit", "priv", False)),
        pager="-- more --, next page: Space, continue: c, quit: ESC",
    ),
}

FAMILIES = {name: box.facts() for name, box in BOXES.items()}
