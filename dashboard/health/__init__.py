"""Answers load balancers and watchdogs."""
