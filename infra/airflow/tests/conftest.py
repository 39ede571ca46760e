"""Tells `make test` how many tests passed and which failed, as the other suites do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    file = os.environ.get("TIDEMARK_TEST_COUNTS")
    if file is None:
        return
    stats = terminalreporter.stats
    broken = [*stats.get("failed", []), *stats.get("error", [])]
    counts = {
        "passed": len(stats.get("passed", [])),
        "failed": len(broken),
        "skipped": len(stats.get("skipped", [])),
        "faults": [f"{report.nodeid}: {crash_line(report)}" for report in broken],
    }
    Path(file).write_text(json.dumps(counts))


def crash_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).partition("\n")[0]
