from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mcp_ssh.model.errors import ConnectionFailedError, SessionLimitError, SessionLostError
from mcp_ssh.model.host import Limits
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.plan import Action, Close, Grant, Open, Plan, Refuse
from tests.support.hosts import host

WEB, DB = Seat(host("web")), Seat(host("db"))


def plan(max_sessions: int = 10, idle_timeout_s: float = 600) -> Plan:
    return Plan(max_sessions=max_sessions, idle_timeout_s=lambda _: idle_timeout_s)


def test_ten_callers_on_a_cold_host_make_one_opening_and_each_gets_the_session() -> None:
    pool = plan()
    assert pool.wanted(WEB, 0) == [Open(WEB)]
    assert [pool.wanted(WEB, ticket) for ticket in range(1, 10)] == [[]] * 9
    assert pool.opened(WEB, "s1", 0) == [Grant(ticket, "s1") for ticket in range(10)]


def test_a_failed_opening_is_told_to_all_who_wait_and_the_next_caller_tries_anew() -> None:
    pool = plan()
    pool.wanted(WEB, 0)
    pool.wanted(WEB, 1)
    error = ConnectionFailedError("refused")
    assert pool.failed(WEB, error) == [Refuse(0, error), Refuse(1, error)]
    assert pool.wanted(WEB, 2) == [Open(WEB)]


def test_a_changed_entry_never_gets_the_connection_of_the_old_one() -> None:
    pool = plan()
    pool.wanted(WEB, 0)
    pool.opened(WEB, "s1", 0)
    changed = Seat(host("web", user="root"))
    assert pool.wanted(changed, 1) == [Open(changed)]


def test_idle_time_counts_from_the_end_of_the_last_command_and_a_running_one_is_never_idle() -> None:
    pool = plan(idle_timeout_s=600)
    pool.wanted(WEB, 0)
    pool.opened(WEB, "s1", 0)
    assert pool.ticked(100_000) == []
    pool.released(WEB, "s1", 100_000)
    assert pool.ticked(100_599) == []
    assert pool.ticked(100_600) == [Close(WEB, "s1", "idle")]
    assert pool.wanted(WEB, 1) == [Open(WEB)]


def test_a_lost_session_is_forgotten_and_who_still_waits_gets_a_new_one() -> None:
    pool = plan()
    narrow = Seat(host("narrow", limits=Limits(max_concurrent=1)))
    pool.wanted(narrow, 0)
    pool.opened(narrow, "s1", 0)
    pool.wanted(narrow, 1)
    assert pool.lost(narrow, "s1") == [Open(narrow)]
    assert pool.released(narrow, "s1", 1) == []
    assert pool.opened(narrow, "s2", 1) == [Grant(1, "s2")]


def test_commands_beyond_max_concurrent_wait_in_order() -> None:
    pool = plan()
    narrow = Seat(host("narrow", limits=Limits(max_concurrent=2)))
    for ticket in range(4):
        pool.wanted(narrow, ticket)
    assert pool.opened(narrow, "s1", 0) == [Grant(0, "s1"), Grant(1, "s1")]
    assert pool.released(narrow, "s1", 1) == [Grant(2, "s1")]


def test_a_shell_is_lent_to_one_command_at_a_time() -> None:
    pool = plan()
    shell = Seat(WEB.host, "s-one")
    pool.wanted(shell, 0)
    pool.wanted(shell, 1)
    assert pool.opened(shell, "s1", 0) == [Grant(0, "s1")]
    assert pool.released(shell, "s1", 1) == [Grant(1, "s1")]


def test_what_a_host_takes_at_once_counts_over_its_shells_and_whoever_waits_elsewhere_is_next() -> None:
    pool = plan()
    narrow = Seat(host("narrow", limits=Limits(max_concurrent=1)))
    shell = Seat(narrow.host, "s-one")
    pool.wanted(narrow, 0)
    pool.opened(narrow, "s1", 0)
    pool.wanted(shell, 1)
    assert pool.opened(shell, "s2", 0) == []
    assert pool.released(narrow, "s1", 1) == [Grant(1, "s2")]
    pool.wanted(narrow, 2)
    assert pool.lost(shell, "s2") == [Grant(2, "s1")]


def test_at_the_limit_the_longest_idle_session_makes_room() -> None:
    pool = plan(max_sessions=2)
    for number, each in enumerate((WEB, DB)):
        pool.wanted(each, number)
        pool.opened(each, f"s{number}", 0)
        pool.released(each, f"s{number}", number)
    other = Seat(host("other"))
    assert pool.wanted(other, 9) == [Close(WEB, "s0", "evicted"), Open(other)]


def test_where_every_session_is_busy_the_next_host_is_refused() -> None:
    pool = plan(max_sessions=1)
    pool.wanted(WEB, 0)
    pool.opened(WEB, "s1", 0)
    [refused] = pool.wanted(DB, 1)
    assert isinstance(refused, Refuse)
    assert isinstance(refused.error, SessionLimitError)


