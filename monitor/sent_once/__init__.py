"""Sends a person's wish to Zoho in one request at most, and keeps what is known of it true at every line.

Retries and edits are such wishes. What both have in common stands here: how a row moves from state to state
(`states`), the intent before the request and what its end leads to (`sending`), the sweep that takes up what is due
(`sweep`), and the times of it all (`timing`). What a wish is, and what Zoho's answers prove of it, is for each stage.

Source: docs/reference/retries.md, "Invariants of a retry"; docs/reference/edits.md, "Invariants of an edit".
"""
