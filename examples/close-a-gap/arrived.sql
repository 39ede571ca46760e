SELECT countIf(topic = 'interactions') AS a, countIf(topic = 'interactions.b') AS b
FROM ${database}.interactions FINAL;
