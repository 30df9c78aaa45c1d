"""Hosts that dial in, as hosts.yaml says it."""

from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import TunnelTerms, Way
from mcp_ssh.model.settings import TunnelListener

FILE = Path("/etc/mcp/hosts.yaml")
LOGIN = "user: pi, auth: {method: agent}"


def read(text: str) -> Snapshot:
    return parse(text, FILE, Environment(config=FILE, home=Path("/home/ann")))


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return [f"{fault.line} {fault.key}: {fault.message}" for fault in caught.value.faults]


def test_a_host_that_dials_in_has_a_key_and_a_port_and_no_address() -> None:
    snapshot = read(
        f"defaults: {{port: 2200, transport: openssh}}\nhosts:\n"
        f"  edge: {{connect: tunnel, tunnel: {{port: 22222, device_key_file: keys/edge.pub}}, {LOGIN}}}\n"
        "tunnel_listener: {enabled: true, host: 0.0.0.0, port: 2022}\n"
    )
    host = snapshot.inventory.hosts["edge"]
    assert (host.address, host.port, host.way) == ("edge", 22, Way.TUNNEL)
    assert host.tunnel == TunnelTerms(22222, "/etc/mcp/keys/edge.pub")
    assert snapshot.settings.tunnel_listener == TunnelListener(enabled=True, host="0.0.0.0", port=2022)


def test_a_device_leads_to_others_behind_it_and_is_itself_behind_nobody() -> None:
    hosts = read(
        f"defaults: {{jump: [bastion]}}\nhosts:\n  bastion: {{host: b, {LOGIN}}}\n"
        f"  edge: {{connect: tunnel, tunnel: {{port: 22222, device_key_file: edge.pub}}, {LOGIN}}}\n"
        f"  camera: {{host: 192.168.1.9, {LOGIN}, jump: [edge]}}\n"
    ).inventory.hosts
    assert hosts["edge"].hops == ()
    assert [hop.name for hop in hosts["camera"].hops] == ["edge"]


def test_without_a_word_nobody_dials_in() -> None:
    assert read("hosts: {}").settings.tunnel_listener == TunnelListener(enabled=False, host="127.0.0.1", port=2222)


def test_relative_key_files_stay_in_the_folder_of_keys() -> None:
    entry = f"connect: tunnel, tunnel: {{port: 22222, device_key_file: ../edge.pub}}, {LOGIN}"
    assert faults(f"settings: {{keys_dir: /etc/keys}}\nhosts:\n  edge: {{{entry}}}\n") == [
        "3 hosts.edge.tunnel.device_key_file: leads out of keys_dir; a relative key path must stay in it"
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("connect: tunnel", "tunnel: is required for connect tunnel"),
        ("connect: tunnel, tunnel: {port: 1, device_key_file: x}, host: y", "host: has no meaning for connect tunnel"),
        ("connect: tunnel, tunnel: {port: 1, device_key_file: x}, port: 22", "port: has no meaning for connect tunnel"),
        (
            "connect: tunnel, tunnel: {port: 1, device_key_file: x}, transport: openssh",
            "transport: has no meaning for connect tunnel",
        ),
        (
            "connect: tunnel, tunnel: {port: 1, device_key_file: x}, command: [telnet]",
            "command: has no meaning for connect tunnel",
        ),
        (
            "connect: tunnel, tunnel: {port: 1, device_key_file: x}, jump: [other]",
            "jump: has no meaning for connect tunnel",
        ),
        ("connect: tunnel, tunnel: {port: 0, device_key_file: x}", "tunnel.port: must be greater than or equal to 1"),
        ("connect: tunnel, tunnel: {port: 1}", "tunnel.device_key_file: is required"),
        ("connect: tunnel, tunnel: {port: 1, device_key: x}", "tunnel.device_key: unknown key 'device_key', did you"),
        ("host: y, tunnel: {port: 1, device_key_file: x}", "tunnel: counts only with connect: tunnel"),
        ("connect: tunel, host: y", "connect: must be 'direct' or 'tunnel'"),
        ("connect: direct", "host: is required"),
    ],
)
def test_what_does_not_fit_together_is_told(entry: str, told: str) -> None:
    found = faults(f"hosts:\n  edge: {{{entry}, {LOGIN}}}\n  other: {{host: x, {LOGIN}}}\n")
    assert any(f"hosts.edge.{told}" in fault for fault in found), found


def test_every_device_has_a_key_and_a_port_of_its_own() -> None:
    rows = "".join(
        f"  {name}: {{connect: tunnel, tunnel: {{port: {port}, device_key_file: {file}}}, {LOGIN}}}\n"
        for name, port, file in (("a", 1, "a.pub"), ("b", 1, "b.pub"), ("c", 3, "./a.pub"))
    )
    assert faults(f"hosts:\n{rows}") == [
        "3 hosts.b.tunnel.port: is that of a; every device has its own",
        "4 hosts.c.tunnel.device_key_file: is that of a; every device has its own",
    ]


def test_a_thousand_devices_are_the_most() -> None:
    rows = "".join(
        f"  d{n}: {{connect: tunnel, tunnel: {{port: {n + 1}, device_key_file: {n}.pub}}, {LOGIN}}}\n"
        for n in range(1_001)
    )
    assert faults(f"hosts:\n{rows}") == ["1 hosts: 1001 hosts dial in, and 1000 can"]
