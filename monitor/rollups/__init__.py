"""Counts executions per flow and hour, and per flow and day.

| file             | does                                                            |
|------------------|-----------------------------------------------------------------|
| recount.py       | takes the dirty hours off their table and recounts them         |
| read.py          | reads the rows that a recount needs                             |
| count_runs.py    | counts the rows of an hour (pure)                               |
| retry_chains.py  | finds which executions are retries of which (pure)              |
| write.py         | writes the buckets of hours and of their days                   |
| account_totals.py| keeps the sums of accounts in step with them                    |
| prune.py         | deletes hour buckets that have outlived their age               |

Charts and alerts read the buckets and never the rows.
"""
