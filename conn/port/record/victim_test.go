package record_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"gatewatch/conn/port/record"

	"go.uber.org/goleak"
)

// victimDir names the folder in which a process that is to be killed records orders.
const victimDir = "GATEWATCH_TEST_PORT_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// victim records orders and prints the number of each that is on disk, until it is killed.
func victim(dir string) {
	j, err := record.OpenJournal(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	n := uint64(0)
	for _, o := range j.Orders() {
		n = max(n, o.Number)
	}
	for {
		n++
		o := record.Order{Number: n, Client: 7, ID: int64(n), Words: "BUY 1 AAPL", State: record.Sent}
		if err := j.Write(context.Background(), o); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		fmt.Println(n)
		o.State = record.Working
		j.Note(o)
	}
}

// kills is how often a process is killed in tests that kill one: GATEWATCH_KILLS, or few.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("GATEWATCH_KILLS")); err == nil && n > 0 {
		return n
	}
	return 8
}

// TestJournalSurvivesKills kills a process while it records orders: each that it has called recorded is in the record,
// which the next process opens and continues.
func TestJournalSurvivesKills(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for i := range kills() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 3 + 7*i%20 {
			if !lines.Scan() {
				t.Fatal("it ended by itself")
			}
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil || n != last+1 && last != 0 && n < last {
				t.Fatalf("%q after %d", lines.Text(), last)
			}
			last = n
		}
		_ = cmd.Process.Kill()
		for lines.Scan() { // what it has said before it was killed
			if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				last = n
			}
		}
		_ = cmd.Wait()
	}
	j, err := record.OpenJournal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	known := map[uint64]record.Order{}
	for _, o := range j.Orders() {
		known[o.Number] = o
	}
	for n := uint64(1); n <= last; n++ {
		if o := known[n]; o.ID != int64(n) || o.Words != "BUY 1 AAPL" {
			t.Fatalf("order %d of %d: %+v", n, last, o)
		}
	}
}
