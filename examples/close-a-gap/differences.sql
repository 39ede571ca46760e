-- Records of one topic that the other lacks, place of origin, time and content compared; none when the gap is closed.
SELECT if(in_a > in_b, 'only in A', 'only in B') AS what, partition, offset, recorded_at
FROM
(
    SELECT if(topic = 'interactions', toInt64(partition), toInt64(origin_partition)) AS partition,
           if(topic = 'interactions', toInt64(offset), origin_offset) AS offset,
           recorded_at,
           raw,
           countIf(topic = 'interactions') AS in_a,
           countIf(topic = 'interactions.b') AS in_b
    FROM (SELECT * FROM ${database}.interactions FINAL)
    GROUP BY partition, offset, recorded_at, raw
)
WHERE in_a != in_b
ORDER BY partition, offset
LIMIT 20;
