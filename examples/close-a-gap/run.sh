#!/usr/bin/env bash
# Closes a gap: topic interactions.b lacks what topic interactions got from 11:00 to 13:00. Needs a running stack (tidemark up).
# TIDEMARK names the command when it is not on the path.
set -euo pipefail
cd "$(dirname "$0")"
tidemark=${TIDEMARK:-tidemark}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

json() { node -pe "JSON.parse(require('node:fs').readFileSync(0, 'utf8').trim().split('\n').at(-1)).$1"; }

# Waits until ClickHouse holds as many records of A and B.
arrived() {
  for _ in $(seq 240); do
    rows=$($tidemark sql arrived.sql --json)
    if [ "$(json a <<<"$rows")" = "$1" ] && [ "$(json b <<<"$rows")" = "$2" ]; then return; fi
    sleep 0.5
  done
  echo "ClickHouse holds $rows, not $1 and $2" >&2
  exit 1
}

echo "== A: a day of interactions, 10:00 to 16:45, out of order, some twice, a few malformed"
$tidemark generate interactions --day 2024-11-20 --out "$work/interactions.json.gz"
a=$($tidemark load "$work/interactions.json.gz" interactions --create 4 --key user_id --time ts --json | json records)

echo "== B: what followed A was down from 11:00 to 13:00 (two replays play its part)"
$tidemark replay start before-outage interactions interactions.b --create --to 2024-11-20T11:00:00Z --json >"$work/before"
$tidemark replay start after-outage interactions interactions.b --from 2024-11-20T13:00:00Z --json >"$work/after"
b=$(($(json counts.selected <"$work/before") + $(json counts.selected <"$work/after")))

echo "== Both topics in ClickHouse"
$tidemark sql sinks.sql
arrived "$a" "$b"
$tidemark sql by-hour.sql

window=(--from 2024-11-20T11:00:00Z --to 2024-11-20T13:00:00Z)
echo "== What B lacks (exit code 1: something)"
if $tidemark replay gaps interactions interactions.b "${window[@]}" --json >"$work/gaps"; then exit 1; fi
missing=$(json missing <"$work/gaps")
echo "$missing records"

echo "== What would be copied, then the copy itself"
$tidemark replay plan close-gap interactions interactions.b "${window[@]}" --fill
$tidemark replay start close-gap interactions interactions.b "${window[@]}" --fill

echo "== Nothing is missing any more, and the same command again copies nothing"
$tidemark replay gaps interactions interactions.b "${window[@]}"
$tidemark replay start close-gap interactions interactions.b "${window[@]}" --fill
$tidemark replay verify close-gap
arrived "$a" "$((b + missing))"
$tidemark sql by-hour.sql
$tidemark sql differences.sql
