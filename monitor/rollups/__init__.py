"""Executions → counts per flow and hour.

`fold` counts rows, `lineage` knows which rows are retries of which (both pure), `rebuild` takes the dirty
hours off their table and writes the buckets. Charts and alerts read the buckets and never the rows.
"""
