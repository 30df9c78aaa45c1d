"""Which programs only read, with which arguments: what a host with `access: readonly` lets through."""

import re

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.wrappers import wrappers

_plain = frozenset(
    "ls cat head tail wc uptime df du free ps pwd id whoami groups uname arch nproc lscpu lsblk lsusb lspci lsmod lsof lshw"
    " cal echo printf true false test [ [[ : stat file which type whereis grep egrep fgrep zgrep zcat zless rg cut uniq tr w who last"
    " lastlog printenv readlink realpath basename dirname md5sum sha1sum sha256sum sha512sum b2sum cksum sum cmp diff sdiff comm"
    " join paste nl tac rev fold fmt column expand od hexdump xxd strings less more seq sleep vmstat iostat mpstat pidstat"
    " sar getent locale tty jq yq tree findmnt blkid lsns lsipc lslogins numfmt pgrep pidof pstree pmap"
    " ss netstat ping ping6 traceroute tracepath mtr dig host nslookup whois getfacl lsattr namei cd pushd popd man apropos"
    " whatis info help locate free ldd nm readelf objdump size users mesg runlevel dmidecode biosdecode"
    " lsscsi sensors numastat look expr bc dc factor egrep".split()
)
_verbs: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "systemctl": r"(status|show|list-\S+|is-active|is-enabled|is-failed|cat|get-default|is-system-running)\b",
        "git": r"(status|log|diff|show|branch( -[avr]+)?$|remote( -v)?$|rev-parse|ls-files|ls-tree|blame|describe|shortlog|tag( -l.*)?$|reflog$|cat-file|grep)\b",
        "docker": r"(ps|images|logs|inspect|version|info|stats --no-stream|top|port|diff|history|(container|image|volume|network) (ls|list|inspect)|compose (ps|logs|config)|system df)\b",
        "podman": r"(ps|images|logs|inspect|version|info|top|port|diff)\b",
        "kubectl": r"(get|describe|logs|version|top|explain|api-resources|cluster-info|config (view|get-contexts|current-context)|auth can-i)\b",
        "ip": r"(-\S+ )*(a|addr|address|l|link|r|route|n|neigh|rule|maddr|netns)( show| ls| list| get)?( dev)?( \S+)?$",
        "journalctl": r"(?!.*--(vacuum|rotate|flush|sync|relinquish|setup-keys|update-catalog))",
        "apt": r"(list|show|search|policy|depends)\b",
        "apt-cache": r"",
        "dpkg": r"-[lLsSp]\b|--(list|status|get-selections|listfiles|search)",
        "rpm": r"-q",
        "yum": r"(list|info|search|check-update|repolist)\b",
        "dnf": r"(list|info|search|check-update|repolist)\b",
        "crontab": r"-l$",
        "date": r"(\+.*|-u|--utc|-R|-I\S*|-d .*|--date.*)?$",
        "hostname": r"(-[fisIdA]+)?$",
        "hostnamectl": r"(status)?$",
        "timedatectl": r"(status|show|list-timezones)?$",
        "dmesg": r"(?!.*(-[cCDE]|--clear|--console))",
        "sysctl": r"-a$|-n \S+$|[a-z][\w.]*$",
        "service": r"\S+ status$",
        "mount": r"(-l|-t \S+)?$",
        "ifconfig": r"(-a|\S+)?$",
        "env": r"$",
        "iptables": r"-(L|S|nL|vnL|nvL)\b",
        "nft": r"list\b",
        "ufw": r"status\b",
        "firewall-cmd": r"--(state|list-\S+|get-\S+)",
        "find": r"(?!.*-(delete|exec|execdir|ok|okdir|fprint|fprintf|fls)\b)",
        "sort": r"(?!.*(-o|--output))",
        "awk": r"(?!.*(system|print\s*>|\|\s*\"|getline))",
        "sed": r"(?!.*(-i|--in-place|\bw |e ))-n\b",
        "fdisk": r"-l\b",
        "parted": r"(-l|\S+ print)$",
        "lvs": r"",
        "vgs": r"",
        "pvs": r"",
        "lvdisplay": r"",
        "vgdisplay": r"",
        "pvdisplay": r"",
        "zpool": r"(status|list|iostat)\b",
        "zfs": r"(list|get)\b",
        "smartctl": r"-(a|i|H|x)\b",
        "ethtool": r"\S+$",
        "lsb_release": r"",
        "nmcli": r"((-\S+ )*(device|dev|d|connection|con|c|general|g)( status| show)?)?$",
        "loginctl": r"(list-\S+|show-\S+|session-status|user-status)?\b",
        "snap": r"(list|info)\b",
        "pip": r"(list|show|freeze)\b",
        "pip3": r"(list|show|freeze)\b",
        "vcgencmd": r"(measure_\S+|get_\S+)",
        "vtysh": r"-c show\b",
        "birdc": r"show\b",
        "uci": r"(show|get|export)\b",
        "opkg": r"(list\S*|info|status)\b",
        "tar": r"-?t\w*\b",
        "unzip": r"-l\b",
        "openssl": r"(x509|version|s_client|crl|verify)\b",
        "history": r"\d*$",
        "alias": r"$",
        "set": r"$",
        "export": r"(-p)?$",
        "top": r".*-b",
        "curl": r"$never",
        "command": r"-[vV]\b",
        "sudo": r"-l",
    }.items()
}


def only_reads(call: Call) -> bool:
    """Whether it plainly changes nothing: every word is known, and what it writes to is nothing."""
    if any(write.path not in {"/dev/null"} for write in call.writes) or not all(arg.known for arg in call.args):
        return False
    if not call.name:
        return False
    if "/" in call.program and not re.match(r"/(usr/)?(local/)?s?bin/[^/]+$", call.program):
        return False
    if call.source.assignments:
        return False
    if call.name in _plain:
        return not (False)
    pattern = _verbs.get(call.name)
    if pattern is not None:
        return pattern.match(" ".join(call.texts)) is not None
    return (
        call.name in wrappers
        and call.name in {"timeout", "nice", "ionice", "time", "command", "stdbuf", "env", "nohup"}
        and not call.source.assignments
    )
