"""Programs that run another program: which of their words are theirs, and where the other one begins.

The options are those of GNU coreutils, util-linux, sudo 1.9, OpenSSH 9, Docker, Kubernetes and BusyBox, as their manuals
have them. An option that is not listed fails closed: nobody knows whether it takes the next word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_ssh.safety.posix.expand import Arg


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`valued` options take the next word, `plain` ones none. `arguments`: words before the command, such as a time.

    `shows`: with one of these options it runs nothing. `assigns`: takes `NAME=value` before the command.
    """

    valued: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    arguments: int = 0
    assigns: bool = False
    shows: frozenset[str] = frozenset()


def _of(valued: str = "", plain: str = "", arguments: int = 0, *, assigns: bool = False, shows: str = "") -> Wrapper:
    return Wrapper(
        frozenset(valued.split()),
        frozenset(plain.split()),
        arguments,
        assigns,
        frozenset(shows.split()),
    )


wrappers: dict[str, Wrapper] = {
    "sudo": _of(
        "-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --close-from --role --type --chroot",
        "-A -b -E -H -i -k -n -P -S -s -B -N --askpass --background --preserve-env --set-home --login --non-interactive"
        " --preserve-groups --stdin --shell --bell",
        assigns=True,
        shows="-l -v -K -V --list --validate --remove-timestamp --version --help -e --edit",
    ),
    "doas": _of("-u -C -a", "-n -s", shows="-L"),
    "pkexec": _of("--user", "--disable-internal-agent --keep-cwd", shows="--version --help"),
    "env": _of(
        "-u -C --unset --chdir",
        "-i - -0 --ignore-environment --null -v --debug --default-signal --ignore-signal --block-signal",
        assigns=True,
        shows="--help --version",
    ),
    "nohup": _of(shows="--help --version"),
    "command": _of("", "-p", shows="-v -V"),
    "exec": _of("-a", "-c -l"),
    "builtin": _of(),
    "time": _of("-f -o --format --output", "-p -v -a -q --portability --verbose --append --quiet"),
    "nice": _of("-n --adjustment", ""),
    "ionice": _of("-c -n --class --classdata", "-t --ignore", shows="-p -P -u"),
    "chrt": _of(
        "-T -P -D",
        "-b -f -i -o -r -R -d -v -a --batch --fifo --idle --other --rr --reset-on-fork",
        1,
        shows="-p -m --pid --max",
    ),
    "taskset": _of("", "-c -a --cpu-list --all-tasks", 1, shows="-p --pid -cp -pc"),
    "numactl": _of(
        "-i -N -m -C -l --interleave --cpunodebind --membind --physcpubind --preferred",
        "-l --localalloc",
        shows="-s -H --show --hardware",
    ),
    "setsid": _of("", "-c -f -w --ctty --fork --wait"),
    "setarch": _of("", "-R -B -F -I -L -S -T -X -Z -v --addr-no-randomize", 1),
    "linux32": _of("", "-R -B -v"),
    "linux64": _of("", "-R -B -v"),
    "stdbuf": _of("-i -o -e --input --output --error", ""),
    "unbuffer": _of("", "-p"),
    "timeout": _of("-s -k --signal --kill-after", "-v -f -p --foreground --preserve-status --verbose", 1),
    "busybox": _of("", "", shows="--list --help --list-full --install"),
    "toybox": _of(),
    "setpriv": _of(
        "--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits --selinux-label --pdeathsig",
        "--clear-groups --keep-groups --init-groups --no-new-privs --reset-env -d --dump",
    ),
    "chroot": _of("--userspec --groups", "--skip-chdir", 1),
    "unshare": _of(
        "-S -G -R -w --setuid --setgid --root --wd --map-user --map-group --propagation",
        "-m -u -i -n -p -U -C -T -f -r -c --mount --uts --ipc --net --pid --user --cgroup --fork --map-root-user --mount-proc"
        " --kill-child --keep-caps --map-current-user",
    ),
    "nsenter": _of(
        "-t -S -G -r -w --target --setuid --setgid --root --wd",
        "-m -u -i -n -p -U -C -a -F -Z --mount --uts --ipc --net --pid --user --all --no-fork --preserve-credentials",
    ),
    "strace": _of(
        "-e -o -p -s -u -E -a -b -I -O -S -P -X --trace --output",
        "-f -ff -c -C -q -r -t -tt -T -v -x -y -yy -i -k -w -D --follow-forks",
    ),
    "ltrace": _of("-e -o -p -s -u -a -l -n", "-f -c -S -t -tt -T -i -C"),
    "catchsegv": _of(),
    "proot": _of("-r -b -w -q -S -R", "-0"),
    "fakeroot": _of("-i -s -l", "-u"),
    "fakechroot": _of(),
    "firejail": _of("", "--quiet --noprofile --private --net=none"),
    "bwrap": _of("", ""),
    "cgexec": _of("-g", "--sticky"),
    "systemd-inhibit": _of("--what --who --why --mode", "", shows="--list"),
    "dbus-run-session": _of("", "--"),
    "dbus-launch": _of("", "--exit-with-session --sh-syntax"),
    "eatmydata": _of(),
    "chpst": _of("-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -r -t", "-v -P -0 -1 -2"),
    "softlimit": _of("-m -d -s -l -a -o -p -f -c -r -t", ""),
    "setuidgid": _of("", "", 1),
    "su-exec": _of("", "", 1),
    "gosu": _of("", "", 1),
    "proxychains": _of("-f", "-q"),
    "proxychains4": _of("-f", "-q"),
    "torsocks": _of("", "-q"),
    "tsocks": _of(),
    "faketime": _of("", "-m -f", 1),
    "rlwrap": _of("-f -H -s -C", "-a -A -c -i -n -r"),
    "prlimit": _of("", "--core --cpu --data --nofile --nproc"),
    "ccache": _of(),
    "choom": _of("-n", "--"),
    "uclampset": _of("-m -M", ""),
    "logsave": _of("", "-a -s -v", 1),
    "snice": _of(),
    "flatpak-spawn": _of("", "--host"),
    "ssh-agent": _of("-a -t", "-c -s -d -D", shows="-k"),
    "aa-exec": _of("-p -n --profile --namespace", "-d -i -v"),
    "runcon": _of("-t -u -r -l", "-c", 0),
    "watch": _of(
        "-n -q --interval --equexit",
        "-b -c -d -e -g -t -x -p -w --beep --color --differences --errexit --no-title --exec --chgexit --precise",
    ),
}
"""By name; those with a way of their own to say what they run stand in `scripts.py`."""


