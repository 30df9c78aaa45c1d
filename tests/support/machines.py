"""Machines as they answer the survey: what Debian, Alpine, OpenWRT and Red Hat say, and scripts that say it."""

from collections.abc import Callable, Mapping

from tests.support.memory import MemoryChannel

DEBIAN = """\
==> id -u <==
1000

==> ls -d <==
/run/systemd/system
/etc/init.d

==> command -v <==
/usr/bin/apt-get
/usr/bin/sudo

==> uname -snrm <==
Linux web-1 6.1.0-28-amd64 x86_64

==> date <==
2026-11-02T09:14:07+0100

==> readlink /sbin/init <==
/lib/systemd/systemd

==> /etc/os-release <==
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
ID=debian
HOME_URL="https://www.debian.org/"

==> /usr/lib/os-release <==
PRETTY_NAME="another one"

==> /proc/1/comm <==
systemd

==> /proc/uptime <==
273482.61 1034812.77

==> /proc/loadavg <==
0.08 0.03 0.01 1/213 48211

==> /proc/meminfo <==
MemTotal:        4005932 kB
MemFree:          241324 kB
MemAvailable:    3120456 kB
Buffers:          102400 kB
SwapTotal:        999420 kB
SwapFree:         990000 kB
HugePages_Total:       0

==> /sys/devices/system/cpu/online <==
0-3

==> /sys/class/dmi/id/sys_vendor <==
QEMU

==> /sys/class/dmi/id/product_name <==
Standard PC (Q35 + ICH9, 2009)

==> systemd-detect-virt <==
kvm

==> ip -o addr <==
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host noprefixroute \\       valid_lft forever preferred_lft forever
2: ens18    inet 10.0.0.21/24 brd 10.0.0.255 scope global ens18\\       valid_lft forever preferred_lft forever
2: ens18    inet6 fe80::be24:11ff:fe5a:1/64 scope link \\       valid_lft forever preferred_lft forever
2: ens18    inet6 2001:db8::21/64 scope global dynamic \\       valid_lft 86000sec preferred_lft 14000sec
5: wg0    inet 10.9.0.2 peer 10.9.0.1/32 scope global wg0\\       valid_lft forever preferred_lft forever

==> ifconfig -a <==

==> df -kP <==
Filesystem     1024-blocks     Used Available Capacity Mounted on
udev               1978100        0   1978100       0% /dev
tmpfs               400596      808    399788       1% /run
/dev/sda1         30308240 12503044  16238596      44% /
/dev/loop3           65280    65280         0     100% /snap/core20/1974
/dev/sdb1        102626232       24  97366944       1% /srv/my data
nas:/export     1048576000 52428800 996147200       5% /mnt/nas
"""

ALPINE = """\
==> id -u <==
0

==> ls -d <==
/run/openrc/softlevel
/etc/init.d
/etc/inittab

==> command -v <==
/sbin/apk

==> uname -snrm <==
Linux edge 6.6.58-0-virt x86_64

==> date <==
2026-11-02T08:14:07+0000

==> readlink /sbin/init <==
/bin/busybox

==> /etc/os-release <==
NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.20.3
PRETTY_NAME="Alpine Linux v3.20"

==> /proc/1/comm <==
init

==> /proc/uptime <==
12.50 20.00

==> /proc/loadavg <==
0.50 0.20 0.10 1/90 2001

==> /proc/meminfo <==
MemTotal:         492348 kB
MemFree:          362340 kB
MemAvailable:     420000 kB

==> /sys/devices/system/cpu/online <==
0

==> systemd-detect-virt <==

==> ip -o addr <==
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.0.2.7/24 scope global eth0\\       valid_lft forever preferred_lft forever

==> ifconfig -a <==
eth0      Link encap:Ethernet  HWaddr 02:00:00:00:00:07
          inet addr:192.0.2.7  Bcast:0.0.0.0  Mask:255.255.255.0

==> df -kP <==
Filesystem           1024-blocks    Used Available Capacity Mounted on
devtmpfs                   10240       0     10240   0% /dev
/dev/vda3                1856388  140000   1602388   8% /
"""

