"""A worker that counts dirty hours while another one sweeps, as the job `recount` has it done; ends with its stdin.

Run by test_throughput.py: `python recounter.py`, DATABASE_URL says where. Its last line says what it cost: seconds of
its own processor time and of its database's.
"""

from __future__ import annotations

import sys
import threading
import time

import django


def main() -> None:
    django.setup()
    from django.db import connection

    from monitor import garbage
    from monitor.connection import utc_now
    from monitor.rollups.recount import rebuild_dirty
    from monitor.schedules import JOBS
    from tests.benchmarks.stopwatch import processor

    pause = next(job.every for job in JOBS if job.name == "recount")
    garbage.settle()
    connection.ensure_connection()
    pid, ended = connection.connection.info.backend_pid, threading.Event()
    began, database = time.process_time(), processor(pid)
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    hours = 0
    while not ended.wait(pause):
        while (done := rebuild_dirty(utc_now())) and not ended.is_set():
            hours += done
    print(hours, time.process_time() - began, processor(pid) - database, flush=True)


if __name__ == "__main__":
    main()
