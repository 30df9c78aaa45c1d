"""Which paths matter: the system, its parts, homes, data of databases, disks, files that let people in or hold the boot.

Places are those of the Filesystem Hierarchy Standard 3.0 and of common distributions.
"""

import fnmatch
import re

from mcp_ssh.safety.posix.expand import normal
from mcp_ssh.safety.posix.text import unknown

tops = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /opt /proc /root /run /sbin /srv /sys /usr /var /mnt /media"
    " /snap /nix /data /storage /backup /backups /export /vol /volumes /Users /System /Library /Applications /private"
    " /overlay /rom /efi /config /cf /flash /bootflash /mnt/flash ~".split()
)
_whole = tuple(
    re.compile(pattern)
    for pattern in (
        r"/(usr|lib|lib64|lib32|bin|sbin|boot|efi|dev|proc|sys|nix/store|System|Library)(/[^/]+)?",
        r"/usr/(local|lib|lib64|share|bin|sbin|libexec|include)",
        r"/usr/lib(64)?/[^/]*(linux-gnu|modules|systemd|ssl|python3|locale)[^/]*",
        r"/usr/(local/)?(s?bin)/(sudo|su|bash|sh|sshd?|python3|perl|systemctl|mount|login|apt|dpkg|rpm|yum|dnf|env|ls|rm|cp)",
        (
            r"/etc(/(ssh|ssl|pam\.d|systemd|network|netplan|NetworkManager|sysconfig|default|apt|yum|yum\.repos\.d|sudoers\.d|security|init\.d|rc\.d"
            r"|rc[0-9S]\.d|kubernetes|docker|cron\.d|modprobe\.d|ld\.so\.conf\.d|selinux|X11|pki|alternatives|frr|config|letsencrypt"
            r"|postgresql|mysql|nginx|apache2|httpd|libvirt|pve|ceph|wireguard|openvpn|bind|dovecot|postfix|ldap|lvm|grub\.d))?"
        ),
        r"/var/(lib|log|spool|mail|www|backups?|db|opt|local|run|lock|named|vmail|crash|empty)",
        r"/var/www/html",
        (
            r"/var/lib/(mysql|mariadb|postgresql|pgsql|mongodb|mongo|redis|docker|containerd|containers|kubelet|etcd|dpkg|rpm|pacman|systemd|libvirt"
            r"|elasticsearch|opensearch|influxdb|cassandra|rabbitmq|kafka|zookeeper|ceph|lxd|lxc"
            r"|ldap|mongod|couchdb|neo4j|clickhouse|vz|longhorn|consul|vault|bareos|bacula|machines|nfs|pve-cluster)(/.*)?"
        ),
        r"/var/lib/(jenkins|grafana|prometheus|rancher|gitlab|samba)",
        r"/var/spool/(cron|mail|postfix)(/.*)?",
        r"/var/log/(journal|audit)",
        r"/etc/systemd/(system|user|network)",
        r"/(home|Users)/[^/]+",
        r"/(root|home/[^/]+|Users/[^/]+|~|~)(/(\.ssh|\.gnupg|\.config|\.kube|\.aws|\.docker|Documents|Desktop|Pictures|Music|Library|\.password-store))?",
        r"~/(\.ssh|\.gnupg|\.config|\.kube|\.aws|\.password-store|Documents|Desktop|Pictures|Music|Library)",
        r"/(srv|opt|mnt|media|data|storage|backups?|export|vol|snap)/?",
        r"/(data|storage|backups?|mnt/backups?|srv/backups?|opt/backups?)(/[^/]+)?",
        r"/lib/(modules|firmware|systemd|security|x86_64-linux-gnu|aarch64-linux-gnu)(/.*)?",
        r"/lib/modules/[^/]+",
        r"/opt/(gitlab|splunk|oracle|vmware|ibm)",
    )
)

_critical = re.compile(
    r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?"
    r"|/etc/(sudoers|fstab|crypttab|mdadm\.conf|mdadm/mdadm\.conf|exports|hosts|resolv\.conf|nsswitch\.conf|inittab|securetty|login\.defs|shells|ld\.so\.(conf|cache|preload)"
    r"|profile|bash\.bashrc|environment|machine-id|hostname|pam\.conf|crontab|grub\.conf|lilo\.conf|os-release)"
    r"|/etc/(sudoers\.d|pam\.d|netplan|ssh|security|network|NetworkManager/system-connections|sysconfig/network-scripts|lvm/backup|default/grub|config)(/.+)?"
    r"|/etc/default/grub"
    r"|/boot/.+|/efi/.+|/lib/modules/.+|/lib(64|32)?/(ld-|libc|libpthread|libdl|libm|libcrypt|libpam|security)[^/]*.*"
    r"|(/usr)?/lib/(x86_64|aarch64|arm|i386)[^/]*/(ld-|libc|libpthread|libdl|libpam|security)[^/]*.*"
    r"|(/usr)?/s?bin/(sudo|su|bash|sh|dash|sshd|ssh|login|init|mount|systemctl|systemd|agetty|getty|busybox|python3|perl|apt|apt-get|dpkg|rpm|yum|dnf"
    r"|ls|rm|cp|mv|cat|chmod|chown|ip|env|kill|ps|passwd|useradd|usermod|visudo|chattr|dd|mkfs.*|fsck.*|ifconfig|route|iptables|nft|modprobe|curl|wget|\*)"
    r"|/usr/lib/systemd/systemd|/lib/systemd/systemd|/sbin/init"
    r"|(~|/root|/home/[^/]+)/\.ssh(/(authorized_keys2?|id_[a-z0-9]+|config|known_hosts|\*))?"
    r"|/var/lib/(dpkg/status|rpm/.*|dpkg/info.*|apt/extended_states)"
    r"|/proc/.+|/sys/.+"
)
_in = re.compile(r"(/[^/]+)*")

