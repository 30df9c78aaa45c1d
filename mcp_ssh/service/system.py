"""What kind of machine a POSIX host is, and how its services are: questions whose commands only read."""

from dataclasses import dataclass

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.ports import AuditSink
from mcp_ssh.service import records
from mcp_ssh.service.authorize import needs
from mcp_ssh.service.facts import facts_of
from mcp_ssh.service.judge import Configured
from mcp_ssh.service.keptfacts import KeptFacts, Told
from mcp_ssh.service.names import service_name
from mcp_ssh.service.request import request_of
from mcp_ssh.service.steps import Call, Steps, question_s, text_of
from mcp_ssh.service.survey import Init, Kind, Sections, kind_of, probe, sections_of, survey
from mcp_ssh.service.units import Unit, question, unit_of


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What is known of a host, how old that is in seconds, and whether it was asked just now."""

    host: str
    told: Told
    age_s: float
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service of a host. `init` is empty where nothing there starts services that can be asked."""

    host: str
    name: str
    init: str
    unit: Unit
    notes: tuple[str, ...] = ()


class System:
    """Asks, and keeps what was told for a while."""

    def __init__(self, *, configuration: Configured, steps: Steps, kept: KeptFacts, audit: AuditSink) -> None:
        self._configuration = configuration
        self._steps = steps
        self._kept = kept
        self._audit = audit

    async def info(self, caller: Caller, host: str, *, refresh: bool = False, confirmed: bool = False) -> Surveyed:
        """The facts of a host: those that are kept, or with `refresh` and where there are none, new ones."""
        call = Call(caller, Operation.SYSTEM_INFO, host, confirmed)
        told = None if refresh else self._told(call)
        if told is not None and told.facts is not None:
            await self._audit.append(Event.ASKED.value, records.of_request(request_of(caller, call.operation, host)))
            return Surveyed(host, told, self._kept.age_s(told), is_fresh=False)
        result = await self._steps.ask(call, survey)
        sections = sections_of(text_of(result.stdout))
        told = self._keep(host, sections, _notes(result, sections), has_facts=True)
        return Surveyed(host, told, 0.0, is_fresh=True)

    async def status(self, caller: Caller, host: str, service: str, *, confirmed: bool = False) -> ServiceState:
        """One service of a host. Raises `InvalidArgumentError` for what can be no name of one."""
        call, name = Call(caller, Operation.SERVICE_STATUS, host, confirmed), service_name(service)
        init = (await self.kind(call)).init
        if init is None:
            return ServiceState(host, name, "", Unit(exists=None), ("the host has nothing that starts services",))
        if "\\" in name and init is not Init.SYSTEMD:
            raise InvalidArgumentError(
                f"{name!r} is a name as only systemd writes them, and {host} has {init.value}; nothing was sent",
                hint="give the name of the service there",
            )
        result = await self._steps.ask(call, question(init, name))
        stdout, stderr = text_of(result.stdout), text_of(result.stderr)
        unit = unit_of(init, name, stdout, stderr, result.exit_code)
        return ServiceState(host, name, init.value, unit, _complaints(unit, result, stderr))

    async def kind(self, call: Call) -> Kind:
        """What kind of machine it is, as it is known, or asked now as a step of the call."""
        told = self._told(call)
        if told is not None:
            return told.kind
        result = await self._steps.ask(call, probe)
        sections = sections_of(text_of(result.stdout))
        return self._keep(call.host, sections, (), has_facts=False).kind

    def _told(self, call: Call) -> Told | None:
        """What is known of a host, if the caller may ask it himself; if not, the pipeline says why."""
        host, principal = self._host(call.host), call.caller.principal
        if host is None or not host.enabled or not principal.sees(host) or not principal.may(needs[call.operation]):
            return None
        return self._kept.get(host, self._configuration.current.policy)

    def _keep(self, name: str, sections: Sections, notes: tuple[str, ...], *, has_facts: bool) -> Told:
        kind, facts = kind_of(sections), facts_of(sections) if has_facts else None
        host = self._host(name)
        if host is None or not sections or notes:  # gone meanwhile, or not the whole truth: told, and not kept
            return self._kept.told(kind, facts, notes)
        return self._kept.keep(host, self._configuration.current.policy, self._kept.told(kind, facts, notes))

    def _host(self, name: str) -> Host | None:
        return self._configuration.current.inventory.hosts.get(name)


def _notes(result: CommandResult, sections: Sections) -> tuple[str, ...]:
    notes = []
    if result.outcome is Outcome.TIMED_OUT:
        after = f" after `{[*sections][-1]}`" if sections else ""
        notes.append(
            f"the host stopped answering{after}: {question_s:g} s or its own limit were over; the rest is missing"
        )
    if result.stdout.omitted:
        notes.append(f"{result.stdout.omitted} bytes of the answer are missing")
    if not sections:
        notes.append("nothing of the answer was understood; the login may not have a POSIX shell, or a forced command")
    return tuple(notes)


def _complaints(unit: Unit, result: CommandResult, stderr: str) -> tuple[str, ...]:
    """What the host said where it did not say how the service is."""
    if result.outcome is Outcome.TIMED_OUT:
        return ("the host did not answer in time",)
    if result.stdout.omitted:
        return (f"{result.stdout.omitted} bytes of the answer are missing",)
    if unit.exists is False or (unit.exists and unit.is_active is not None):
        return ()
    said = stderr.strip()[:500]
    return (f"the host says: {said}",) if said else ()
