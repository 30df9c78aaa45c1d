"""Which programs only read, with which arguments: what a host with `access: readonly` lets through.

A program stands among the plain ones only if none of its arguments writes a file, changes a setting or runs a program.
"""

import re

from mcp_ssh.safety.posix.call import Call

_plain = frozenset(
    """
    ls cat head tail wc uptime df du free ps pwd id whoami groups uname arch nproc lscpu lsblk lsusb lspci lsmod lshw cal echo
    true false test [ [[ : stat which type whereis grep egrep fgrep zgrep zcat zless cut tr w who last lastlog printenv readlink
    realpath basename dirname md5sum sha1sum sha256sum sha512sum b2sum cksum sum cmp diff comm join paste nl tac rev fold fmt
    column expand od strings seq sleep vmstat iostat mpstat pidstat getent locale tty jq findmnt lsns lsipc lslogins numfmt
    pgrep pidof pstree pmap netstat ping ping6 traceroute tracepath nslookup whois getfacl lsattr namei cd pushd popd apropos
    whatis help locate ldd nm readelf objdump size users runlevel lsscsi numastat look expr bc dc factor hexdump host
    pvs vgs lvs pvdisplay vgdisplay lvdisplay lsb_release apt-cache systemd-detect-virt getenforce
    """.split()
)

_never_git = r"(?!.*(--output|--ext-diff|--textconv|--open-files-in-pager|\s-O))"
_docker = r"(ps|images|logs|inspect|version|info|top|port|diff|history)\b"
_address = r"(\d+|\$|/[^/]*/)"

