"""The format of hosts.yaml, strict: what is not here is refused, and nothing is coerced.

Run as a module it prints the JSON schema for editors. Durations are in seconds, sizes in bytes.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_ssh.config.fields import BaseUrl, Day, Entry, EnvName, Tag
from mcp_ssh.config.hostentry import CredentialEntry, DefaultsEntry, HostEntry
from mcp_ssh.config.policy import PolicyEntry
from mcp_ssh.config.settingsentry import SettingsEntry
from mcp_ssh.config.tunnels import TunnelListenerEntry


class TokenEntry(Entry):
    """A named token of the network faces."""

    token_env: EnvName | None = Field(None, description="Environment variable with the token")
    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 of the token, in hex: printf %s TOKEN | sha256sum"
    )
    permissions: list[Literal["execute", "read", "write", "install", "manage", "override"]] = Field(
        ["execute", "read"], description="override: the model may confirm what is dangerous"
    )
    allowed_hosts: list[str] = Field(["*"], description="Globs of host names that the token sees")
    allowed_tags: list[Tag] = Field([], description="Hosts with one of these tags are seen as well")
    rate_limit_multiplier: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 1.0
    expires: Day | None = Field(None, description="The first day (UTC) on which it is not valid any more")
    enabled: bool = True

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if (self.token_env is None) == (self.token_sha256 is None):
            raise PydanticCustomError("fault", "needs token_env or token_sha256, one of them", {"at": "token_env"})
        return self


class RateLimitEntry(Entry):
    """How often a token may ask for something on a host."""

    enabled: bool = True
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    commands_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 500


class ServerEntry(Entry):
    """Where MCP is served; variables of the environment come before it."""

    transport: Literal["stdio", "sse", "http", "sse+http"] = "stdio"
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    public_base_url: BaseUrl | None = Field(None, description="How clients reach it through a proxy")
    allowed_origins: list[BaseUrl] = Field([], description="Origins of web pages that may call, beside its own")


TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]


class HostsFile(Entry):
    """hosts.yaml of mcp-ssh."""

    version: Literal[1] = 1
    defaults: DefaultsEntry | None = Field(None, description="Merged under every host")
    credentials: dict[str, CredentialEntry] = Field({}, description="Shared logins, by name")
    hosts: dict[str, HostEntry] = Field({}, description="The hosts, by name")
    tokens: dict[TokenName, TokenEntry] = Field({}, description="Named tokens, by name; for the network faces")
    rate_limit: RateLimitEntry | None = None
    settings: SettingsEntry | None = None
    server: ServerEntry | None = None
    tunnel_listener: TunnelListenerEntry | None = Field(None, description="Where devices dial in with ssh -R")
    policy: PolicyEntry | None = None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | HostsFile.model_json_schema()


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))  # noqa: T201