disk = re.compile(
    r"/dev/(sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk|mapper/|dm-\d|md\d|md/|md_|loop\d|mtd\d|mtdblock\d|ubi|nbd\d|rbd\d|drbd\d|zd\d|zvol/|sg\d|sr\d"
    r"|bcache\d|pmem\d|dasd|cciss|block/|by-|root|rdisk|ada\d|da\d|ad\d|vg|vg0|rbd/|mem\b|kmem\b|port\b|nvram|fb0|\x00|[a-z0-9_-]*vg[a-z0-9_-]*/|ubuntu-vg|rhel|centos|pve|volgroup)"
)
_harmless_devices = re.compile(
    r"/dev/(null|zero|full|random|urandom|stdin|stdout|stderr|tty.*|pts/.*|fd/.*|shm/.*|console|log|tcp/.*|udp/.*|ttyS.*|ttyUSB.*)"
)

rc_file = re.compile(
    r"(~|/root|/home/[^/]+)/\.(bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|zshenv|zlogin|kshrc|cshrc|tcshrc|login|xinitrc|xprofile|xsession|inputrc"
    r"|config/(autostart|systemd|fish)/.*)"
    r"|/etc/(profile|bash\.bashrc|bashrc|zsh/.*|zshrc|environment|rc\.local|crontab|anacrontab|inittab|profile\.d/.*|cron\.[a-z]+/.*|init\.d/.*|rc\d?\.d/.*|rc\.d/.*"
    r"|systemd/(system|user)/.*|init/.*|skel/.*|udev/rules\.d/.*|network/if-.*|NetworkManager/dispatcher\.d/.*|apt/apt\.conf\.d/.*|update-motd\.d/.*|logrotate\.d/.*"
    r"|modprobe\.d/.*|X11/.*|xdg/autostart/.*|sudoers\.d/.*|incron\.d/.*|acpi/.*|local\.d/.*|ppp/.*|dhcp/.*)"
    r"|/var/spool/(cron|at|anacron)/.*|(/usr)?/lib/systemd/.*|/usr/local/etc/rc\.d/.*|/usr/local/s?bin/[^/]+|/opt/[^/]+/bin/[^/]+"
)

_traces = re.compile(
    r"(~|/root|/home/[^/]+)/\.(bash_history|zsh_history|sh_history|history|ash_history|python_history|mysql_history|psql_history|lesshst|viminfo)"
    r"|/var/log/(wtmp|btmp|lastlog|utmp|auth\.log|secure|audit/audit\.log|syslog|messages|kern\.log|faillog|tallylog|daemon\.log|cron|maillog|sudo\.log|journal)(/.*)?"
    r"|/var/run/utmp|/run/utmp|/var/log/(\*|\*\*|\*\.log)"
)


def is_whole(path: str) -> bool:
    """Whether losing the folder is losing the system, a part of it, or somebody's data."""
    if unknown in path:
        return path.strip("/.*") != unknown and is_whole(normal(path.replace(unknown, "")))
    return any(_is_whole(each) for each in _spellings(path))


def _is_whole(path: str) -> bool:
    return path in tops or any(pattern.fullmatch(path) for pattern in _whole)


def _spellings(path: str) -> set[str]:
    """What a path with a pattern at its end, or somewhere in it, stands for."""
    path = path.rstrip("/") or "/"
    found = set[str]()
    stripped = path
    while (
        stripped.rsplit("/", 1)[-1]
        in {
            "*",
            ".*",
            "**",
            "?*",
            "*.*",
            ".[!.]*",
            ".??*",
            ".",
            "{*,.*}",
            "[!.]*",
            "!(.)",
        }
        and "/" in stripped
    ):
        stripped = normal(stripped.rsplit("/", 1)[0] or "/")
    found.add(normal(stripped))
    if any(char in stripped for char in "*?["):
        parts = stripped.count("/")
        found |= {top for top in tops if top.count("/") == parts and fnmatch.fnmatchcase(top, stripped)}
    return found


def is_of_the_system(path: str) -> bool:
    """Whether a folder, or what is below it, is the system's rather than somebody's data."""
    return re.match(r"/((etc|usr|s?bin|lib\d*|var|boot|root|home|dev)/?)?$", path) is not None or path == "~"


def is_critical(path: str) -> bool:
    """Whether losing or overwriting this one file locks people out, breaks the boot, or breaks the system."""
    path = path.rstrip("/")
    if _critical.fullmatch(path):
        return not path.startswith(("/proc/", "/sys/"))
    if any(char in path for char in "*?["):
        return any(fnmatch.fnmatchcase(each, path) for each in _samples)
    return False


_samples = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/fstab",
    "/etc/ssh/sshd_config",
    "/boot/vmlinuz",
    "/bin/bash",
    "/bin/ls",
    "/usr/bin/bash",
    "/usr/bin/sudo",
    "/usr/sbin/sshd",
    "~/.ssh/authorized_keys",
    "/root/.ssh/authorized_keys",
)


def is_disk(path: str) -> bool:
    """Whether it is a device whose content would be lost."""
    return path.startswith("/dev/") and not _harmless_devices.fullmatch(path) and disk.match(path) is not None


def is_device(path: str) -> bool:
    """Whether it is a device that writing to may harm: any but the harmless ones."""
    return path.startswith("/dev/") and not _harmless_devices.fullmatch(path)


def is_trace(path: str) -> bool:
    """Whether it tells who did what."""
    return _traces.fullmatch(path) is not None


def is_temporary(path: str) -> bool:
    """Whether it is one of the places for files that nobody misses."""
    return re.match(r"/(tmp|var/tmp|dev/shm|var/cache|run/user|private/tmp)(/|$)", path) is not None
