"""Zoho's answers become the mirror's rows.

`sweep` walks the streams in order; `flows`, `executions`, `connections` and `rules` each ask, decide and
store one of them; `decide` and `accounting` hold the decisions, pure. One sweep per account at a time, by
`lease`. Whatever happens, what was stored stays true: pages are stored whole, and a flow counts as read
only after its last page.
"""
