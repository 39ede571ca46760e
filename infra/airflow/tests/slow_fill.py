"""The statement that computes a day, as slow as on a day of billions: ClickHouse sleeps at every row that it reads."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from stack import CONFIG, CONFIG_FILE, clickhouse, eventually, kill, service
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FILL = re.compile(rb"^\s*INSERT INTO \S*gold_staging\S*\s+SELECT")
SLEEPS = (b"WHERE day =", b"WHERE sleepEachRow(10) = 0 AND day =")
"""With this the few events of a test keep ClickHouse busy for a minute. It can be killed meanwhile."""
UNLIMITED = {"function_sleep_max_microseconds_per_block": "0"}
NOT_PASSED_ON = {"host", "content-length", "transfer-encoding", "content-encoding", "connection"}


class SlowFirstFill:
    """Stands between the worker and ClickHouse, and slows down the first INSERT into a staging table of the day."""

    def __init__(self, day: str) -> None:
        self._day = f"'{day}'".encode()
        self._clickhouse = httpx.AsyncClient(base_url=CONFIG["clickhouse"]["url"], timeout=None)
        self._slowed = False

    async def pass_on(self, request: Request) -> Response:
        body = await request.body()
        settings: dict[str, str] = {}
        if not self._slowed and FILL.match(body) and self._day in body:
            self._slowed = True
            body, settings = body.replace(*SLEEPS, 1), UNLIMITED
        answer = await self._clickhouse.request(
            request.method,
            request.url.path,
            params={**request.query_params, **settings},
            headers=kept(request.headers.items()),
            content=body,
        )
        return Response(answer.content, answer.status_code, kept(answer.headers.items()))


def kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in NOT_PASSED_ON}


@contextmanager
def slow_fill(day: str) -> Iterator[None]:
    """To compute the day takes a minute, the first time, unless it is ended."""
    app = Starlette(routes=[Route("/{path:path}", SlowFirstFill(day).pass_on, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually("the proxy to listen", lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with worker_at(f"http://127.0.0.1:{port}"):
            yield
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()


@contextmanager
def worker_at(url: str) -> Iterator[None]:
    """The stack's worker takes that for ClickHouse. Afterwards it starts again; whoever needs it waits for it."""
    before = CONFIG_FILE.read_text()
    CONFIG_FILE.write_text(json.dumps({**CONFIG, "clickhouse": {**CONFIG["clickhouse"], "url": url}}))
    try:
        kill("worker", signal.SIGTERM)
        yield
    finally:
        CONFIG_FILE.write_text(before)
        os.kill(service("worker")["process"]["pid"], signal.SIGTERM)


def fills(day: str) -> list[str]:
    """Query ids of the INSERTs of a day that run."""
    rows = clickhouse(
        "SELECT query_id FROM system.processes"
        f" WHERE startsWith(query_id, 'gold-day/{day}/') AND query LIKE 'INSERT INTO %gold_staging%' FORMAT JSONEachRow"
    )
    return [row["query_id"] for row in rows]


def staging(day: str) -> list[str]:
    """Names of staging tables of a day."""
    rows = clickhouse(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        f" AND name LIKE 'gold_staging%{day.replace('-', '')}%' FORMAT JSONEachRow"
    )
    return [row["name"] for row in rows]
