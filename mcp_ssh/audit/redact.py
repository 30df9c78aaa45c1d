"""Keeps secrets out of records: known values, and what looks like one by where it stands.

Pure and linear (RE2). A secret becomes `[redacted]`; redacting twice changes nothing more. It is a net, not a proof: a
secret in an unusual place of a command line is recorded. Secrets belong into variables, which are never recorded.
"""

import re
from collections.abc import Sequence

import re2

from mcp_ssh.audit.record import secret_mark

mark = secret_mark
shortest_known = 4
most_passes = 8

_value = r"""(?:"[^"]*"|'[^']*'|[^\s;|&"'<>()]+)"""

# Each rule: the part before the secret is kept (group 1), the secret goes.
_rules = tuple(
    re2.compile(pattern)
    for pattern in (
        # options with a value: --password X, --password=X, --token ...
        rf"(?i)(--?(?:password|passwd|passphrase|token|secret|api[-_]?key|access[-_]?key|auth[-_]?token)(?:\s+|=))({_value})",
        # programs whose own options take one: sshpass, curl, and mysql with its kin
        rf"(\bsshpass\s+(?:-\w+\s+)*?-p\s*)({_value})",
        rf"(\bcurl\b[^|;&\n]*?\s(?:-u|--user)[\s=]+[^\s:;|&]+:)({_value})",
        rf"(\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^|;&\n]*?\s-p)({_value})",
        # assignments: PASSWORD=X, DB_PASSWORD=X, GITHUB_TOKEN=X
        rf"(?i)(\b(?:[a-z0-9]+_)*(?:password|passwd|passphrase|pgpassword|secret|token|api_?key|access_?key)\s*[=]\s*)({_value})",
        # headers
        r"(?i)(\b(?:authorization|proxy-authorization)\s*:\s*(?:(?:bearer|basic|token)\s+)?)([^\s\"';|&]+)",
        r"(?i)(\bx-(?:api-key|auth-token)\s*:\s*)([^\s\"';|&]+)",
        # a login inside of a URL
        r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]+:)([^/\s@]+)(?:@)",
        # network devices
        r"(?i)(\benable\s+(?:secret|password)\s+(?:level\s+\d+\s+)?(?:\d+\s+)?)([^\s\d]\S*|\d\S+)",
        r"(?i)(\busername\s+\S+\s+(?:privilege\s+\d+\s+)?(?:secret|password)\s+(?:\d+\s+)?)([^\s\d]\S*|\d\S+)",
        r"(?i)(\b(?:snmp-server|snmp-agent|snmp)\s+(?:set\s+)?community\s+(?:(?:read|write|add|name)\s+)*(?:(?:cipher|simple|\d)\s+)?)(\S+)",
        r"(?i)(\bsnmp-server\s+host\s+\S+\s+(?:(?:traps|informs)\s+)?(?:version\s+\S+\s+)?)([^\s\d]\S*)",
        r"(?i)(\b(?:pre-shared-key|pre-share-key|shared-secret|key-string|wpa-psk|psksecret|md5-key|authentication-key|message-digest-key\s+\d+\s+md5|md5)\s+(?:(?:ascii-text|ascii|hexadecimal|local|remote|cipher|plain|simple|encrypted|\d)\s+)*)([^\s;]+)",
        r"(?i)(\b(?:tacacs-server|radius-server|tacacs|radius)\b[^\n|;]*?\s(?:key|secret|shared-key|shared-secret)\s+(?:(?:cipher|simple|\d)\s+)?)([^\s;]+)",
        r"(?i)(\b(?:isakmp|ikev2|eigrp|ospf|hsrp|vrrp|standby\s+\d+\s+authentication|neighbor\s+\S+)\s+(?:key|password|authentication\s+text)\s+(?:(?:cipher|simple|\d)\s+)?)([^\s;]+)",
        r"(?i)(\b(?:ppp\s+(?:chap|pap\s+sent-username\s+\S+)|authentication)\s+password\s+(?:\d\s+)?)([^\s;]+)",
        r"(?i)(\b(?:plain-text-password-value|encrypted-password|set\s+(?:password|passwd|secret))\s+)([^\s;]+)",
        r"(?i)(\b(?:local-user|local-aaa-user)\s+\S+\s+password\s+(?:(?:irreversible-cipher|cipher|simple|hash)\s+)?)([^\s;]+)",
        # chpasswd and its kin take user:password on a line
        r"(\becho\s+[\"']?\w+:)([^\s\"'|]+)(?:[\"']?\s*\|\s*(?:sudo\s+)?chpasswd)",
    )
)

_whole = tuple(
    re2.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
        r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}\b",
        r"\bgithub_pat_[A-Za-z0-9_]{20,}\b",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\bsk-[A-Za-z0-9_-]{20,}",
    )
)


_hint = re2.compile(
    r"(?i)pass|pwd|secret|token|key|auth|community|://|\bcurl\b|mysql|mariadb|private|gh[pousr]_|github_pat_|glpat-"
    r"|xox[abprs]-|AKIA|ASIA|\bsk-|snmp|psk|md5|neighbor|eigrp|ospf|hsrp|vrrp|standby|tacacs|radius|cipher|isakmp|ikev2"
)
"""Every rule wants one of these: most texts have none, and are done with one look."""


def redact(text: str, known: Sequence[str] = ()) -> str:
    """The text without secrets. `known` are values that we hold ourselves; very short ones only as whole words."""
    for _ in range(most_passes):  # what one rule takes away can lay another secret bare
        before, text = text, _pass(text, known)
        if text == before:
            break
    return text


def _pass(text: str, known: Sequence[str]) -> str:
    for value in sorted(known, key=len, reverse=True):
        text = _without(text, value)
    if _hint.search(text) is None:
        return text
    for pattern in _whole:
        text = pattern.sub(mark, text)
    for rule in _rules:
        text = rule.sub(_replace, text)
    return text


def _replace(found: "re2._Match") -> str:
    if found.group(2).strip("\"'") in {mark, ""} or found.group(2).lstrip('"').startswith("$"):
        return str(found.group(0))  # redacted already, or a variable: its name is no secret
    start, end = found.span(2)
    whole = found.group(0)
    return f"{whole[: start - found.start()]}{mark}{whole[end - found.start() :]}"


def _without(text: str, value: str) -> str:
    if not value or value in mark:
        return text
    if len(value) >= shortest_known * 2:
        return text.replace(value, mark)
    if len(value) < shortest_known:
        return text
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _: mark, text)
