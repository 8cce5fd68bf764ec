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

Nothing here reads the database yet: `manage.py fingerprint` needs none.
"""