def test_a_withdrawn_ticket_is_not_granted_and_the_opening_goes_on() -> None:
    pool = plan()
    pool.wanted(WEB, 0)
    pool.withdrawn(WEB, 0)
    assert pool.opened(WEB, "s1", 5) == []
    assert pool.ticked(605) == [Close(WEB, "s1", "idle")]


def test_a_session_that_nobody_waits_for_any_more_is_closed_when_it_opens() -> None:
    assert plan().opened(WEB, "s1", 0) == [Close(WEB, "s1", "no longer wanted")]


def test_sessions_of_hosts_that_are_not_what_they_were_close_when_their_commands_are_over() -> None:
    pool = plan()
    busy, idle, kept = WEB, DB, Seat(host("kept"))
    for number, each in enumerate((busy, idle, kept)):
        pool.wanted(each, number)
        pool.opened(each, f"s{number}", 0)
    pool.released(idle, "s1", 1)
    pool.released(kept, "s2", 1)
    why = "its host was changed or removed"
    assert pool.drained([kept.host]) == [Close(idle, "s1", why)]
    assert pool.released(busy, "s0", 2) == [Close(busy, "s0", why)]
    assert pool.ticked(3) == []


def test_a_stop_refuses_who_waits_and_closes_what_is_open() -> None:
    pool = plan()
    pool.wanted(WEB, 0)
    pool.opened(WEB, "s1", 0)
    pool.wanted(DB, 1)
    error = SessionLostError("stop")
    assert pool.stopped(error) == [Close(WEB, "s1", "stopped"), Refuse(1, error)]


class PoolMachine(RuleBasedStateMachine):
    """Random events; what must always hold is checked after each."""

    @initialize()
    def start(self) -> None:
        self.plan = Plan(max_sessions=3, idle_timeout_s=lambda _: 10)
        narrow = [host(name, limits=Limits(max_concurrent=2)) for name in "abc"]
        self.hosts = [*map(Seat, narrow), Seat(narrow[0], "s-one"), Seat(narrow[0], "s-two")]
        self.now = 0.0
        self.tickets = 0
        self.sessions = 0
        self.opening: list[Seat] = []
        self.open: dict[str, Seat] = {}
        self.lent: list[tuple[Seat, str]] = []
        self.answered: set[int] = set()
        self.leaning: set[int] = set()
        self.carried: list[tuple[Seat, str]] = []

    def follow(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Open(each):
                    assert each not in self.opening
                    self.opening.append(each)
                case Close(_, session, _):
                    assert all(held != session for _, held in (*self.lent, *self.carried))
                    del self.open[session]
                case Grant(ticket, session):
                    assert session in self.open
                    assert ticket not in self.answered
                    self.answered.add(ticket)
                    (self.carried if ticket in self.leaning else self.lent).append((self.open[session], session))
                case Refuse(ticket, _):
                    assert ticket not in self.answered
                    self.answered.add(ticket)

    @rule(index=st.integers(0, 4), carries=st.booleans())
    def want(self, index: int, carries: bool) -> None:
        self.tickets += 1
        if carries := carries and not self.hosts[index].shell:
            self.leaning.add(self.tickets)
        self.follow(self.plan.wanted(self.hosts[index], self.tickets, carries=carries))

    @rule(fails=st.booleans())
    def open_one(self, fails: bool) -> None:
        if self.opening:
            each = self.opening.pop(0)
            if fails:
                self.follow(self.plan.failed(each, ConnectionFailedError("no")))
            else:
                self.sessions += 1
                session = f"s{self.sessions}"
                self.open[session] = each
                self.follow(self.plan.opened(each, session, self.now))

    @rule(index=st.integers(0, 20))
    def release(self, index: int) -> None:
        if self.lent:
            each, session = self.lent.pop(index % len(self.lent))
            self.follow(self.plan.released(each, session, self.now))

    @rule(index=st.integers(0, 20))
    def end_carrying(self, index: int) -> None:
        if self.carried:
            each, session = self.carried.pop(index % len(self.carried))
            self.follow(self.plan.released(each, session, self.now, carried=True))

    @rule(index=st.integers(0, 20))
    def lose(self, index: int) -> None:
        if self.open:
            session = list(self.open)[index % len(self.open)]
            each = self.open.pop(session)
            self.lent = [row for row in self.lent if row[1] != session]
            self.carried = [row for row in self.carried if row[1] != session]
            self.follow(self.plan.lost(each, session))

    @rule(seconds=st.floats(0, 20))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.follow(self.plan.ticked(self.now))

    @invariant()
    def limits_hold(self) -> None:
        assert len(self.open) + len(self.opening) <= 3
        for session, seat in self.open.items():
            assert sum(held == session for _, held in self.lent) <= (1 if seat.shell else 2)
        for seat in self.hosts:
            assert sum(held.host == seat.host for held, _ in self.lent) <= 2


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
