"""Keeps what Django itself writes and reads, such as `{{ count }}` and a date's field, the same in every language.

Markup, addresses and inputs need it: numbers and times for people are written by `monitor.figures` and
`dashboard.formats`, which know the language.
"""
