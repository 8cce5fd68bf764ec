"""Turns Zoho's answers into the mirror's rows.

`run` takes an account's lease and starts a `sweep`, which walks the streams in order; `due_flows` says which flows
are worth a call, `sync_states` records how it went, `callbacks` makes a read happen sooner. Below them lie the rooms,
each of which may import those after it: `night` (checks, pruning), `history` (first readings), `runs` (one flow's
executions) beside `lists` (all that Zoho lists), and `base`.

One sweep per account at a time, by `base.lease`. Whatever happens, what was stored stays true: pages are stored
whole, and a flow counts as read only after its last page.
"""
