"""Holds the whole organisation: flows, connections, rules, records, settings and tokens, moved by one clock."""

from datetime import datetime, timedelta

from standin.accounts.tokens import TokenDesk
from standin.clock import Clock
from standin.crm.beginnings import actions_of_the_rules, connected_workflows
from standin.crm.records import Records
from standin.crm.rule_edits import RuleEdits
from standin.crm.rules import RuleBook
from standin.crm.store import Store
from standin.flow.book import FlowBook
from standin.flow.edits import FlowEdits
from standin.flow.events import FlowEvents
from standin.flow.flows import Flow
from standin.habits import Habits
from standin.journal import Journal
from standin.journaled import Journaled, WorldSettings


class World(Journaled):
    """Holds an invented organisation. Everything that changes it goes through `do`, so that a journal can repeat it."""

    def __init__(self, settings: WorldSettings, *, clock: Clock, habits: Habits, journal: Journal) -> None:
        """Sets up the parts and hand them to each other, then repeat what the journal holds."""
        super().__init__(settings, clock=clock, habits=habits, journal=journal)
        self.book = FlowBook(self)
        FlowEvents(self, self.book)
        FlowEdits(self, self.book)
        self.tokens = TokenDesk(self)
        self.records = Records(self)
        self.rules = RuleBook(self)
        RuleEdits(self, self.rules)
        self.store = Store(self)
        actions_of_the_rules(self.rules, self.store)
        connected_workflows(self, self.store)
        self.flows, self.connections = self.book.flows, self.book.connections
        self.webhooks, self.retries = self.book.webhooks, self.book.retries
        self.replay()

    def flow(self, flow_id: str) -> Flow:
        """Returns the flow with this id, lived up to now; RefusalError FLOW_NOT_FOUND."""
        flow = self.book.find(flow_id)
        flow.auto_reruns = self.habits.auto_reruns
        flow.advance(self.now())
        return flow

    def role(self, role: str) -> Flow | None:
        """Returns the first flow that plays this part: sick, silent, broken, inactive or flaky."""
        return next((flow for flow in self.flows.values() if flow.template.role == role), None)

    def advance(self, now: datetime) -> None:
        """Lets every flow live up to `now`."""
        for flow in self.flows.values():
            flow.auto_reruns = self.habits.auto_reruns
            flow.advance(now)

    def go_bad(self, kind: str, *, fixed_by_retry: bool, after: float = 0) -> None:
        """Lets the flow with the role "sick" go bad in `after` seconds (see `standin.flow.goes_bad`)."""
        sick = self.role("sick")
        if sick is not None:
            begins = (self.now() + timedelta(seconds=after)).isoformat()
            self.do("break_flow", flow_id=sick.flow_id, kind=kind, fixed_by_retry=fixed_by_retry, begins=begins)
