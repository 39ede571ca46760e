"""Days of silver, written by the test, and the gold that they must become."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from stack import clickhouse

USERS = range(8_100_000_001, 8_100_000_005)


def event_times(day: str, user: int) -> list[datetime]:
    """What a user did on a day: as many events as both say, at times that both say."""
    start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    count = (user + start.day) % 4
    return [start + timedelta(hours=5 * n, minutes=user % 60) for n in range(count)]


def fill_silver(days: list[str]) -> None:
    users = ", ".join(f"({user}, 'User {user}', '{user}@example.com', 0, 1)" for user in USERS)
    clickhouse(f"INSERT INTO silver_users (user_id, full_name, email, is_deleted, version) VALUES {users}")
    events = ", ".join(
        f"('{day}', '\"airflow-{day}-{user}-{n}\"', {user}, 'login', '{at:%Y-%m-%d %H:%M:%S}.000', '{{}}', 0, 1)"
        for day in days
        for user in USERS
        for n, at in enumerate(event_times(day, user))
    )
    columns = "day, event_id, user_id, event_type, ts, payload, is_deleted, version"
    clickhouse(f"INSERT INTO silver_events ({columns}) VALUES {events}")


def gold(day: str) -> list[tuple[int, int, str]]:
    rows = clickhouse(
        "SELECT toString(user_id) AS user, toString(total_events) AS events, toString(last_event_at) AS last"
        f" FROM gold_user_activity WHERE day = '{day}' ORDER BY user_id FORMAT JSONEachRow"
    )
    return [(int(row["user"]), int(row["events"]), row["last"]) for row in rows]


def exact_gold(day: str) -> list[tuple[int, int, str]]:
    times = {user: event_times(day, user) for user in USERS}
    return [(user, len(at), f"{at[-1]:%Y-%m-%d %H:%M:%S}.000") for user, at in times.items() if at]
