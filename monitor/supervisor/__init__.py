"""Keeps the queue's cluster alive: starts it, wakes the periodic jobs, finds it frozen and replaces it.

`cluster_health` reads the facts and decides; `loop` acts; `cluster` holds the child process; `queue` puts jobs and
canaries in and prunes what has been done; `worker_marks` runs inside the workers and marks them busy or idle;
`processes` knows the operating system. Why this exists: docs/decisions/0001-queue.md.
"""
