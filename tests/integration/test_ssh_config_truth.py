"""Configurations of all kinds, read by us and by the real ssh (`ssh -G`): both must see the same."""

import getpass
import subprocess
from functools import cache
from pathlib import Path

import pytest

from mcp_ssh.sshconfig.disk import DiskFiles
from mcp_ssh.sshconfig.keywords import collected
from mcp_ssh.sshconfig.meaning import meaning_of
from mcp_ssh.sshconfig.reader import Entry, Local, Reader, Source, hostname_of
from tests.support.parts import require

pytestmark = pytest.mark.integration

CORPUS = {
    "plain": "Host web\n HostName 10.0.0.1\n User ann\n Port 2222\n IdentityFile ~/.ssh/web\n",
    "equals and quotes": 'host="web"\nhostname = web.example.com\nuser="ann b"\nPORT=7\n',
    "defaults last": "Host web\n User a\nHost *\n User b\n Port 9\n IdentityFile /x\n ServerAliveInterval 7\n",
    "defaults first": "Port 9\nUser b\nHost web\n User a\n Port 1\n",
    "negated": "Host * !web\n Port 9\nHost web*\n Port 8\n",
    "question mark": "Host we?\n Port 9\nHost w?\n Port 8\n",
    "several names": "Host db web mail\n Port 9\n",
    "match host after hostname": "Host web\n HostName %h.example.com\nMatch host *.example.com\n Port 9\n",
    "match originalhost": "Host web\n HostName x\nMatch originalhost web\n Port 9\nMatch host web\n User no\n",
    "match user": "User ann\nMatch user ann\n Port 9\nMatch user bob\n Compression yes\n",
    "match not": "Match !host db user *\n Port 9\nMatch !host web\n User no\n",
    "match all": "Match all\n Port 9\nMatch host db\n User no\n",
    "match list": "Match host db,web\n Port 9\nMatch host *,!web\n User no\n",
    "match localuser": "Match localuser {user}\n Port 9\nMatch localuser nobody-here\n User no\n",
    "match final": "Match final\n Port 9\n User z\nHost web\n User a\n",
    "match final after hostname": "Match final host web.example.com\n Port 9\nHost web\n HostName web.example.com\n",
    "host in the final pass": "Host web.e*\n Port 8\nHost web\n HostName web.example.com\nMatch final\n User f\n",
    "match canonical": "Match canonical\n Port 9\nHost web\n Port 1\n",
    "include": "Include {folder}/inc/*.conf\nHost *\n User last\n",
    "include in a block": "Host db\n Include {folder}/inc/a.conf\nHost web\n Include {folder}/inc/b.conf\n User last\n",
    "include of nothing": "Include {folder}/none/*\nPort 9\n",
    "identities": "IdentityFile /a\nIdentityFile /b\nIdentityFile /a\nIdentitiesOnly yes\nCertificateFile /c\n",
    "spaces in paths": 'IdentityFile "/a b/c"\nUserKnownHostsFile "/x y" /z\n',
    "host keys": "HostKeyAlias alias\nStrictHostKeyChecking yes\nUserKnownHostsFile /k1 /k2\nGlobalKnownHostsFile /g\n",
    "host keys not asked": "StrictHostKeyChecking accept-new\nHost web\n StrictHostKeyChecking no\n",
    "agent": "IdentityAgent /run/agent\nAddKeysToAgent yes\n",
    "agent none": "IdentityAgent none\n",
    "algorithms": "Ciphers aes128-ctr,aes256-ctr\nMACs hmac-sha2-256\nKexAlgorithms curve25519-sha256\n"
    "HostKeyAlgorithms ssh-ed25519\nPubkeyAcceptedAlgorithms ssh-ed25519\n",
    "old names": "PubkeyAcceptedKeyTypes ssh-ed25519\nChallengeResponseAuthentication no\n",
    "times": "ConnectTimeout 1m\nServerAliveInterval 2m\nServerAliveCountMax 5\n",
    "methods": "PreferredAuthentications publickey,password\nPasswordAuthentication no\nPubkeyAuthentication yes\n",
    "proxy command": "ProxyCommand nc -x 'a b' %h %p # not a comment\nProxyJump later\n",
    "proxy jump": "ProxyJump bastion,inner:22\nProxyCommand later\n",
    "proxy none": "Host web\n ProxyCommand none\nHost *\n ProxyCommand x\n",
    "family": "AddressFamily inet\nBindAddress 127.0.0.1\nCompression yes\nTCPKeepAlive no\n",
    "comments": "# a\n\n   # b\nPort 9 # c\nUser a#b\n",
    "tabs": "Host\tweb\n\tPort\t9\n",
    "ignored": "IgnoreUnknown foo*,UseKeychain\nfoobar 1\nUseKeychain yes\nPort 9\n",
    "terminal": "ControlMaster auto\nControlPath /x/c\nControlPersist 10m\nLogLevel ERROR\nRequestTTY no\n",
    "forwards": "ForwardAgent yes\nLocalForward 1 a:2\nForwardX11 yes\nSendEnv LANG LC_*\nSetEnv A=1\n",
    "user from the right block": "Match host web user root\n Port 1\nHost web\n User ann\nMatch user ann\n Port 2\n",
    "percent": "Host web\n HostName %h%%x\n",
}  # fmt: skip
SEEN_OTHERWISE = {"hostname", "user", "port", "host", "ignoreunknown", "userknownhostsfile", "globalknownhostsfile"} | {
    "updatehostkeys"  # what ssh makes of the known_hosts files
}
SEEN_ALIKE = {"true": "yes", "false": "no", "accept-new": "accept-new"}


