"""Asks Zoho about the records of a rule, when a person wants to know: how many match, and why one does not.

Nothing is written, of a record nothing is kept, and every call is counted in the account's budget.
"""
