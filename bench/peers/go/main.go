// A hand-written baseline for counting unique users: franz-go, a scanner that stops once it has ts and uid, and
// axiomhq/hyperloglog (precision 14), for the six windows that Tidemark counts.
//
//	peer file <path>
//	peer kafka|kafka-tuned <brokers> <topic> <frames> [<user> <password>]
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/axiomhq/hyperloglog"
	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

type counter struct {
	windows [6]map[int64]*hyperloglog.Sketch
	minute  int64
	current [6]*hyperloglog.Sketch
	frames  int64
	bad     int64
}

func newCounter() *counter {
	c := &counter{minute: -1}
	for i := range c.windows {
		c.windows[i] = map[int64]*hyperloglog.Sketch{}
	}
	return c
}

func starts(ts int64) [6]int64 {
	t := time.Unix(ts, 0).UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	month := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	return [6]int64{ts - ts%60, ts - ts%3600, day.Unix(), monday.Unix(), month.Unix(), year.Unix()}
}

func (c *counter) add(frame []byte) {
	c.frames++
	ts, uid, ok := scan(frame)
	if !ok {
		c.bad++
		return
	}
	if minute := ts - ts%60; minute != c.minute {
		c.minute = minute
		for i, start := range starts(ts) {
			sketch := c.windows[i][start]
			if sketch == nil {
				sketch = hyperloglog.New14()
				c.windows[i][start] = sketch
			}
			c.current[i] = sketch
		}
	}
	hash := xxhash.Sum64(uid)
	for _, sketch := range c.current {
		sketch.InsertHash(hash)
	}
}

// scan finds the top-level ts and uid and stops there.
func scan(b []byte) (ts int64, uid []byte, ok bool) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return
	}
	i++
	found := 0
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return
		}
		nameEnd := skipString(b, i+1)
		if nameEnd < 0 {
			return
		}
		name := b[i+1 : nameEnd-1]
		i = skipSpace(b, nameEnd)
		if i >= len(b) || b[i] != ':' {
			return
		}
		i = skipSpace(b, i+1)
		end := skipValue(b, i)
		if end < 0 {
			return
		}
		value := b[i:end]
		switch {
		case len(name) == 2 && name[0] == 't' && name[1] == 's':
			text := string(bytes.Trim(value, `"`))
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return
			}
			ts = int64(n)
			found++
		case len(name) == 3 && name[0] == 'u' && name[1] == 'i' && name[2] == 'd':
			uid = bytes.Trim(value, `"`)
			found++
		}
		if found == 2 {
			return ts, uid, true
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return
		}
		i++
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the position after the closing quote of a string whose content starts at i, or -1.
func skipString(b []byte, i int) int {
	for {
		at := bytes.IndexByte(b[i:], '"')
		if at < 0 {
			return -1
		}
		i += at
		slashes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
}

func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i+1)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i+1)
				if i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
				if depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	default:
		for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' {
			i++
		}
		return i
	}
}

func readFile(c *counter, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadSlice('\n')
		if len(line) > 1 {
			c.add(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readKafka asks for as much in a fetch as franz-go does by itself or, tuned, as Tidemark does.
func readKafka(c *counter, args []string, tuned bool) error {
	frames, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(args[0], ",")...),
		kgo.ConsumeTopics(args[1]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	}
	if tuned {
		options = append(options, kgo.FetchMaxPartitionBytes(2<<20), kgo.FetchMaxBytes(8<<20))
	}
	if len(args) > 4 {
		options = append(options, kgo.SASL(plain.Auth{User: args[3], Pass: args[4]}.AsMechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	for c.frames < frames {
		fetches := client.PollFetches(context.Background())
		if errs := fetches.Errors(); len(errs) > 0 {
			return errs[0].Err
		}
		fetches.EachRecord(func(record *kgo.Record) { c.add(record.Value) })
	}
	return nil
}

func main() {
	c := newCounter()
	var err error
	if os.Args[1] == "file" {
		err = readFile(c, os.Args[2])
	} else {
		err = readKafka(c, os.Args[2:], os.Args[1] == "kafka-tuned")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	users := uint64(0)
	for _, sketch := range c.windows[5] {
		users += sketch.Estimate()
	}
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"frames": c.frames, "bad": c.bad, "users": users, "cpuMs": cpu.Milliseconds(), "peakRssMb": usage.Maxrss / 1024,
	})
}
