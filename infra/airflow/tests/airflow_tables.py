"""What time and other processes do to Airflow's own tables, done to them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2


def update_task(run_id: str, change: str) -> None:
    with (
        closing(psycopg2.connect(os.environ["AIRFLOW_TABLES"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE task_instance SET {change} WHERE run_id = %s", (run_id,))
        assert cursor.rowcount == 1


def retry_at_once(run_id: str) -> None:
    """As if the pause before the next try were over."""
    update_task(run_id, "end_date = end_date - INTERVAL '1 day'")


def time_out(run_id: str) -> None:
    """As if the task had waited in the triggerer for as long as it may."""
    update_task(run_id, "trigger_timeout = now()")


@contextmanager
def another_triggerer_has_them() -> Iterator[None]:
    """As Airflow's tables look to a triggerer that wakes up, when another one has taken its triggers over meanwhile."""
    with closing(psycopg2.connect(os.environ["AIRFLOW_TABLES"])) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "INSERT INTO job (job_type, state, hostname, start_date, latest_heartbeat)"
            " VALUES ('TriggererJob', 'running', 'another', now(), now() + INTERVAL '1 hour') RETURNING id"
        )
        (another,) = cursor.fetchone()
        cursor.execute("UPDATE trigger SET triggerer_id = %s WHERE triggerer_id IS NOT NULL", (another,))
        try:
            yield
        finally:
            cursor.execute("DELETE FROM job WHERE id = %s", (another,))
