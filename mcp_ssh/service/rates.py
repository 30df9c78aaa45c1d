"""How often a token may ask for something on a host: by the minute and by the hour, each as a sliding window."""

from collections import deque

from mcp_ssh.model.errors import RateLimitedError
from mcp_ssh.model.principal import Principal, Via
from mcp_ssh.ports import Clock
from mcp_ssh.service.judge import Configured

minute_s, hour_s = 60.0, 3_600.0


class Rates:
    """Counts for each principal of the network; on stdio there is one user, and nobody to protect from him."""

    def __init__(self, configuration: Configured, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self._spent: dict[tuple[str, str], deque[float]] = {}

    def spend(self, principal: Principal, *, call: bool = True, command: bool = True) -> None:
        """Count one call, and one command; a call for many hosts is one, and a command on each of them.

        Raises `RateLimitedError` with the seconds after which there is room again; then nothing was counted.
        """
        settings = self._configuration.current.settings
        if principal.via is Via.STDIO or not settings.rate_limit_enabled:
            return
        now = self._clock.now()
        windows = [
            self._room(principal, now, what, window_s, most)
            for counts, what, window_s, most in (
                (call, "calls of this minute", minute_s, settings.calls_per_minute),
                (command, "commands of this hour", hour_s, settings.calls_per_hour),
            )
            if counts
        ]
        for window in windows:
            window.append(now)

    def _room(self, principal: Principal, now: float, what: str, window_s: float, most: int) -> deque[float]:
        """The window, in which there is room."""
        allowed = max(1, int(most * principal.rate_multiplier))
        spent = self._spent.setdefault((principal.name, what), deque())
        while spent and now - spent[0] >= window_s:
            spent.popleft()
        if len(spent) < allowed:
            return spent
        raise RateLimitedError(
            f"{principal.name} has made its {allowed} {what}; nothing was sent",
            hint=f"there is room again in {max(1, round(spent[-allowed] + window_s - now))} s",
        )