OPENWRT = """\
==> id -u <==
0

==> ls -d <==
/sbin/procd
/etc/init.d
/etc/inittab

==> command -v <==
/bin/opkg

==> uname -snrm <==
Linux OpenWrt 5.15.150 mips

==> date <==
2026-11-02T08:14:07+0000

==> readlink /sbin/init <==

==> /etc/os-release <==
NAME="OpenWrt"
VERSION="23.05.3"
ID="openwrt"
ID_LIKE="lede openwrt"
PRETTY_NAME="OpenWrt 23.05.3"
VERSION_ID="23.05.3"
OPENWRT_BOARD="ath79/generic"

==> /usr/lib/os-release <==
NAME="OpenWrt"

==> /proc/1/comm <==
procd

==> /proc/uptime <==
86399.01 85000.00

==> /proc/loadavg <==
0.00 0.00 0.00 1/60 3001

==> /proc/meminfo <==
MemTotal:         124180 kB
MemFree:           71032 kB
MemAvailable:      67724 kB
SwapTotal:             0 kB
SwapFree:              0 kB

==> /tmp/sysinfo/model <==
TP-Link Archer C7 v2

==> systemd-detect-virt <==

==> ip -o addr <==

==> ifconfig -a <==
br-lan    Link encap:Ethernet  HWaddr 02:00:00:00:00:01
          inet addr:192.168.1.1  Bcast:192.168.1.255  Mask:255.255.255.0
          inet6 addr: fd12:3456:789a::1/60 Scope:Global
          inet6 addr: fe80::1/64 Scope:Link
          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1

lo        Link encap:Local Loopback
          inet addr:127.0.0.1  Mask:255.0.0.0

==> df -kP <==
Filesystem           1024-blocks    Used Available Capacity Mounted on
/dev/root                   4096    4096         0 100% /rom
tmpfs                      62088      76     62012   0% /tmp
/dev/mtdblock5              9152     500      8652   5% /overlay
overlayfs:/overlay          9152     500      8652   5% /
"""

REDHAT = """\
==> id -u <==
1001

==> ls -d <==
/run/systemd/system
/etc/init.d
/etc/inittab
/etc/redhat-release

==> command -v <==
/usr/bin/apt-get
/usr/bin/dnf
/usr/bin/yum
/usr/bin/sudo

==> uname -snrm <==
Linux db.example.com 5.14.0-427.13.1.el9_4.x86_64 x86_64

==> date <==
2026-11-02T09:14:07+0100

==> readlink /sbin/init <==
../lib/systemd/systemd

==> /etc/os-release <==
NAME="Red Hat Enterprise Linux"
VERSION="9.4 (Plow)"
ID="rhel"
VERSION_ID="9.4"
PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"
REDHAT_SUPPORT_PRODUCT="Red Hat Enterprise Linux"

==> /proc/1/comm <==
systemd

==> /proc/uptime <==
604800.00 2400000.00

==> /proc/loadavg <==
1.50 1.25 1.00 3/512 99321

==> /proc/meminfo <==
MemTotal:       16152064 kB
MemFree:         1024000 kB
MemAvailable:   12000000 kB
SwapTotal:       8388604 kB
SwapFree:        8388604 kB

==> /sys/devices/system/cpu/online <==
0-1,4-5,7

==> /sys/class/dmi/id/sys_vendor <==
VMware, Inc.

==> /sys/class/dmi/id/product_name <==
VMware7,1

==> /sys/fs/selinux/enforce <==
1
==> systemd-detect-virt <==
vmware

==> ip -o addr <==
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: ens192    inet 10.1.2.3/16 brd 10.1.255.255 scope global noprefixroute ens192\\       valid_lft forever

==> ifconfig -a <==

==> df -kP <==
Filesystem                1024-blocks    Used Available Capacity Mounted on
devtmpfs                         4096       0      4096       0% /dev
/dev/mapper/rhel-root        73364480 9437184  63927296      13% /
"""

Said = tuple[str, int]
"""What a command puts out, and its exit code."""


def machine(survey: str, said: Mapping[str, Said] | None = None, seen: list[str] | None = None) -> Callable[..., None]:
    """A memory host that answers the survey, and of other commands those that hold one of the words; `seen` hears all.

    A word that is not among them is a command that nobody has: exit code 127.
    """

    def script(channel: MemoryChannel) -> None:
        command = channel.command.partition("; ")[2]
        if seen is not None:
            seen.append(command)
        if command.startswith("echo '==> id -u <=='"):
            text, code = survey, 0
        else:
            text, code = next((each for word, each in (said or {}).items() if word in command), ("", 127))
        channel.out(text.encode())
        channel.exits(code)

    return script