_with_arguments = {
    "awk": r"(?!.*(system|getline|[>|]|\s-f|^-f|-i\b|-l\b|@))",
    "blkid": r"(?!.*(-c|-g|-w))",
    "birdc": r"(-r )?show [^;]*$",
    "command": r"-[vV]\b",
    "crontab": r"-l$",
    "date": r"(\+.*|-u|--utc|-R|-I\S*|-d .*|--date.*)?$",
    "dig": r"(?!.*-f\b)",
    "dmesg": r"(?!.*(-\w*[cCDEn]|--clear|--console|--read-clear))",
    "dmidecode": r"(?!.*--dump-bin)",
    "dnf": r"(list|info|search|check-update|repolist)\b",
    "docker": rf"({_docker}|stats --no-stream|(container|image|volume|network) (ls|list|inspect)\b|compose (ps|logs|config)\b|system df)",
    "dpkg": r"(-[lLsSp]|--list|--status|--get-selections|--listfiles|--search)\b",
    "env": r"$",
    "ethtool": r"\w+$",
    "export": r"(-p)?$",
    "fdisk": r"-l\b",
    "file": r"(?!.*(-\w*C|--compile))",
    "find": r"(?!.*-(delete|exec|execdir|ok|okdir|fprint|fprint0|fprintf|fls)\b)",
    "firewall-cmd": r"--(state|list-\S+|get-\S+)$",
    "git": _never_git
    + r"(status|log|diff|show|branch( -[avr]+)?$|remote( -v)?$|rev-parse|ls-files|ls-tree|blame|describe|shortlog|cat-file|grep)\b",
    "history": r"\d*$",
    "hostname": r"(-[fisIdA]+)?$",
    "hostnamectl": r"(status)?$",
    "ifconfig": r"(-a|\w+)?$",
    "ip": r"(-[46dsojbr]+ |-br(ief)? |-c(olor)? )*(a|addr|address|l|link|r|route|n|neigh|rule|maddr)( (show|ls|list)( dev)?( [\w.@-]+)?| get [\d.:a-f]+)?$",
    "iptables": r"(-t \w+ )?-[nv]*[LS][nv]*( [A-Z]+)?( -[nvx]+)*( --line-numbers)?$",
    "journalctl": r"(?!.*--(vacuum|rotate|flush|sync|relinquish|setup-keys|update-catalog|cursor-file|smart-relinquish))",
    "kubectl": r"(get|describe|logs|version|top|explain|api-resources|cluster-info$|config (view|get-contexts|current-context)|auth can-i)\b",
    "less": r"[^+]*$",
    "loginctl": r"(list-\S+|show-\S+|session-status|user-status)?\b",
    "lsof": r"(?!.*-\w*D)",
    "man": r"\w[\w. -]*$",
    "more": r"[^+]*$",
    "mount": r"(-l|-t \w+)?$",
    "nft": r"(-[an]+ )*list\b",
    "nmcli": r"((-[tp] |-f \S+ )*(device|dev|d|connection|con|c|general|g)( status| show( [\w.-]+)?)?)?$",
    "openssl": r"(?!.*(-out|-writerand|-engine|-provider|-config))(x509|version|crl|verify)\b",
    "opkg": r"(list\S*|info|status)\b",
    "parted": r"(-l|\S+ print)$",
    "pip": r"(list|show|freeze)\b",
    "pip3": r"(list|show|freeze)\b",
    "podman": _docker,
    "printf": r"(?!-v)",
    "rc-service": r"\w[\w.@+:-]* status$",
    "rg": r"(?!.*--(pre|hostname-bin))",
    "rpm": r"(?!.*(--pipe|--eval|\s-E|^-E|--define|-D|--root|--dbpath|--rcfile|--macros|--load))-q",
    "sed": rf"-n {_address}(,{_address})?p( [^-]\S*)*$",
    "service": r"\S+ status$",
    "set": r"$",
    "smartctl": r"-(a|i|H|x|A)( /dev/\w+)?$",
    "snap": r"(list|info)\b",
    "sort": r"(?!.*(-\w*o|--output|--compress-program|-T|--files0-from))",
    "ss": r"(?!.*(-\w*[KD]|--kill|--diag))",
    "sudo": r"-l$",
    "sysctl": r"(-a|(-n )?[a-z][\w.]*)$",
    "systemctl": r"(?!.*(--force|-H|--host|-M|--machine))(status|show|list-\S+|is-active|is-enabled|is-failed|cat|get-default|is-system-running)\b",
    "tar": r"(?!.*(-I|--use|--checkpoint|--to-command|-F|--rsh|--info-script|--new-volume|-\w*[xcruA]))-?t\w*\b",
    "timedatectl": r"(status|show|list-timezones)?$",
    "top": r".*-b",
    "tree": r"(?!.*(-o|--output|-R))",
    "ubus": r'(list( [\w.-]+)?|call service list( \{"name":"[\w.@+:-]+"\})?)$',
    "uci": r"(show|get|export)\b",
    "ufw": r"status\b",
    "uniq": r"(-[cdiu]+ ?)*\S*$",
    "unzip": r"-l\b",
    "vcgencmd": r"(measure_\S+|get_\S+)",
    "vtysh": r"(-c show [^-]*)+$",
    "xxd": r"(-[lcgsup]+ ?\d* )*[^- ]\S*$",
    "yq": r"(?!.*(-i|--inplace|-s\b|--split))",
    "yum": r"(list|info|search|check-update|repolist)\b",
    "apt": r"(list|show|search|policy|depends)\b",
    "alias": r"$",
    "zfs": r"(list|get)\b",
    "zpool": r"(status|list|iostat)\b",
}
_patterns = {name: re.compile(pattern) for name, pattern in _with_arguments.items()}

_system_place = re.compile(r"/(usr/)?(local/)?s?bin/[^/]+")
_init_script = re.compile(r"/etc/(rc\.d/)?init\.d/\w[\w.@+:-]*")
"""What tells its state when it is asked for `status` (LSB 5.0, 20.2), as `service NAME status` does by way of it."""

_tame = re.compile(
    r"time|command|env|timeout( -\w+| --[\w=-]+)* \S+|nice( -n)?( -?\d+)?|ionice( -\w+( \d)?)*|stdbuf( -\w+)+"
)
"""Wrappers that change nothing by themselves, with arguments that do not either."""


def only_reads(call: Call) -> bool:
    """Whether it plainly changes nothing: every word is known, and what it writes to is nothing."""
    if any(write.path != "/dev/null" for write in call.writes) or not all(arg.known for arg in call.args):
        return False
    if not call.name or call.source.assignments:
        return False
    if _init_script.fullmatch(call.program):
        return call.texts == ["status"]
    if "/" in call.program and not _system_place.fullmatch(call.program):
        return False
    said = " ".join(call.texts)
    if call.is_wrapper:
        return _tame.fullmatch(f"{call.name} {said}".strip()) is not None
    if call.name in _plain:
        return True
    pattern = _patterns.get(call.name)
    return pattern is not None and pattern.match(said) is not None
