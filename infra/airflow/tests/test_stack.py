"""How `tidemark up --airflow` runs Airflow."""

from __future__ import annotations

import httpx
import psutil
from airflow_api import DAG, Airflow
from stack import CONFIG, STATE_FILE, service

SERVICES = ("airflow", "airflow-scheduler", "airflow-processor", "airflow-triggerer")


def test_it_listens_on_the_loopback_address_only() -> None:
    leaders = [psutil.Process(service(name)["process"]["pid"]) for name in SERVICES]
    ours = {one.pid for leader in leaders for one in (leader, *leader.children(recursive=True))}
    listening = {
        socket.laddr
        for socket in psutil.net_connections(kind="inet")
        if socket.pid in ours and socket.status == psutil.CONN_LISTEN
    }
    assert [address.ip for address in listening] == ["127.0.0.1"]


def test_nobody_gets_in_without_the_generated_password() -> None:
    url, user = CONFIG["airflow"]["url"], CONFIG["airflow"]["user"]
    for password, status in (("", 400), ("admin", 401), (user, 401)):
        answer = httpx.post(f"{url}/auth/token", json={"username": user, "password": password})
        assert answer.status_code == status, answer.text
    assert httpx.get(f"{url}/api/v2/dags/{DAG}").status_code == 401
    passwords = STATE_FILE.parents[1] / "airflow" / "passwords.json"
    assert passwords.stat().st_mode & 0o777 == 0o600


def test_the_dag_is_there_and_no_other() -> None:
    assert [dag["dag_id"] for dag in Airflow().get("dags")["dags"]] == [DAG]
