"""Judges the criteria of workflow rules: on a record, against other criteria, and as a COQL query. Pure.

`tests` reads a criterion once, as a test of one field; `evaluate`, `implies` and `coql` build on that, so that all
three mean the same by a comparator. What Zoho compares is described in docs/reference/zoho-crm.md, "Criteria of rules".
"""
