"""Carries a person's wish to run a failure again to Zoho, once, and finds out what became of it.

| file            | does                                                                            |
|-----------------|---------------------------------------------------------------------------------|
| safety.py       | may this execution be retried, and how sure is that? (pure)                     |
| pinned.py       | what an admin's word about a flow means for one of its runs (pure)              |
| pins.py         | reads what admins said; set_pin.py takes it and takes it back                   |
| requests.py     | the wish: ask, call off, settle by hand                                         |
| transition.py   | the one door for every change of an attempt's row                               |
| send.py         | look first, commit the intent, one POST, write down the answer                  |
| timing.py       | when to look again (pure)                                                       |
| lost_answer.py  | from what Zoho shows to an outcome (pure); ask_zoho.py asks Zoho for it         |
| candidates.py   | which mirrored runs an unknown retry may have caused, for a person to choose    |
| settle.py       | the sweep: dead senders, due wishes, open outcomes                              |

The design and its invariants R1 to R12: docs/reference/retries.md.
"""
