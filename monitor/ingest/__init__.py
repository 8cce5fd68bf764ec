"""Turns Zoho's answers into the mirror's rows.

`run` takes an account's lease and starts a `sweep`, which reads the streams in the order of a table; `callbacks` makes
a read happen sooner. Below them lie the rooms, each of which may import those after it: `steps` (which flows are read,
in what order, and what becomes of each stream), `night` (checks, pruning), `history` (first readings), `runs` (one
flow's executions) beside `lists` (all that Zoho lists), and `base`.

One sweep per account at a time, by `base.lease`. Whatever happens, what was stored stays true: pages are stored
whole, and a flow counts as read only after its last page.
"""
