"""Carries a person's change of CRM's automation, or of a flow, to Zoho, once, and finds out what became of it.

| file              | does                                                                              |
|-------------------|-----------------------------------------------------------------------------------|
| acts.py           | what can be done to what, in words, and how it is undone (pure)                   |
| body.py           | from a definition and a wished one to the request's body, and back (pure)         |
| unmask.py         | puts back what a page had hidden in what a person sends (pure)                    |
| unmask_places.py  | finds which item of a list that was shown a changed one came from (pure)          |
| check.py          | may Zoho take it? the documented limits and what a module's rules may have (pure) |
| refusals.py       | each documented error: its message and what to do about it (pure)                 |
| drafts.py         | from what is mirrored and what a person wants to an edit that could be asked for  |
| requests.py       | the wish: ask, call off, settle by hand, undo                                     |
| transition.py     | the one door for every change of an edit's row                                    |
| ask_zoho.py       | reads the thing as it is at Zoho, and what its rules may have                     |
| send.py           | look first, commit the intent, one request, write down the answer                 |
| lost_answer.py    | from what Zoho shows to an outcome, and when to look again (pure)                 |
| try_connection.py | has Zoho test a connection: nothing is changed, so it has no row                  |
| settle.py         | the sweep: dead senders, due wishes, open outcomes                                |

The design and its invariants E1 to E9: docs/reference/edits.md.
"""
