"""Every keyword of ssh_config(5) up to OpenSSH 10, and what becomes of it here."""

from collections.abc import Mapping
from enum import StrEnum

from mcp_ssh.sshconfig.lines import Line, raw_keywords


class Fate(StrEnum):
    """What becomes of a keyword.

    `OTHER_WAY`: without it the host would be another, or be trusted by other means. `NOT_DONE`: it is left out, and
    that is told. `MOOT`: it is about ssh as a program at a terminal, and has no meaning here.
    """

    USED = "used"
    OTHER_WAY = "other way"
    NOT_DONE = "not done"
    MOOT = "moot"


_used = """
    host match include hostname port user identityfile certificatefile identityagent identitiesonly userknownhostsfile
    globalknownhostsfile hostkeyalias hostkeyalgorithms kexalgorithms ciphers macs pubkeyacceptedalgorithms
    stricthostkeychecking serveraliveinterval connecttimeout preferredauthentications pubkeyauthentication
    passwordauthentication kbdinteractiveauthentication addressfamily bindaddress compression tag ignoreunknown
"""
_other_way = """
    proxycommand proxyjump knownhostscommand verifyhostkeydns canonicalizehostname bindinterface revokedhostkeys
    proxyusefdpass pkcs11provider refuseconnection
"""
_not_done = """
    gssapiauthentication hostbasedauthentication requiredrsasize casignaturealgorithms rekeylimit
    nohostauthenticationforlocalhost checkhostip sendenv setenv remotecommand sessiontype localforward remoteforward
    dynamicforward tunnel localcommand permitlocalcommand forwardagent forwardx11 securitykeyprovider
"""
_moot = """
    addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots canonicalizepermittedcnames
    channeltimeout clearallforwardings connectionattempts controlmaster controlpath controlpersist
    enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash forkafterauthentication
    forwardx11timeout forwardx11trusted gatewayports gssapiclientidentity gssapidelegatecredentials gssapikeyexchange
    gssapikexalgorithms gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hashknownhosts
    hostbasedacceptedalgorithms ipqos kbdinteractivedevices loglevel logverbose numberofpasswordprompts
    obscurekeystroketiming permitremoteopen requesttty serveralivecountmax stdinnull streamlocalbindmask
    streamlocalbindunlink syslogfacility tcpkeepalive tunneldevice updatehostkeys usekeychain versionaddendum
    visualhostkey warnweakcrypto xauthlocation protocol cipher compressionlevel useprivilegedport useroaming
    rsaauthentication rhostsrsaauthentication afstokenpassing kerberosauthentication
    kerberostgtpassing fallbacktorsh usersh globalknownhostsfile2 userknownhostsfile2
"""

fates: Mapping[str, Fate] = {
    keyword: fate
    for fate, words in (
        (Fate.USED, _used),
        (Fate.OTHER_WAY, _other_way),
        (Fate.NOT_DONE, _not_done),
        (Fate.MOOT, _moot),
    )
    for keyword in words.split()
}

other_names: Mapping[str, str] = {
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "smartcarddevice": "pkcs11provider",
    "keepalive": "tcpkeepalive",
}
"""Names that older versions had for them."""

collected = frozenset(
    "identityfile certificatefile sendenv setenv localforward remoteforward dynamicforward permitremoteopen".split()
)
"""Of which every one counts; of all others the first."""

lists = frozenset(
    """
    host match include userknownhostsfile globalknownhostsfile sendenv setenv localforward remoteforward ipqos
    rekeylimit
    canonicaldomains canonicalizepermittedcnames permitremoteopen channeltimeout logverbose
    """.split()
)
"""Which have several words; a second word behind any other is an error to ssh, as it is here."""

_off = frozenset({"no", "none", "false", "off", "0"})


def is_off(line: Line) -> bool:
    """Whether a line switches off what its keyword is for; of a command only `none` does."""
    word = line.words[0].lower()
    return word == "none" if line.keyword in raw_keywords else word in _off
