"""Machines of other kinds behind a real sshd: their programs stand in a folder that is all of the login's PATH.

Each does what its manual says of the few uses that are made of it, on files below a root of its own: services are files
in `run`, packages lines of `installed` and `offered`. What a login sends is written to a log before it runs.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_real = "sh echo uname id date readlink head cat df env grep sed sleep mkdir touch".split()

# systemctl(1), show: properties of a unit, one a line; a unit that is not there is no error.
_systemctl = """\
while [ $# -gt 0 ]; do case $1 in show|--no-pager|--) ;; --property=*) ;; *) unit=$1 ;; esac; shift; done
name=${unit%.service}
if [ ! -f "$ROOT/units/$name" ]; then
  printf 'Id=%s\\nLoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nMainPID=0\\n' "$unit"; exit 0
fi
if [ -f "$ROOT/run/$name" ]; then state=active sub=running pid=$(cat "$ROOT/run/$name")
else state=inactive sub=dead pid=0; fi
printf 'Id=%s\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$unit" "$state" "$sub"
printf 'UnitFileState=%s\\nMainPID=%s\\nDescription=The %s\\n' "$(cat "$ROOT/units/$name")" "$pid" "$name"
"""

# rc-service(8), and openrc-run's status: 0 started, 3 stopped.
_rc_service = """\
if [ ! -f "$ROOT/etc/init.d/$1" ]; then echo " * rc-service: service \\`$1' does not exist"; exit 1; fi
if [ -f "$ROOT/run/$1" ]; then echo " * status: started"; exit 0; fi
echo " * status: stopped"; exit 3
"""

# ubus(1): the list of procd's services as JSON, those of the name alone.
_ubus = """\
[ "$1 $2 $3" = "call service list" ] || exit 2
name=$(printf '%s' "$4" | sed 's/^{"name":"\\(.*\\)"}$/\\1/')
if [ -f "$ROOT/run/$name" ]; then
  printf '{\\n\\t"%s": {\\n\\t\\t"instances": {\\n\\t\\t\\t"instance1": {\\n\\t\\t\\t\\t"running": true,\\n' "$name"
  printf '\\t\\t\\t\\t"pid": %s\\n\\t\\t\\t}\\n\\t\\t}\\n\\t}\\n}\\n' "$(cat "$ROOT/run/$name")"
else printf '{\\n\\t\\n}\\n'; fi
"""

# ls(1) and find(1), below the root: patterns reach them as they were written, since nothing outside fits.
_ls = """\
code=0
for each in "$@"; do
  [ "$each" = -d ] && continue
  for path in $ROOT$each; do if [ -e "$path" ]; then echo "${path#$ROOT}"; else code=2; fi; done
done
exit $code
"""
_find = """\
while [ $# -gt 0 ]; do case $1 in -name) name=$2; shift ;; *) places="$places $ROOT$1" ;; esac; shift; done
/usr/bin/find $places -name "$name" | sed "s|^$ROOT||"
"""

# The parts of package managers: what is installed, and what could be. One line a package: name and version.
_version = """grep "^$1 " "$ROOT/$2" | sed 's/^[^ ]* //'"""
_add = f"""\
for each in $names; do
  version=$(set -- "$each" offered; {_version})
  if [ -z "$version" ]; then missing "$each"; fi
  grep -v "^$each " "$ROOT/installed" > "$ROOT/new"; echo "$each $version" >> "$ROOT/new"
  cat "$ROOT/new" > "$ROOT/installed"; echo "installing $each"
done
"""

# apt-get(8) and dpkg-query(1).
_apt_get = f"""\
[ "$DEBIAN_FRONTEND" = noninteractive ] || [ "$1" = update ] || {{ echo "it would ask" >&2; exit 1; }}
missing() {{ echo "E: Unable to locate package $1" >&2; exit 100; }}
case $1 in update) echo "Reading package lists..."; exit 0 ;; install) shift ;; *) exit 100 ;; esac
while [ $# -gt 0 ]; do case $1 in -o) shift ;; -*) ;; *) names="$names $1" ;; esac; shift; done
{_add}"""
_dpkg_query = f"""\
shift 3; code=0
for each in "$@"; do
  version=$(set -- "$each" installed; {_version})
  if [ -n "$version" ]; then printf '%s\\t%s\\tinstalled\\n' "$each" "$version"
  else echo "dpkg-query: no packages found matching $each" >&2; code=1; fi
done
exit $code
"""

# dnf(8) and rpm(8).
_dnf = f"""\
missing() {{ echo "No match for argument: $1"; echo "Error: Unable to find a match: $1" >&2; exit 1; }}
case $1 in makecache) exit 0 ;; install) shift ;; *) exit 1 ;; esac
for each in "$@"; do [ "$each" = -y ] || names="$names $each"; done
{_add}"""
_rpm = f"""\
shift 3; code=0
for each in "$@"; do
  version=$(set -- "$each" installed; {_version})
  if [ -n "$version" ]; then printf '%s\\t%s\\n' "$each" "$version"
  else echo "package $each is not installed"; code=1; fi
