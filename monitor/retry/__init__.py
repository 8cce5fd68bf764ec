"""Passes a person's wish to retry an execution on to Zoho, and finds out what became of it.

A retry is not idempotent, so once too few beats once too often.

| file            | does                                                                            |
|-----------------|---------------------------------------------------------------------------------|
| verdict.py      | decides whether an execution may be retried, and how sure that is (pure)        |
| requests.py     | takes a person's wish: ask, call off, close by hand                             |
| transition.py   | changes the state of an attempt's row, with its entry in the audit trail        |
| proof.py        | decides what an error of the POST proves (pure)                                 |
| send.py         | looks first, commits the intent, posts once, writes down the answer             |
| timing.py       | decides when to look again (pure)                                               |
| look.py         | asks Zoho what became of a retry                                                |
| reconcile.py    | decides what became of a retry by what Zoho shows: a lost answer too (pure)     |
| settle.py       | sweeps: gives up dead senders, sends due wishes, settles open outcomes          |

The design and its invariants R1 to R12: docs/reference/retries.md.
"""
