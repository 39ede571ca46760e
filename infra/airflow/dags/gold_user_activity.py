"""
Computes `gold_user_activity` of a UTC day, every day.

The work is Tidemark's workflow `goldDay`: the day names it, so a task that is run again attaches to a day that is being
computed, or gets the recorded run of one that has not changed since.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from tidemark_airflow.gold import GoldDayOperator

FIRST_DAY = os.environ.get("TIDEMARK_GOLD_FROM")
"""With a day, `YYYY-MM-DD`, Airflow catches up from it; else it begins with yesterday. Older days: a backfill."""

with DAG(
    dag_id="gold_user_activity",
    doc_md=__doc__,
    # Says what `@daily` leaves to a setting of Airflow: a run is of the day that has just ended, [00:00, 24:00) UTC.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat(FIRST_DAY or "2015-01-01").replace(tzinfo=timezone.utc),
    catchup=FIRST_DAY is not None,
    max_active_runs=4,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        # Far beyond the workflow's own limits: ends the wait where no worker of Tidemark comes back.
        "execution_timeout": timedelta(hours=3),
    },
    params={"force": Param(False, type="boolean", description="compute anew, though the recorded run stands")},
    tags=["tidemark"],
):
    GoldDayOperator(task_id="gold_day")
