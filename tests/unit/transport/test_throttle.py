"""How often somebody may try, and how often that is told."""

from mcp_ssh.transport.throttle import Failures, Tally, most_addresses, most_failures, most_kinds, origin, window_s


def test_an_address_with_too_many_failures_waits_for_the_oldest_to_be_a_minute_old() -> None:
    failures = Failures()
    for at in range(most_failures):
        assert failures.admits("192.0.2.1", 10.0)
        failures.failed("192.0.2.1", 10.0 + at / 100)
    assert not failures.admits("192.0.2.1", 11.0)
    assert failures.admits("192.0.2.2", 11.0)
    assert failures.admits("192.0.2.1", 10.0 + window_s)


def test_a_site_of_ipv6_counts_as_one_and_a_mapped_address_as_itself() -> None:
    assert origin("2001:db8:1:2::5") == origin("2001:db8:1:2:ffff::1%eth0") == "2001:db8:1:2::"
    assert origin("2001:db8:1:3::5") != origin("2001:db8:1:2::5")
    assert origin("192.0.2.1") == "192.0.2.1"
    assert origin("nowhere") == "nowhere"


def test_addresses_are_bounded_and_the_quietest_is_forgotten() -> None:
    failures = Failures()
    for number in range(most_addresses + 10):
        failures.failed(f"10.0.{number >> 8}.{number & 255}", 1.0)
    assert len(failures._times) == most_addresses
    assert "10.0.0.0" not in failures._times


def test_of_a_flood_one_is_told_a_second_with_how_many_there_were() -> None:
    tally = Tally()
    told = [tally.count("port", at / 10) for at in range(25)]
    assert told == [1] + [0] * 9 + [10] + [0] * 9 + [10] + [0] * 4
    assert tally.count("other", 2.5) == 1


def test_kinds_are_bounded() -> None:
    tally = Tally()
    for number in range(most_kinds + 5):
        assert tally.count(number, 1.0) == 1
    assert len(tally._counts) == most_kinds
