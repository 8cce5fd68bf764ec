"""Finds what is misconfigured or broken in an installation, what that means, and how to fix it.

| file     | does                                                                    |
|----------|-------------------------------------------------------------------------|
| look.py  | looks at settings, database, files, worker, mails, people and accounts  |
| judge.py | says of what was seen what is wrong (pure)                              |

`manage.py doctor` prints it. Whether the installation works at this moment, for load balancers, says `/healthz/ready`.
"""
