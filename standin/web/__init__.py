"""Speaks HTTP for the stand-in: requests, replies, routes, limits, ledger, callbacks, control and the server."""
