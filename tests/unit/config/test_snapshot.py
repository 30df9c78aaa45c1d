import pytest

from mcp_ssh.config.snapshot import Changes, Configuration, Snapshot
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.host import Host, Inventory
from tests.support.hosts import host, settings


def snapshot(*hosts: Host, **changes: object) -> Snapshot:
    return Snapshot(Inventory({each.name: each for each in hosts}), settings(**changes), "hosts.yaml")


def test_a_reload_tells_what_changed() -> None:
    versions = iter(
        [
            snapshot(host("a"), host("b"), host("c")),
            snapshot(host("a"), host("b", user="other"), host("d"), idle_timeout_s=1.0),
        ]
    )
    configuration = Configuration(lambda: next(versions))
    assert configuration.reload() == Changes(added=("d",), removed=("c",), changed=("b",), settings=True)
    assert configuration.current.settings.idle_timeout_s == 1.0


def test_a_file_with_faults_keeps_the_old_snapshot_whole() -> None:
    good = snapshot(host("a"))
    reads = 0

    def read() -> Snapshot:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise ConfigurationError([Fault("hosts.yaml", 1, "hosts", "broken")])
        return good

    configuration = Configuration(read)
    with pytest.raises(ConfigurationError):
        configuration.reload()
    assert configuration.current is good
