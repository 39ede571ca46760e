package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.datasketches.hll.HllSketch;
import org.apache.datasketches.hll.TgtHllType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** {@code brokers topic frames [user password]}: a plain consumer, a scanner that stops once it has ts and uid, HLL with 2^14 registers. */
public final class UniqueUsers {
  private final List<Map<Long, HllSketch>> windows = new ArrayList<>();
  private final HllSketch[] current = new HllSketch[6];
  private long minute = -1;
  private long frames;
  private long bad;
  private byte[] b;
  private int end;

  private UniqueUsers() {
    for (int i = 0; i < 6; i++) windows.add(new HashMap<>());
  }

  private static long[] starts(long ts) {
    LocalDate day = Instant.ofEpochSecond(ts).atZone(ZoneOffset.UTC).toLocalDate();
    LocalDate monday = day.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
    return new long[] {ts - ts % 60, ts - ts % 3600, at(day), at(monday), at(day.withDayOfMonth(1)), at(day.withDayOfYear(1))};
  }

  private static long at(LocalDate day) {
    return day.atStartOfDay(ZoneOffset.UTC).toEpochSecond();
  }

  private void add(byte[] frame) {
    frames++;
    b = frame;
    end = frame.length;
    int i = space(0);
    if (i >= end || b[i] != '{') {
      bad++;
      return;
    }
    i++;
    long ts = -1;
    int uidStart = -1;
    int uidEnd = -1;
    while (ts < 0 || uidStart < 0) {
      i = space(i);
      if (i >= end || b[i] != '"') break;
      int nameEnd = string(i + 1);
      if (nameEnd < 0) break;
      int nameStart = i + 1;
      int length = nameEnd - 1 - nameStart;
      i = space(nameEnd);
      if (i >= end || b[i] != ':') break;
      i = space(i + 1);
      int valueEnd = value(i);
      if (valueEnd < 0) break;
      boolean quoted = b[i] == '"';
      int from = quoted ? i + 1 : i;
      int to = quoted ? valueEnd - 1 : valueEnd;
      if (length == 2 && b[nameStart] == 't' && b[nameStart + 1] == 's') {
        try {
          ts = (long) Double.parseDouble(new String(b, from, to - from, java.nio.charset.StandardCharsets.ISO_8859_1));
        } catch (NumberFormatException e) {
          break;
        }
      } else if (length == 3 && b[nameStart] == 'u' && b[nameStart + 1] == 'i' && b[nameStart + 2] == 'd') {
        uidStart = from;
        uidEnd = to;
      }
      i = space(valueEnd);
      if (i >= end || b[i] != ',') break;
      i++;
    }
    if (ts < 0 || uidStart < 0) {
      bad++;
      return;
    }
    if (ts - ts % 60 != minute) open(ts);
    byte[] uid = java.util.Arrays.copyOfRange(b, uidStart, uidEnd);
    for (HllSketch sketch : current) sketch.update(uid);
  }

  private void open(long ts) {
    minute = ts - ts % 60;
    long[] starts = starts(ts);
    for (int i = 0; i < 6; i++) current[i] = windows.get(i).computeIfAbsent(starts[i], s -> new HllSketch(14, TgtHllType.HLL_8));
  }

  private int space(int i) {
    while (i < end && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r')) i++;
    return i;
  }

  private int string(int i) {
    for (; i < end; i++) {
      if (b[i] == '\\') i++;
      else if (b[i] == '"') return i + 1;
    }
    return -1;
  }

  private int value(int i) {
    if (i >= end) return -1;
    if (b[i] == '"') return string(i + 1);
    if (b[i] == '{' || b[i] == '[') {
      int depth = 0;
      while (i < end) {
        byte c = b[i];
        if (c == '"') {
          i = string(i + 1);
          if (i < 0) return -1;
          continue;
        }
        if (c == '{' || c == '[') depth++;
        else if ((c == '}' || c == ']') && --depth == 0) return i + 1;
        i++;
      }
      return -1;
    }
    while (i < end && b[i] != ',' && b[i] != '}' && b[i] != ']') i++;
    return i;
  }

  public static void main(String[] args) throws IOException {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", "false");
    config.put("max.poll.records", "5000");
    // As much in a fetch as ours asks for.
    config.put("max.partition.fetch.bytes", String.valueOf(2 << 20));
    config.put("fetch.max.bytes", String.valueOf(8 << 20));
    config.put("key.deserializer", ByteArrayDeserializer.class.getName());
    config.put("value.deserializer", ByteArrayDeserializer.class.getName());
    if (args.length > 4) {
      config.put("security.protocol", "SASL_PLAINTEXT");
      config.put("sasl.mechanism", "PLAIN");
      config.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"" + args[3] + "\" password=\"" + args[4] + "\";");
    }
    long wanted = Long.parseLong(args[2]);
    UniqueUsers counter = new UniqueUsers();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(args[1]).forEach(p -> partitions.add(new TopicPartition(p.topic(), p.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (counter.frames < wanted) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) counter.add(record.value());
      }
    }
    double users = 0;
    for (HllSketch sketch : counter.windows.get(5).values()) users += sketch.getEstimate();
    long cpuNs = ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    long peakKb = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) peakKb = Long.parseLong(line.replaceAll("\\D", ""));
    }
    System.out.printf("{\"frames\":%d,\"bad\":%d,\"users\":%d,\"cpuMs\":%d,\"peakRssMb\":%d}%n",
        counter.frames, counter.bad, Math.round(users), cpuNs / 1_000_000, peakKb / 1024);
  }
}