@cache
def ssh_says(config: str, name: str) -> dict[str, list[str]]:
    ran = subprocess.run([require("ssh"), "-G", "-F", config, name], capture_output=True, text=True, check=True)
    said: dict[str, list[str]] = {}
    for line in ran.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        said.setdefault(keyword.lower(), []).append(value)
    return said


def read(config: Path, name: str) -> tuple[Entry, Local]:
    local = Local(getpass.getuser(), str(Path.home()))
    return Reader(DiskFiles(), [Source(str(config), str(config.parent))], local).entry(name), local


@pytest.mark.parametrize("title", CORPUS)
@pytest.mark.parametrize("name", ["web", "db"])
def test_ssh_and_we_see_the_same(title: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc/a.conf").write_text("Host web\n Port 11\n")
    (tmp_path / "inc/b.conf").write_text("Host *\n Port 12\n User inc\n")
    empty, config = tmp_path / "empty", tmp_path / "config"
    empty.write_text("")
    config.write_text(CORPUS[title].format(folder=tmp_path, user=getpass.getuser()))
    truth, usual = ssh_says(str(config), name), ssh_says(str(empty), name)
    found, local = read(config, name)
    assert found.faults == []
    assert truth["hostname"] == [hostname_of(found)]
    meaning = meaning_of(found, local, {})
    assert truth["user"] == [meaning.user or local.user]
    assert truth["port"] == [str(meaning.port or 22)]
    if meaning.options.known_hosts is not None:
        told = truth["userknownhostsfile"][0].split() + truth["globalknownhostsfile"][0].split()
        assert " ".join(meaning.options.known_hosts).split() == told
    for keyword in (truth.keys() | usual.keys()) - SEEN_OTHERWISE:
        ours = [" ".join(line.words) for line in found.settings.get(keyword, ())]
        if truth.get(keyword) == usual.get(keyword):
            assert not ours or keyword not in collected or truth.get(keyword) == ours, keyword
        else:
            assert _plain(keyword, truth.get(keyword, [])) == _plain(keyword, ours), keyword


def _plain(keyword: str, values: list[str]) -> list[str]:
    """Values as both write them: ssh tells seconds, and its own words for yes and no."""
    seconds = {"1m": "60", "2m": "120", "10m": "600"}
    plain = [SEEN_ALIKE.get(seconds.get(value, value), seconds.get(value, value)) for value in values]
    if keyword in {"sendenv", "setenv"}:
        return [word for value in plain for word in value.split()]
    if keyword == "localforward":
        return [value.replace("[", "").replace("]", "").replace(":", " ") for value in plain]
    return plain
