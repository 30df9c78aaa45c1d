"""An ssh-agent with a FIDO key in software: the wire of PROTOCOL.agent and the signatures of PROTOCOL.u2f."""

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KIND, APPLICATION = b"sk-ssh-ed25519@openssh.com", b"ssh:"
touched, counter = b"\x01", b"\x00\x00\x00\x07"


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


class FidoAgent:
    """Its one key. `signed` counts how often it was touched."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.signed = 0

    @property
    def blob(self) -> bytes:
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _text(KIND) + _text(public) + _text(APPLICATION)

    def answer(self, request: bytes) -> bytes:
        """What comes for a request: the list of identities, or a signature."""
        if request[:1] == b"\x0b":
            return b"\x0c" + struct.pack(">I", 1) + _text(self.blob) + _text(b"fido")
        size = struct.unpack(">I", request[1:5])[0]
        rest = request[5 + size :]
        data = rest[4 : 4 + struct.unpack(">I", rest[:4])[0]]
        self.signed += 1
        over = hashlib.sha256(APPLICATION).digest() + touched + counter + hashlib.sha256(data).digest()
        return b"\x0e" + _text(_text(KIND) + _text(self._key.sign(over)) + touched + counter)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                writer.write(_text(self.answer(await reader.readexactly(size))))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    @asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        """The agent at that socket."""
        server = await asyncio.start_unix_server(self._serve, path)
        try:
            yield
        finally:
            server.close()
