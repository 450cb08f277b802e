package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
)

// flooder is a gateway that logs a client in, answers what it is asked, and then says one kind of message as fast as it is read.
type flooder struct {
	t     *testing.T
	ln    net.Listener
	flood func(i int) []string // the fields of the i-th message
}

func newFlooder(t *testing.T, flood func(i int) []string) *flooder {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{t: t, ln: ln, flood: flood}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return f
}

// quietFirst is how long a flooder behaves when a client has come.
const quietFirst = time.Second

func fields(list ...string) []byte {
	body := strings.Join(list, "\x00") + "\x00"
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// serve speaks the text protocol at version 176.
func (f *flooder) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	if _, err := io.CopyN(io.Discard, in, 4); err != nil {
		return
	}
	if _, err := readFields(in); err != nil {
		return
	}
	answers := make(chan []byte, 1000)
	answers <- fields("176", "20261130 12:00:00 UTC")
	go func() {
		defer close(answers)
		for {
			msg, err := readFields(in)
			if err != nil {
				return
			}
			for _, a := range answerTo(msg) {
				answers <- a
			}
		}
	}()
	out := bufio.NewWriterSize(c, 64<<10)
	begins := time.Now().Add(quietFirst)
	for i := 0; ; {
		select {
		case a, ok := <-answers:
			if !ok {
				return
			}
			if _, err := out.Write(a); err != nil {
				return
			}
		default:
			if time.Now().Before(begins) {
				_ = out.Flush()
				time.Sleep(time.Millisecond)
				continue
			}
			for range 100 {
				if _, err := out.Write(fields(f.flood(i)...)); err != nil {
					return
				}
				i++
			}
		}
	}
}

func readFields(in io.Reader) ([]string, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(in, body)
	return strings.Split(strings.TrimSuffix(string(body), "\x00"), "\x00"), err
}

// answerTo returns what Gateway answers to a request.
func answerTo(msg []string) [][]byte {
	switch msg[0] {
	case "71":
		return [][]byte{fields("15", "1", "DU1234567"), fields("9", "1", "1000")}
	case "49":
		return [][]byte{fields("49", "1", strconv.FormatInt(time.Now().Unix(), 10))}
	case "5", "16":
		return [][]byte{fields("53", "1")}
	case "99":
		return [][]byte{fields("102")}
	case "7":
		return [][]byte{fields("55", "1", msg[2])}
	}
	return nil
}

func notify(id, code int, text string) []string {
	return []string{"4", "2", strconv.Itoa(id), strconv.Itoa(code), text, ""}
}

// floods are the messages that a gateway may say without end.
var floods = map[string]func(i int) []string{
	"one code":       func(i int) []string { return notify(-1, 2109, strings.Repeat("long ", 400)) },
	"many codes":     func(i int) []string { return notify(-1, i%1_000_000, "text "+strconv.Itoa(i)) },
	"many requests":  func(i int) []string { return notify(i%10_000_000, 354, "text "+strconv.Itoa(i)) },
	"a farm flaps":   func(i int) []string { return notify(-1, 2103+i%2, "farm:usfarm") },
	"many farms":     func(i int) []string { return notify(-1, 2103, "farm:f"+strconv.Itoa(i)) },
	"upstream flaps": func(i int) []string { return notify(-1, 1100+i%2*2, "text") },
	"competing":      func(i int) []string { return notify(-1, 10197, "text") },
	"order status": func(i int) []string {
		return []string{"3", strconv.Itoa(i), "Submitted", "0", "1", "0", strconv.Itoa(i), "0", "0", "17", "", "0"}
	},
	"commissions":     func(i int) []string { return []string{"59", "1", "exec" + strconv.Itoa(i), "1", "USD", "0", "0", ""} },
	"accounts":        func(i int) []string { return []string{"15", "1", "DU1234567"} },
	"next ids":        func(i int) []string { return []string{"9", "1", strconv.Itoa(1000 + i)} },
	"times":           func(i int) []string { return []string{"49", "1", strconv.FormatInt(time.Now().Unix(), 10)} },
	"ticks":           func(i int) []string { return []string{"1", "6", "2130706433", "1", strconv.Itoa(100 + i%7), "1", "0"} },
	"unknown numbers": func(i int) []string { return []string{"299", strconv.Itoa(i)} },
	"executions": func(i int) []string {
		return []string{
			"11", "-1", strconv.Itoa(i), "1", "AAPL", "STK", "", "0", "", "", "ISLAND", "USD", "AAPL", "NMS", fmt.Sprintf("0000e0d5.%d.01.01", i),
			"20261130 12:00:00", "DU1234567", "ISLAND", "BOT", "1", "230", strconv.Itoa(i), "5", "0", "1", "230", "", "", "0", "", "1",
		}
	},
}

