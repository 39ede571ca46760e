"""The Airflow of all tests; and what tells `make test` how many passed and which failed, as the other suites do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_api import DAG, Airflow
from stack import clickhouse


@pytest.fixture(scope="session")
def airflow() -> Iterator[Airflow]:
    api = Airflow()
    for run in api.get(f"dags/{DAG}/dagRuns")["dag_runs"]:
        api.patch(f"dags/{DAG}/dagRuns/{run['dag_run_id']}", {"state": "failed"})
        api.delete(f"dags/{DAG}/dagRuns/{run['dag_run_id']}")
    clickhouse("TRUNCATE TABLE ops_gold_runs")
    api.patch(f"dags/{DAG}", {"is_paused": False})
    yield api
    api.patch(f"dags/{DAG}", {"is_paused": True})


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
