"""What a single value of hosts.yaml may look like, each refused in words of its own."""

import codecs
import datetime as dt
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from mcp_ssh.safety.patterns import PatternError, compile_pattern

_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")
_address = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:%-]{0,254}\Z")
_fingerprint = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_unsupported = {"powershell", "pwsh", "windows", "cmd", "cmd.exe"}


def _is_variable(value: str) -> str:
    if not _variable.match(value):
        # The value is not repeated: it may be the secret itself.
        raise PydanticCustomError("fault", "the NAME of an environment variable belongs here, never the secret itself")
    return value


def _is_pattern(value: str) -> str:
    try:
        compile_pattern(value)
    except PatternError as error:
        raise PydanticCustomError("fault", "{reason}", {"reason": str(error)}) from None
    return value


def is_address(value: str) -> bool:
    """Whether it has the form of a host name or an IP address."""
    return _address.match(value) is not None


def _is_address(value: str) -> str:
    if value.startswith("["):
        raise PydanticCustomError("fault", "an IPv6 address stands here without brackets; the port has its own key")
    if not is_address(value):
        raise PydanticCustomError("fault", "not a host name or IP address; user and port have keys of their own")
    return value


def _is_fingerprint(value: str) -> str:
    if not _fingerprint.match(value):
        raise PydanticCustomError(
            "fault", "a fingerprint looks like SHA256: and 43 characters, as ssh-keygen -l prints"
        )
    return value


def _is_shell(value: str) -> str:
    if value.lower() in _unsupported:
        raise PydanticCustomError(
            "fault", "Windows and PowerShell hosts are not supported; mcp-ssh works on POSIX hosts and network devices"
        )
    if value not in {"posix", "cli"}:
        raise PydanticCustomError("fault", "must be posix or cli")
    return value


def _is_regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise PydanticCustomError("fault", "not a regular expression: {reason}", {"reason": str(error)}) from None
    return value


def _is_charset(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise PydanticCustomError("fault", "is no character set that Python knows, such as latin-1") from None
    return value


def _is_absolute(value: str) -> str:
    if not value.startswith("/") or "\x00" in value or ".." in value.split("/"):
        raise PydanticCustomError("fault", "must be an absolute path without .. in it")
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("fault", "is no day such as 2027-01-31") from None
    return value


def is_base_url(value: str) -> bool:
    """Whether it is a URL of http or https with a host, and neither query nor fragment."""
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment


def _is_base_url(value: str) -> str:
    if not is_base_url(value):
        raise PydanticCustomError("fault", "must be a URL such as https://mcp.example.com")
    return value


EnvName = Annotated[str, AfterValidator(_is_variable)]
PatternText = Annotated[str, AfterValidator(_is_pattern)]
RegexText = Annotated[str, AfterValidator(_is_regex)]
Day = Annotated[dt.date, BeforeValidator(_day)]
CliLine = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
CharsetName = Annotated[str, AfterValidator(_is_charset), Field(max_length=50)]
Address = Annotated[str, AfterValidator(_is_address)]
Fingerprint = Annotated[str, AfterValidator(_is_fingerprint)]
ShellName = Annotated[str, AfterValidator(_is_shell), Field(json_schema_extra={"enum": ["posix", "cli"]})]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=1_024, le=1_073_741_824)]
Checking = Literal["strict", "accept-new", "off"] | bool
BaseUrl = Annotated[str, AfterValidator(_is_base_url)]
AbsolutePath = Annotated[str, AfterValidator(_is_absolute), Field(max_length=4_096)]
PathGlob = Annotated[str, Field(min_length=1, max_length=500)]
ConfirmName = Literal["auto", "human", "model", "never"]
Tag = Annotated[str, Field(min_length=1, max_length=50)]


class Entry(BaseModel):
    """A mapping of the file: what is not named is refused, and nothing is coerced."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
