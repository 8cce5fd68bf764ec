"""Finds rules that may trigger each other: each writes a field whose change starts the next one.

Whether Zoho stops such a chain is not documented. A rule that would start itself alone is not counted: rules of edits
that update a field are common, and Zoho does not run them twice for one edit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts, FieldWrite
from monitor.rule_audit.finding import NotChecked, RuleFinding, found
from monitor.rule_criteria.evaluate import evaluate
from monitor.rule_criteria.field_kinds import FieldKind, Kinds
from monitor.rule_criteria.values import is_empty, number_in
from monitor.rule_words.vocabulary import trigger_name
from monitor.zoho.shapes.rule_definition import Criteria, RuleDefinition, comparisons

EDITS = frozenset({"edit", "create_or_edit"})
WATCHING = frozenset({"field_update", "section_update"})  # started by an update of the fields that their criteria name
# Started by something that is no update of a record's fields: an update of fields never starts these.
NO_UPDATES = frozenset({"create", "delete", "missed_call"})
NO_UPDATES_BEGIN, NO_UPDATES_END = ("email_received", "mail_sent", "fb_", "tw_"), ("_ring", "_start")
MOST_NAMED = 10
MOST_CIRCLES = 5
Edges = dict[int, dict[int, str]]


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds circles of two rules and more within an account."""
    of_accounts: dict[int, list[AuditedRule]] = defaultdict(list)
    for rule in facts.active():
        if rule.definition is not None:
            of_accounts[rule.account_id].append(rule)
    for account_id, rules in of_accounts.items():
        account = facts.accounts[account_id]
        edges = _edges(rules, account)
        for group in groups(edges):
            yield _finding(account, rules, group, edges)


def _finding(account: AccountFacts, rules: list[AuditedRule], group: list[int], edges: Edges) -> RuleFinding:
    walks = circles(group, edges)
    left = len(group) - len({place for walk in walks for place in walk})
    named = [_named([rules[place].name for place in walk]) for walk in walks]
    of_same = ngettext("%(n)s more rule of the same circle", "%(n)s more rules of the same circle", left)
    more = [of_same % {"n": left}] if left else []
    fields = sorted({edges[one][other] for walk in walks for one, other in _steps(walk)})
    return found(
        "cycle",
        account,
        [rules[place] for place in group],
        _("%(circles)s, by updates of %(fields)s.")
        % {"circles": "; ".join([*named, *more]), "fields": ", ".join(fields)},
        _("Narrow the criteria of one of them, so that what the others write does not start it again."),
        [
            sorted(rules[place].rule_id for place in group),
            [[rules[place].rule_id for place in walk] for walk in walks],
            fields,
        ],
    )


def _named(names: list[str]) -> str:
    more = [_("%(n)s more") % {"n": len(names) - MOST_NAMED}] if len(names) > MOST_NAMED else []
    return " → ".join([*names[:MOST_NAMED], *more, names[0]])


