"""The embedded stack that the tests run against, each service asked directly, past the code under test."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx

CONFIG_FILE = Path(os.environ["TIDEMARK_CONFIG"])
CONFIG: dict[str, Any] = json.loads(CONFIG_FILE.read_text())
STATE_FILE = CONFIG_FILE.parent / "run" / "state.json"
EVENTS_CONNECTOR = "tidemark-mongo"

T = TypeVar("T")


def eventually(what: str, ask: Callable[[], T | bool | None], seconds: float = 90) -> T:
    """Asks until there is an answer."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise AssertionError(f"waiting for {what}: not within {seconds:.0f} s")
        time.sleep(0.2)
    return answer  # type: ignore[return-value]


def clickhouse(query: str) -> list[dict[str, Any]]:
    """Rows of a query; 64-bit numbers are strings."""
    service = CONFIG["clickhouse"]
    answer = httpx.post(
        service["url"],
        params={"database": service["database"], "default_format": "JSONEachRow"},
        headers={"X-ClickHouse-User": service["user"], "X-ClickHouse-Key": service["password"]},
        content=query,
        timeout=60,
    )
    assert answer.is_success, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def attempts(day: str) -> list[dict[str, Any]]:
    """Every recorded attempt at a day, in the order of their beginning; attempt 0 stands for a run that failed."""
    return clickhouse(
        "SELECT run_id, attempt, toString(status) AS status, error_code, requested_by, forced,"
        " toUnixTimestamp64Milli(started_at) AS began, toUnixTimestamp64Milli(finished_at) AS ended"
        f" FROM ops_gold_runs FINAL WHERE day = '{day}' ORDER BY started_at, attempt FORMAT JSONEachRow"
    )


def assert_never_twice_at_once(day: str) -> None:
    """No attempt at the day began before the one before it had ended."""
    computed = [attempt for attempt in attempts(day) if attempt["attempt"] > 0]
    for former, later in pairwise(computed):
        assert former["ended"] is not None, f"{day}: an attempt is open: {computed}"
        assert int(former["ended"]) <= int(later["began"]), f"{day}: computed twice at once: {computed}"


@contextmanager
def closed_gate() -> Iterator[None]:
    """Days that are begun meanwhile wait for events that do not arrive."""
    service = CONFIG["connect"]
    with httpx.Client(base_url=service["url"], auth=(service["user"], service["password"]), timeout=30) as connect:

        def turn(verb: str, state: str) -> None:
            connect.put(f"/connectors/{EVENTS_CONNECTOR}/{verb}").raise_for_status()

            def is_so() -> bool:
                tasks = connect.get(f"/connectors/{EVENTS_CONNECTOR}/status").json()["tasks"]
                return bool(tasks) and all(task["state"] == state for task in tasks)

            eventually(f"{EVENTS_CONNECTOR} to be {state}", is_so)

        turn("pause", "PAUSED")
        try:
            yield
        finally:
            turn("resume", "RUNNING")


def service(name: str) -> dict[str, Any]:
    """What the stack's supervisor has written down of a service."""
    state: dict[str, Any] = json.loads(STATE_FILE.read_text())["services"][name]
    return state


@contextmanager
def stopped(name: str) -> Iterator[None]:
    """A service's process does nothing meanwhile."""
    pid = service(name)["process"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def kill(name: str, number: signal.Signals) -> None:
    """Ends a service's process with a signal, and waits until its successor is ready."""
    before = service(name)["process"]["pid"]
    os.kill(before, number)

    def is_back() -> bool:
        now = service(name)
        return bool(now["phase"] == "ready" and now["process"]["pid"] != before)

    eventually(f"{name} to be back", is_back)
