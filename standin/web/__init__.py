"""Holds the stand-in's wire: requests, replies, routes, limits, ledger, callbacks, control and the server."""