def _steps(walk: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Walks the steps of a circle, the last of which leads back."""
    return zip(walk, [*walk[1:], walk[0]], strict=True)


def _edges(rules: list[AuditedRule], account: AccountFacts) -> Edges:
    """Finds which rule may start which other one, and by which field."""
    edges: Edges = defaultdict(dict)
    starters: dict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(rules):
        if rule.trigger in EDITS | WATCHING:
            starters[_started_by(rule)].append(place)
    started: dict[tuple[str, str, str], list[int]] = {}
    for place, rule in enumerate(rules):
        # An update writes the rule's own record: it is no edit of a related one.
        for write in writes_of(rule.definition, account.writes):
            key = (rule.module, write.field, repr(write.value))
            if key not in started:
                started[key] = [other for other in starters[rule.module] if starts(write, rules[other])]
            for other in started[key]:
                if other != place:
                    edges[place].setdefault(other, write.field)
    return edges


def _started_by(rule: AuditedRule) -> str:
    """Returns the module whose records start a rule: its own, where nothing else is said."""
    return (rule.definition.trigger.module if rule.definition is not None else "") or rule.module


def writes_of(definition: RuleDefinition | None, writes: Mapping[str, FieldWrite] | None) -> list[FieldWrite]:
    """Returns what a rule's actions write into its own record, as far as is known."""
    actions = definition.actions if definition is not None else ()
    known = [(writes or {}).get(action.id) for action in actions if action.type == "field_updates"]
    found_writes = [write for write in known if write is not None and write.field]
    if any(action.type == "assign_owner" for action in actions):
        found_writes.append(FieldWrite("Owner"))
    return found_writes


def starts(write: FieldWrite, rule: AuditedRule) -> bool:
    """Says whether a field update may start a rule: it may where nothing that is known speaks against it."""
    definition = rule.definition
    if definition is None:
        return False
    trigger = definition.trigger
    if rule.trigger in WATCHING and write.field not in _watched(definition):
        return False
    if is_empty(write.value):
        return True
    if not _may_pass(trigger.criteria, write) and not _any_value(definition, write.field):
        return False
    conditions = definition.conditions
    if _started_by(rule) != rule.module:  # what its conditions look at is of the rule's own record, and not written
        return True
    return not conditions or any(_may_pass(part.criteria, write) for part in conditions)


def _may_pass(criteria: Criteria | None, write: FieldWrite) -> bool:
    """Says whether a record may pass criteria once a field is written; on which day that is, is not known."""
    # Of which kind the field is, is not known either: what reads as a number may be one.
    kinds: list[Kinds] = [{}]
    if number_in(write.value) is not None:
        kinds += [{write.field: FieldKind.NUMBER}, {write.field: FieldKind.TEXT}]
    return any(evaluate(criteria, {write.field: write.value}, kind, None).passes is not False for kind in kinds)


def _watched(definition: RuleDefinition) -> set[str]:
    """Returns the fields whose update starts a rule."""
    named = {one.field for one in comparisons(definition.trigger.criteria)}
    field = definition.trigger.details.get("field")
    name = field.get("api_name") if isinstance(field, Mapping) else field
    return named | ({name} if isinstance(name, str) else set())


def _any_value(definition: RuleDefinition, field: str) -> bool:
    """Says whether a trigger asks for no certain value."""
    return any(
        one.field == field and isinstance(one.value, str) and one.value.startswith("${")
        for one in comparisons(definition.trigger.criteria)
    )


def groups(edges: Edges) -> list[list[int]]:
    """Finds groups in which each can be reached from each other, of two and more: Tarjan's algorithm."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found_groups = []
    for root in list(edges):
        if root in order:
            continue
        work = [(root, iter(edges.get(root, {})))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, following = work[-1]
            follower = next(following, None)
            if follower is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found_groups.append(_taken(stack, on_stack, node))
            elif follower not in order:
                order[follower] = low[follower] = len(order)
                stack.append(follower)
                on_stack.add(follower)
                work.append((follower, iter(edges.get(follower, {}))))
            elif follower in on_stack:
                low[node] = min(low[node], order[follower])
    return [sorted(group) for group in found_groups if len(group) > 1]


def _taken(stack: list[int], on_stack: set[int], node: int) -> list[int]:
    group = []
    while True:
        top = stack.pop()
        on_stack.discard(top)
        group.append(top)
        if top == node:
            return group


def circles(group: list[int], edges: Edges) -> list[list[int]]:
    """Finds circles in a group, each step of which is there: for each member that is in none yet the shortest.

    No more than `MOST_CIRCLES`: a group may hold more of them than anybody reads.
    """
    walks: list[list[int]] = []
    met: set[int] = set()
    for place in group:
        if place not in met and len(walks) < MOST_CIRCLES:
            walks.append(_shortest(place, set(group), edges))
            met.update(walks[-1])
    return walks


def _shortest(start: int, members: set[int], edges: Edges) -> list[int]:
    """Finds the shortest way from a member of a group back to it; it begins with the least of them."""
    came_from: dict[int, int] = {}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for other in edges.get(place, {}):
            if other == start:
                walk = [place]
                while walk[-1] != start:
                    walk.append(came_from[walk[-1]])
                least = walk.index(min(walk))
                return [*walk[least::-1], *walk[:least:-1]]
            if other in members and other not in came_from:
                came_from[other] = place
                waiting.append(other)
    raise ValueError(f"{start} cannot be reached from itself")


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says of which rules that write a field it is not known whether an update of a field starts them."""
    counted: dict[tuple[int, str, str], int] = defaultdict(int)
    for rule in facts.active():
        why = _why_not_known(rule)
        if why and writes_of(rule.definition, facts.accounts[rule.account_id].writes):
            counted[rule.account_id, trigger_name(rule.trigger), why] += 1
    for (account_id, trigger, why), count in sorted(counted.items()):
        if trigger:
            what = ngettext("cycles by %(n)s rule on “%(trigger)s”", "cycles by %(n)s rules on “%(trigger)s”", count)
        else:
            what = ngettext(
                "cycles by %(n)s rule whose trigger was not said",
                "cycles by %(n)s rules whose trigger was not said",
                count,
            )
        what %= {"n": number(count), "trigger": trigger}
        yield NotChecked(account_id, facts.accounts[account_id].name, what, why)


def _why_not_known(rule: AuditedRule) -> str:
    is_apart = rule.trigger.startswith(NO_UPDATES_BEGIN) or rule.trigger.endswith(NO_UPDATES_END)
    if rule.definition is None or is_apart or rule.trigger in EDITS | NO_UPDATES:
        return ""
    if rule.trigger not in WATCHING:
        return _("whether an update of a field starts them is not documented")
    return "" if _watched(rule.definition) else _("which fields start them is not said in the rule")
