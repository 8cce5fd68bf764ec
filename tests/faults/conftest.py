"""One line that sums up the schedules played, also where several processes shared them."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    groups = [dict(report.user_properties) for report in reports if report.when == "call"]
    groups = [group for group in groups if "schedules" in group]
    if groups:
        played, red = (sum(group[name] for group in groups) for name in ("schedules", "red"))
        seconds = sum(group["seconds"] for group in groups)
        line = f"{played} fault schedules on {groups[0]['database']}: {red} with differences; {seconds:.0f} s of work"
        terminalreporter.write_line(line)
