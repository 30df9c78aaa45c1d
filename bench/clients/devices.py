"""The two libraries that people drive devices with, each as its documentation shows it."""

from typing import TYPE_CHECKING

from bench.clients.client import Target, address, answer_wait_s

if TYPE_CHECKING:
    from netmiko import BaseConnection
    from scrapli import Cli


class Netmiko:
    """netmiko's `cisco_ios`: what vtysh is modelled on; it has no class for vtysh itself."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._device: BaseConnection | None = None

    async def open(self) -> None:
        """Log in and prepare the session."""
        from netmiko import ConnectHandler  # noqa: PLC0415  only the venv of the bench has it

        login = {"username": self._target.user, "use_keys": True, "key_file": self._target.key_path}
        self._device = ConnectHandler(device_type="cisco_ios", host=address, port=self._target.port, **login)

    async def run(self, command: str) -> bytes:
        """What it printed, without the echo and the prompt."""
        assert self._device is not None  # noqa: S101  open was called
        return str(self._device.send_command(command)).encode()

    async def close(self) -> None:
        """Close the connection."""
        if self._device is not None:
            self._device.disconnect()


class Scrapli:
    """scrapli's own definition of vtysh, on its libssh2 transport."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._device: Cli | None = None

    async def open(self) -> None:
        """Log in and find the prompt."""
        from scrapli import AuthOptions, Cli, SessionOptions, TransportSsh2Options  # noqa: PLC0415  as above

        self._device = Cli(
            address,
            port=self._target.port,
            definition_file_or_name="cumulus_vtysh",
            auth_options=AuthOptions(username=self._target.user, private_key_path=self._target.key_path),
            session_options=SessionOptions(operation_timeout_s=int(answer_wait_s)),
            transport_options=TransportSsh2Options(),
        )
        self._device.open()

    async def run(self, command: str) -> bytes:
        """What it printed, without the echo and the prompt."""
        assert self._device is not None  # noqa: S101  open was called
        result = self._device.send_input(command)
        if result.failed:
            raise RuntimeError(f"{command} failed")
        return str(result.result).encode()

    async def close(self) -> None:
        """Close the connection."""
        if self._device is not None:
            self._device.close()
