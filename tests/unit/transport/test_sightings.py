"""Who came to the listener, bounded and kept."""

import stat
from pathlib import Path

import pytest

from mcp_ssh.transport.sightings import Seen, Sightings, most_devices, most_keys, most_keys_of_address


def strangers(sightings: Sightings) -> list[tuple[str, str, int]]:
    return [(each.fingerprint, each.user, each.times) for each in sightings.strangers]


def test_the_latest_comes_first_and_one_who_comes_again_is_counted() -> None:
    sightings = Sightings("/nowhere")
    sightings.stranger("a", "key a", "192.0.2.1", "pi", 1.0)
    sightings.stranger("b", "key b", "192.0.2.2", "root", 2.0)
    sightings.stranger("a", "key a", "192.0.2.3", "admin", 3.0)
    assert strangers(sightings) == [("a", "admin", 2), ("b", "root", 1)]
    first = sightings.strangers[0]
    assert (first.first, first.last, first.address) == (1.0, 3.0, "192.0.2.3")


def test_nobody_drives_out_all_others() -> None:
    sightings = Sightings("/nowhere")
    sightings.stranger("good", "key", "192.0.2.1", "pi", 1.0)
    for number in range(most_keys * 2):
        sightings.stranger(f"bad{number}", "key", "198.51.100.7", "x", 2.0)
    assert len(sightings.strangers) == 1 + most_keys_of_address
    assert sightings.strangers[-1].fingerprint == "good"


def test_all_of_it_is_bounded() -> None:
    sightings = Sightings("/nowhere")
    for number in range(most_keys + 20):
        sightings.stranger(str(number), "key", f"10.0.0.{number}", "x" * 500, 1.0)
    sightings.stranger("long", "k" * 100_000, "192.0.2.1", "x", 1.0)
    for number in range(most_devices + 20):
        sightings.present(f"d{number}", "192.0.2.1", 1.0)
    assert len(sightings.strangers) == most_keys
    assert {len(each.user) for each in sightings.strangers} == {64}
    assert "long" not in {each.fingerprint for each in sightings.strangers}
    assert sightings.device("d0") is None
    assert sightings.device(f"d{most_devices + 19}") == Seen(1.0, "192.0.2.1")


def test_what_is_written_is_read_again_and_is_its_owners_alone(tmp_path: Path) -> None:
    sightings = Sightings(str(tmp_path))
    sightings.stranger("a", "ssh-ed25519 AAAA", "192.0.2.1", "pi\x1b[31m\u202e", 1.5)
    sightings.present("edge", "192.0.2.9", 2.5)
    text = sightings.unsaved()
    assert text is not None
    assert sightings.unsaved() is None
    sightings.write(text)
    again = Sightings(str(tmp_path))
    assert again.strangers == sightings.strangers
    assert again.strangers[0].user == "pi?[31m?"
    assert again.device("edge") == Seen(2.5, "192.0.2.9")
    assert stat.S_IMODE((tmp_path / "devices.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["devices.json"]


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    sightings = Sightings(str(tmp_path / "state"))
    sightings.present("edge", "192.0.2.9", 2.5)
    with pytest.raises(OSError, match="state"):
        sightings.write(sightings.unsaved() or "")
    assert sightings.unsaved() is not None


@pytest.mark.parametrize("text", ["", "[", "[]", '{"strangers": [{}], "devices": {}}', '{"strangers": 1}'])
def test_a_file_that_is_none_counts_as_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "devices.json").write_text(text)
    assert Sightings(str(tmp_path)).strangers == ()