feeders: dict[str, Wrapper] = {
    "entr": _of("", "-a -c -d -n -p -r -s -z"),
    "parallel": _of(
        "-j -I --jobs --delay --timeout --joblog -a -n -N -L --colsep",
        "-k -u -X -m -q --will-cite --bar --dry-run --keep-order -0 --halt-on-error -v -t",
    ),
}
"""Programs that run a command with words that they read or are given."""


def skip(name: str, args: Sequence[Arg]) -> int | str | None:
    """How many words are the wrapper's own; None if it runs nothing; the option that nobody knows."""
    wrapper = wrappers.get(name) or feeders[name]
    at, arguments = 0, wrapper.arguments
    while at < len(args):
        text = args[at].text
        if text == "--" and at < len(args):
            return at + 1 + arguments if arguments else at + 1
        if text in wrapper.shows:
            return None
        if text in wrapper.valued:
            at += 2
        elif text in wrapper.plain or _is_number(name, text):
            at += 1
        elif text.startswith("-") and len(text) > 1:
            known = _bundle(text, wrapper)
            if known is None:
                return text
            if known and known in wrapper.shows:
                return None
            at += 2 if known == "next" else 1
        elif wrapper.assigns and "=" in text and text.partition("=")[0].replace("_", "a").isalnum():
            at += 1
        elif arguments:
            arguments -= 1
            at += 1
        else:
            return at
    return None


def _bundle(text: str, wrapper: Wrapper) -> str | None:
    """A bundle of short options, or a value that is part of its word: "" or "next"; None if it holds an unknown one."""
    if text.startswith("--"):
        name, has_value, _ = text.partition("=")
        known = [
            each
            for each in (*wrapper.valued, *wrapper.plain, *wrapper.shows)
            if each.startswith(name) and each.startswith("--")
        ]
        if not known:
            return None
        if known[0] in wrapper.shows:
            return known[0]
        return "next" if known[0] in wrapper.valued and not has_value else ""
    for place, letter in enumerate(text[1:], 1):
        option = f"-{letter}"
        if option in wrapper.shows:
            return option
        if option in wrapper.valued:
            return "" if place < len(text) - 1 else "next"
        if option not in wrapper.plain:
            return None
    return ""


def _is_number(name: str, text: str) -> bool:
    return name == "nice" and text[1:].lstrip("-+").isdigit() and text.startswith("-")
