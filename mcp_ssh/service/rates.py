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
        self._calls: dict[str, deque[float]] = {}

    def spend(self, principal: Principal) -> None:
        """Count one call. Raises `RateLimitedError` with the seconds after which there is room again."""
        settings = self._configuration.current.settings
        if principal.via is Via.STDIO or not settings.rate_limit_enabled:
            return
        now = self._clock.now()
        calls = self._calls.setdefault(principal.name, deque())
        while calls and now - calls[0] >= hour_s:
            calls.popleft()
        for window_s, most in ((minute_s, settings.calls_per_minute), (hour_s, settings.calls_per_hour)):
            allowed = max(1, int(most * principal.rate_multiplier))
            if len(calls) >= allowed and now - calls[-allowed] < window_s:
                raise self._refused(principal, allowed, window_s, calls[-allowed] + window_s - now)
        calls.append(now)

    @staticmethod
    def _refused(principal: Principal, allowed: int, window_s: float, wait_s: float) -> RateLimitedError:
        window = "minute" if window_s == minute_s else "hour"
        return RateLimitedError(
            f"{principal.name} has made its {allowed} calls of this {window}; nothing was sent",
            hint=f"there is room again in {max(1, round(wait_s))} s",
        )