done
exit $code
"""

# apk(8): `list --installed`, and `add`, which purges what conflicts.
_apk = f"""\
missing() {{ printf 'ERROR: unable to select packages:\\n  %s (no such package):\\n' "$1"; exit 1; }}
case $1 in
  update) exit 0 ;;
  list)
    shift 2
    for each in "$@"; do
      version=$(set -- "$each" installed; {_version})
      [ -n "$version" ] && echo "$each-$version x86_64 {{$each}} (MIT) [installed]"
    done
    exit 0 ;;
  add) shift ;;
  *) exit 1 ;;
esac
while [ $# -gt 0 ]; do case $1 in --wait) shift ;; --simulate) simulates=1 ;; *) names="$names $1" ;; esac; shift; done
for each in $names; do
  [ -f "$ROOT/conflicts/$each" ] && echo "(1/2) Purging $(cat "$ROOT/conflicts/$each") (1.0-r0)"
done
for each in $names; do grep -q "^$each " "$ROOT/offered" || missing "$each"; done
[ -n "$simulates" ] && exit 0
{_add}"""

# opkg: `list-installed`, `install`, `update`.
_opkg = f"""\
missing() {{ echo "Unknown package '$1'."; exit 255; }}
case $1 in
  list-installed) sed 's/ / - /' "$ROOT/installed"; exit 0 ;;
  update) exit 0 ;;
  install) shift ;;
  *) exit 1 ;;
esac
names="$*"
{_add}"""

_programs = {
    "debian": {"systemctl": _systemctl, "apt-get": _apt_get, "dpkg-query": _dpkg_query},
    "fedora": {"systemctl": _systemctl, "dnf": _dnf, "rpm": _rpm},
    "alpine": {"rc-service": _rc_service, "apk": _apk},
    "openwrt": {"ubus": _ubus, "opkg": _opkg},
}
_marks = {
    "debian": ["run/systemd/system/"],
    "fedora": ["run/systemd/system/", "etc/redhat-release"],
    "alpine": ["run/openrc/softlevel", "etc/inittab"],
    "openwrt": ["sbin/procd"],
}
kinds = tuple(_programs)


@dataclass
class StandIn:
    """One such machine. `force` is the line of sshd_config that makes a login live in it."""

    folder: Path
    kind: str

    def __post_init__(self) -> None:
        for name in ("bin", "root/etc/init.d", "root/run", "root/units", "root/conflicts"):
            (self.folder / name).mkdir(parents=True)
        for mark in _marks[self.kind]:
            path = self.root / mark
            (path if mark.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not mark.endswith("/"):
                path.touch()
        self.has(installed="", offered="")
        for name in _real:
            (self.folder / "bin" / name).symlink_to(shutil.which(name) or "/bin/false")
        for name, text in (_programs[self.kind] | {"ls": _ls, "find": _find}).items():
            self._program(self.folder / "bin" / name, f"#!/bin/sh\nROOT={self.root}\n{text}")
        self._program(
            self.folder / "login",
            f'#!/bin/sh\nprintf "%s\\n" "$SSH_ORIGINAL_COMMAND" >> {self.folder}/log\n'
            f'PATH={self.folder}/bin\nexport PATH\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n',
        )

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def force(self) -> str:
        return f"ForceCommand {self.folder}/login"

    def has(self, *, installed: str = "", offered: str = "") -> None:
        """Its packages, a line each."""
        (self.root / "installed").write_text(installed)
        (self.root / "offered").write_text(offered)

    def serves(self, name: str, *, pid: int | None = None, enabled: bool = True) -> None:
        """A service that is there, and runs under a pid, and is enabled."""
        links = {
            "alpine": f"etc/runlevels/default/{name}",
            "openwrt": f"etc/rc.d/S50{name}",
        }
        if self.kind in links:
            (self.root / "etc/init.d" / name).touch()
            link = self.root / links[self.kind]
            link.parent.mkdir(parents=True, exist_ok=True)
            if enabled:
                link.touch()
        else:
            (self.root / "units" / name).write_text("enabled" if enabled else "disabled")
        if pid is not None:
            (self.root / "run" / name).write_text(str(pid))

    def commands(self) -> list[str]:
        """What logins sent, without what travels in front of each command; probes of the driver are left out."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.partition(" $$ >&2; ")[2] for line in lines if " $$ >&2; " in line]

    def lines(self) -> int:
        """How many lines the log has."""
        log = self.folder / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0


def is_root() -> bool:
    """Whether this process may install packages."""
    return os.geteuid() == 0
