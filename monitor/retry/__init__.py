"""A person's wish → Zoho → what became of it. A retry is not idempotent: once too few beats once too often.

| file            | does                                                                            |
|-----------------|---------------------------------------------------------------------------------|
| verdict.py      | may this execution be retried, and how sure is that? (pure)                     |
| requests.py     | the wish: ask, call off, close by hand                                          |
| transition.py   | the one door for every change of an attempt's row                               |
| proof.py        | what an error of the POST proves (pure)                                         |
| send.py         | look first, commit the intent, one POST, write down the answer                  |
| timing.py       | when to look again (pure)                                                       |
| reconcile.py    | from what Zoho shows to an outcome (pure); look.py asks Zoho for it             |
| settle.py       | the sweep: dead senders, due wishes, open outcomes                              |

The design and its invariants R1 to R12: notes `reliability.md`, section 4.
"""
