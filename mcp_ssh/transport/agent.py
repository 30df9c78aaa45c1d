"""The user's ssh-agent: it keeps keys, on a hardware token perhaps, and signs with them."""

import asyncio
import os

import asyncssh

from mcp_ssh.model.errors import SecretMissingError
from mcp_ssh.model.host import agent_variable
from mcp_ssh.model.loginerrors import NothingToOfferError
from mcp_ssh.ports import Secrets

agent_wait_s = 5.0


def agent_path(secrets: Secrets) -> str:
    """Where the socket of whoever asks is. Raises `NothingToOfferError`."""
    try:
        return secrets.get(agent_variable).reveal()
    except SecretMissingError:
        raise NothingToOfferError(
            f"no ssh-agent: {agent_variable} is not set", hint='eval "$(ssh-agent)"; ssh-add'
        ) from None


async def keys_of(path: str) -> tuple[asyncssh.SSHAgentClient, tuple[asyncssh.SSHKeyPair, ...]]:
    """The agent at that socket with its keys, which it keeps: it only signs with them."""
    if not await asyncio.to_thread(os.path.exists, path):
        raise NothingToOfferError(f"no ssh-agent at {path}", hint='eval "$(ssh-agent)"; ssh-add')
    try:
        async with asyncio.timeout(agent_wait_s):
            agent = await asyncssh.connect_agent(path)
            keys = tuple(await agent.get_keys())
    except (OSError, ValueError, TimeoutError) as error:
        raise NothingToOfferError(f"the ssh-agent at {path} does not answer ({error})", hint="ssh-add -l") from error
    if not keys:
        agent.close()
        raise NothingToOfferError(f"the ssh-agent at {path} has no key", hint="ssh-add KEY gives it one")
    return agent, keys
