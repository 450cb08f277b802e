package history

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// victimEnv makes the test's own executable the process that is killed.
const victimEnv = "GATEWATCH_TEST_VICTIM"

// victim writes a log as fast as it can and says each record that it was promised. Its clock runs ahead, so that the
// log grows over days and years.
func victim(dir string) {
	now := time.Now()
	if last, err := newest(dir); err == nil && last.Seq > 0 {
		now = last.Time.Add(time.Minute)
	}
	l, err := Open(Crash{}, dir, now, quiet)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	say := bufio.NewWriter(os.Stdout)
	write := func(records []Record) {
		written, err := l.Append(records...)
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		for _, r := range written {
			fmt.Fprintf(say, "%d %s %d\n", r.Seq, r.What, r.Time.UnixMilli())
		}
		say.Flush()
	}
	var rec Recorder
	tell := func(kind conn.EventKind, state conn.State) {
		write(rec.Take(conn.Event{At: now, Kind: kind, State: state, Cause: ib.CauseClosed, Duration: time.Second}))
	}
	tell(conn.EventStarted, conn.Connecting)
	for {
		now = now.Add(time.Duration(rand.Int64N(int64(60 * time.Hour))))
		switch rand.IntN(8) {
		case 0:
			tell(conn.EventWindowStarted, conn.Connected)
			now = now.Add(time.Minute)
			tell(conn.EventLost, conn.ResetWindow)
			now = now.Add(time.Minute)
			tell(conn.EventWindowEnded, conn.Reconnecting)
		case 1:
			tell(conn.EventPaused, conn.Paused)
			now = now.Add(time.Minute)
			tell(conn.EventResumed, conn.Connecting)
		case 2:
			write(rec.Take(conn.Event{At: now, Kind: conn.EventWoke, State: conn.Degraded, Duration: time.Minute}))
		case 3:
			if err := l.Beat(now); err != nil {
				fmt.Println("error", err)
				os.Exit(1)
			}
		default:
			tell(conn.EventLost, conn.Reconnecting)
			for range rand.IntN(4) {
				now = now.Add(15 * time.Second)
				tell(conn.EventAttemptFailed, conn.Reconnecting)
			}
		}
		now = now.Add(time.Minute)
		tell(conn.EventConnected, conn.Connected)
	}
}

// TestKilledWhileWriting kills a process that writes the log, each time at a random record: every record that it was
// promised is there, every file is an array after each start, seqs have neither gap nor double, each run but the last
// ends in a crash, and the account counts no outage twice and no moment never.
func TestKilledWhileWriting(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 25
	}
	dir := t.TempDir()
	promised := map[uint64]string{}
	for round := range rounds {
		for _, line := range killWriter(t, dir, 1+rand.IntN(30)) {
			var seq uint64
			if _, err := fmt.Sscan(line, &seq); err != nil {
				t.Fatalf("round %d: %s", round, line)
			}
			promised[seq] = line
		}
		// What the next start finds, without starting anything that writes records of its own.
		if err := repair(filepath.Join(dir, current), time.Now(), quiet); err != nil {
			t.Fatal(err)
		}
		paths, err := logFiles(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths[max(0, len(paths)-2):] { // the older ones are not touched any more
			array(t, path)
		}
	}
	l := open(t, dir, time.Now().AddDate(1000, 0, 0))
	l.Close()

	var all []Record
	paths, err := logFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		all = append(all, array(t, path)...)
	}
	line, outages, down := NewTimeline(), 0, false
	var runs, crashes int
	for i, r := range all {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d has seq %d", i, r.Seq)
		}
		if want, ok := promised[r.Seq]; ok && want != fmt.Sprintf("%d %s %d", r.Seq, r.What, r.Time.UnixMilli()) {
			t.Fatalf("promised %s, found %+v", want, r)
		}
		delete(promised, r.Seq)
		line.Add(r)
		switch r.What {
		case Started:
			runs++
		case Crashed:
			crashes++
		}
		// An independent count: a loss that lasts, until the next connect or pause.
		lasts := i+1 == len(all) || all[i+1].Time.After(r.Time)
		switch {
		case r.Counts == Connected, r.Counts == Paused:
			down = false
		case r.Counts == Down && lasts && !down:
			down, outages = true, outages+1
		}
	}
	if len(promised) > 0 {
		t.Errorf("%d records were promised and are not there: %v", len(promised), promised)
	}
	if runs != rounds || crashes != runs {
		t.Errorf("%d kills, %d runs, %d crashes", rounds, runs, crashes)
	}
	from, until := all[0].Time.Add(-time.Hour), all[len(all)-1].Time.Add(time.Hour)
	a := line.Account(from, until, nil)
	if a.Outages != outages {
		t.Errorf("%d outages, the records tell of %d", a.Outages, outages)
	}
	sums(t, a)
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	days, lengths := int(until.Sub(from).Hours()/24), map[time.Duration]int{}
	for i, day := range line.Days(days, until, newYork, nil) {
		sums(t, day)
		if i < days-1 {
			lengths[day.Length()]++
		}
	}
	if !testing.Short() &&
		(days < 400 || len(lengths) != 3 || lengths[23*time.Hour] == 0 || lengths[25*time.Hour] == 0) {
		t.Errorf("%d days of %v", days, lengths)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "connection_log.damaged-*"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d runs, %d records in %d files over %d days, %d outages, %d torn tails", rounds, runs, len(all),
		len(paths), days, outages, len(aside))
}

// killWriter runs a process that writes the log, kills it as soon as it was promised so many records, and returns what
// it was promised until its end.
func killWriter(t *testing.T, dir string, after int) (promised []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), victimEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for said := bufio.NewReader(out); ; {
		line, err := said.ReadString('\n')
		if err != nil {
			if len(promised) < after {
				t.Fatalf("it ended by itself after %d records: %v, %q", len(promised), err, line)
			}
			return promised // the last line may be cut by the kill
		}
		if promised = append(promised, strings.TrimSpace(line)); len(promised) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// sums checks that the terms of an account add up to its length, to the millisecond.
func sums(t *testing.T, a Account) {
	t.Helper()
	var sum, market time.Duration
	for k, d := range a.Terms {
		sum += d
		if market += a.Market[k]; d < 0 || a.Market[k] < 0 || a.Market[k] > d {
			t.Fatalf("terms %v, in market hours %v", a.Terms, a.Market)
		}
	}
	if sum != a.Length() {
		t.Fatalf("terms %v sum to %v of %v", a.Terms, sum, a.Length())
	}
}
