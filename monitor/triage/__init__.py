"""Tells which failures have one cause, and what to do about it.

| file              | does                                                                              |
|-------------------|-----------------------------------------------------------------------------------|
| fingerprint.py    | makes the fingerprint of a failure: app, action, code, templates (pure)            |
| template.py       | makes the template of a message: what its cause always says (pure)                 |
| clean.py          | makes one clean text of what an app said: text, JSON, any value (pure)             |
| trigger_values.py | finds values of the run's own trigger data in it (pure)                            |
| digits.py         | takes words with a digit out, but for numbers that are the cause (pure)            |
| structure.py      | flattens JSON: codes and messages stay, values go (pure)                           |
| masks.py          | takes addresses, paths, names, times and lists out (pure)                          |
| quoted.py         | takes quoted values out (pure)                                                     |
| words.py          | lists words that mean what they say: `utf-8`, "invalid", nouns that are counted    |
| marks.py          | names the signs that stand in a half-read text                                     |
| remedy.py         | names the class of remedy, and says what to do (pure)                              |
| failed_action.py  | finds which action of a flow failed                                               |
| fate.py           | decides how a failed run ended (pure)                                             |
| find_record.py    | finds which record a run was about (pure)                                         |
| choose_record.py  | lets a person choose the field of a flow's records, and take that back            |
| outcomes.py       | reads what became of runs that failed                                             |
| groups.py         | finds the group of each failed run by its cause, and makes new ones               |
| take.py           | enters counted failures into the ledger, whatever one of them says                |
| supersede.py      | closes failures by a later success for the same record                             |
| life_cycle.py     | decides the state of a problem by its failures and by time (pure)                  |
| judge.py          | judges the problems whose failures changed or whose time has come                  |
| activity.py       | writes a problem's log and changes its state                                       |
| seen.py           | locks problems, sets when they were seen, and marks them for the judge             |
| acts.py           | does what people do with problems                                                  |
| differences.py    | finds what failed runs have in common that good ones do not (pure)                 |
| what_differs.py   | compares a problem's runs with good ones of the same flows and time                 |
| shown_values.py   | looks a value of trigger data up as the run's page shows it (pure)                |
| impacted.py       | lists the records that failed runs were about                                     |
| write_off.py      | gives failed runs up, and takes that back                                          |

What is marked as pure knows no database: `manage.py fingerprint` needs none.
"""
