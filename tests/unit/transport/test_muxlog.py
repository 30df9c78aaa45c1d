"""What a client of ssh's master tells before it ends: whether its command may have left."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from mcp_ssh.model.errors import ChannelRefusedError, SessionLostError
from mcp_ssh.transport.muxlog import stood

MET = "debug2: mux_client_hello_exchange: master version 4\r\n"


class Ended:
    """A client that is over."""

    returncode = 255


async def told(folder: Path, text: str | None) -> None:
    log = folder / "log"
    if text is not None:
        log.write_text(text)
    await stood(cast("asyncio.subprocess.Process", Ended()), log)


async def test_a_channel_that_stands_stands_though_its_client_is_over(tmp_path: Path) -> None:
    await told(tmp_path, MET + "debug1: mux_client_request_session: master session id: 2\r\n")


async def test_a_refused_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChannelRefusedError):
        await told(
            tmp_path, MET + "mux_client_request_session: session request failed: Session open refused by peer\r\n"
        )


@pytest.mark.parametrize(
    ("text", "sent"),
    [(None, False), ("Control socket connect(/x): Connection refused\r\n", False), (MET, True)],
    ids=["no word", "never met", "met"],
)
async def test_who_met_a_master_that_died_may_have_sent_it(tmp_path: Path, text: str | None, sent: bool) -> None:
    with pytest.raises(SessionLostError) as lost:
        await told(tmp_path, text)
    assert lost.value.sent is sent
