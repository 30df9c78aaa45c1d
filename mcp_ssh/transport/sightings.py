"""Who came to the tunnel listener: keys that nobody knows, and when each device was there last.

Kept in a file of the state folder, so that the command line can show it. What a stranger sends is told, never believed:
a key that is only offered proves nothing, and its user name is what somebody typed.
"""

import json
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

file_name = "devices.json"
most_keys, most_keys_of_address, most_devices = 100, 10, 1_000
most_key_chars, most_user_chars = 8_192, 64


@dataclass(frozen=True, slots=True)
class Stranger:
    """A key that is no device's. `key` is the line of a public key file; times are seconds since the epoch."""

    fingerprint: str
    key: str
    address: str
    user: str
    first: float
    last: float
    times: int


@dataclass(frozen=True, slots=True)
class Seen:
    """When a device was there last, and from where."""

    at: float
    address: str


class Sightings:
    """The last hundred strangers, ten of one address, and each device's last time."""

    def __init__(self, state_dir: str) -> None:
        """Begin with what the file has; one that cannot be read counts as empty."""
        self._path = Path(state_dir) / file_name
        self._strangers: OrderedDict[str, Stranger] = OrderedDict()
        self._devices: OrderedDict[str, Seen] = OrderedDict()
        self._is_saved = True
        self._load()

    @property
    def strangers(self) -> tuple[Stranger, ...]:
        """The latest first."""
        return tuple(reversed(self._strangers.values()))

    def device(self, host: str) -> Seen | None:
        """When the host's device was there last, where that is known."""
        return self._devices.get(host)

    def stranger(self, fingerprint: str, key: str, address: str, user: str, now: float) -> None:
        """Somebody offered a key that is no device's."""
        if len(key) > most_key_chars:
            return
        user = "".join(char if char.isprintable() else "?" for char in user[:most_user_chars])
        known = self._strangers.pop(fingerprint, None) or Stranger(fingerprint, key, address, user, now, now, 0)
        self._strangers[fingerprint] = replace(known, address=address, user=user, last=now, times=known.times + 1)
        self._make_room(address)
        self._is_saved = False

    def present(self, host: str, address: str, now: float) -> None:
        """The host's device is there, or was until now."""
        self._devices[host] = Seen(now, address)
        self._devices.move_to_end(host)
        if len(self._devices) > most_devices:
            self._devices.popitem(last=False)
        self._is_saved = False

    def forget(self, fingerprint: str) -> None:
        """The key has become a device's."""
        if self._strangers.pop(fingerprint, None) is not None:
            self._is_saved = False

    def unsaved(self) -> str | None:
        """What is to be written, if there is anything new; it counts as written from here on."""
        if self._is_saved:
            return None
        self._is_saved = True
        told = {
            "strangers": [asdict(each) for each in self._strangers.values()],
            "devices": {host: asdict(seen) for host, seen in self._devices.items()},
        }
        return json.dumps(told, indent=1) + "\n"

    def write(self, text: str) -> None:
        """Write it, whole or not at all; may run in a thread. Raises `OSError`, and it is to be written again."""
        try:
            self._write(text)
        except OSError:
            self._is_saved = False
            raise

    def _make_room(self, address: str) -> None:
        own = [each.fingerprint for each in self._strangers.values() if each.address == address]
        for fingerprint in own[:-most_keys_of_address]:  # nobody drives out all others by himself
            del self._strangers[fingerprint]
        while len(self._strangers) > most_keys:
            self._strangers.popitem(last=False)

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".devices-")  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _load(self) -> None:
        try:
            told = json.loads(self._path.read_text("ascii"))
            self._strangers.update((each.fingerprint, each) for each in _strangers_of(told))
            for host, seen in told["devices"].items():
                self._devices[str(host)] = Seen(float(seen["at"]), str(seen["address"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return


def _strangers_of(told: dict[str, list[dict[str, str]]]) -> Iterator[Stranger]:
    for row in told["strangers"]:
        yield Stranger(
            fingerprint=str(row["fingerprint"]),
            key=str(row["key"]),
            address=str(row["address"]),
            user=str(row["user"]),
            first=float(row["first"]),
            last=float(row["last"]),
            times=int(row["times"]),
        )
