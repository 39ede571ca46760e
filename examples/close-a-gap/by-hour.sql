SELECT formatDateTime(recorded_at, '%H:00') AS hour,
       countIf(topic = 'interactions') AS A,
       countIf(topic = 'interactions.b') AS B,
       A - B AS missing
FROM ${database}.interactions FINAL
WHERE toDate(recorded_at) = '2024-11-20'
GROUP BY hour
ORDER BY hour;
