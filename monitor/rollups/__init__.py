"""Executions → counts per flow and hour, and per flow and day.

`fold` counts rows, `classes` knows the kinds of error, `lineage` which rows are retries of which (all pure);
`rebuild` takes the dirty hours off their table, `read` reads what they need, `write` writes the buckets of the hours
and of their days. Charts and alerts read the buckets and never the rows.
"""
