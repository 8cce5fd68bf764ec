"""Holds the kinds of alert conditions, a folder each; `interface` says what a kind is given and what it answers."""