// TestFloods runs the built program against each of them for a while: it grows by little, goes on to answer, obeys SIGTERM and
// keeps its log.
func TestFloods(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	lasts := time.Second
	if text := os.Getenv("GATEWATCH_FLOOD_SECONDS"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		lasts = time.Duration(seconds) * time.Second
	}
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runFlood(t, flood, lasts)
		})
	}
}

// maxGrowth is how much the program may grow by a flood. With the race detector in it, it needs several times the memory.
const maxGrowth = 20 << 20

func runFlood(t *testing.T, flood func(i int) []string, lasts time.Duration) {
	f := newFlooder(t, flood)
	r := prepareRig(t, "DU1234567", "", rulesOf())
	r.gateway.Close()
	r.write("settings.json", fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}}`, f.ln.Addr().(*net.TCPAddr).Port))
	r.start()
	r.await("it is connected", func(st api.Status) bool { return st.Session != 0 })
	before := r.rss()
	most, slowest, answers := 0, time.Duration(0), 0
	for end := time.Now().Add(quietFirst + lasts); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		asked := time.Now()
		if _, _, err := r.client.Status(t.Context()); err == nil {
			answers++
		}
		slowest = max(slowest, time.Since(asked))
		most = max(most, r.rss())
	}
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait()
	took := time.Since(began)
	r.cmd = nil
	logged := r.logged()
	t.Logf("rss %d to %d MB; %d answers, the slowest after %v; ended after %v; logs of %d kB", before>>20, most>>20, answers, slowest, took, logged>>10)
	if grown := most - before; grown > maxGrowth && !raceDetector {
		t.Errorf("it grew by %d MB", grown>>20)
	}
	if answers == 0 || slowest > 5*time.Second {
		t.Errorf("%d answers, the slowest after %v", answers, slowest)
	}
	if took > 20*time.Second {
		t.Errorf("SIGTERM was obeyed after %v", took)
	}
	if logged > 1<<20 {
		t.Errorf("%d kB were written to logs", logged>>10)
	}
	if text, err := os.ReadFile(homeAt(r.dir).log()); err != nil || !strings.Contains(string(text), "msg=started") {
		t.Errorf("the log has lost its beginning: %v", err)
	}
}

// logged returns the size of all logs.
func (r *rig) logged() (size int64) {
	r.t.Helper()
	for _, pattern := range []string{"*.log*", "connection_log*"} {
		files, err := filepath.Glob(filepath.Join(r.dir, pattern))
		if err != nil {
			r.t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil {
				size += info.Size()
			}
		}
	}
	return size
}

// rss returns the resident memory of the program in bytes.
func (r *rig) rss() int {
	r.t.Helper()
	bytes, err := residentMemory(r.cmd.Process.Pid)
	if err != nil {
		r.t.Fatal(err)
	}
	return bytes
}

func residentMemory(pid int) (bytes int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no VmRSS of process %d", pid)
	}
	kb, err := strconv.Atoi(string(found[1]))
	return kb << 10, err
}
