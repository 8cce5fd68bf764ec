"""Counts executions per flow and hour, and per flow and day.

| file                  | does                                                       |
|-----------------------|------------------------------------------------------------|
| recount.py            | takes the dirty hours off their table and recounts them    |
| read.py               | reads the rows that a recount needs                        |
| success_rate.py       | counts the rows of an hour, a run and its retries once (pure) |
| run_time_histogram.py | counts how long runs took, in bins; percentiles (pure)     |
| retry_chains.py       | finds which executions are retries of which (pure)         |
| write.py              | writes the buckets of hours and of their days              |
| account_totals.py     | keeps the sums of accounts in step with them               |
| prune.py              | deletes hour buckets that have outlived their age          |

Charts and alerts read the buckets and never the rows.
"""
