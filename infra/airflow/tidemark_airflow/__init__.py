"""Tidemark's days of gold as Airflow tasks: when, and waiting. All that is about data is in the workflow."""
