"""Compares the automation of two accounts, such as a sandbox and production."""
