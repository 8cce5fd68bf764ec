"""Answers load balancers and watchdogs."""

LIVE = "/healthz/live"
READY = "/healthz/ready"
LIVE_ANSWER = b"ok\n"
