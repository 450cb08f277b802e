package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/app/api"
	"gatewatch/app/home"
)

// flooder is a gateway that logs a client in, answers what it is asked, and then says one kind of message as fast as it
// is read.
type flooder struct {
	t     *testing.T
	ln    net.Listener
	flood func(i int) flooded // the i-th message
	spare int                 // this many connections, the first ones, hear nothing of it
}

func newFlooder(t *testing.T, flood func(i int) flooded) *flooder {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{t: t, ln: ln, flood: flood}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go f.serve(c, n < f.spare)
		}
	}()
	return f
}

// quietFirst is how long a flooder behaves when a client has come.
const quietFirst = time.Second

// flooded is a message from a gateway: its number and, from field 1 on, its fields. A nil field is left out, a []byte
// is a message.
type flooded struct {
	number int
	fields []any
}

func message(number int, fields ...any) flooded { return flooded{number, fields} }

func frame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

func (m flooded) bytes() []byte {
	return frame(append(binary.BigEndian.AppendUint32(nil, uint32(m.number+200)), protoFields(m.fields...)...))
}

func protoFields(fields ...any) (b []byte) {
	for i, f := range fields {
		n := protowire.Number(i + 1)
		switch v := f.(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case float64:
			b = protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), math.Float64bits(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		}
	}
	return b
}

// serve speaks version 225.
func (f *flooder) serve(c net.Conn, spared bool) {
	defer c.Close()
	in := bufio.NewReader(c)
	if _, err := io.CopyN(io.Discard, in, 4); err != nil {
		return
	}
	if _, err := readPayload(in); err != nil {
		return
	}
	answers := make(chan []byte, 1000)
	answers <- frame([]byte("225\x0020261130 12:00:00 UTC\x00"))
	go func() {
		defer close(answers)
		for {
			payload, err := readPayload(in)
			if err != nil || len(payload) < 4 {
				return
			}
			for _, a := range answerTo(int(binary.BigEndian.Uint32(payload))-200, payload[4:]) {
				answers <- a.bytes()
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
			if spared || time.Now().Before(begins) {
				_ = out.Flush()
				time.Sleep(time.Millisecond)
				continue
			}
			for range 100 {
				if _, err := out.Write(f.flood(i).bytes()); err != nil {
					return
				}
				i++
			}
		}
	}
}

func readPayload(in io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	payload := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(in, payload)
	return payload, err
}

// answerTo returns what Gateway answers to a request.
func answerTo(number int, body []byte) []flooded {
	switch number {
	case 71:
		return []flooded{message(15, "DU1234567"), message(9, 1000)}
	case 49:
		return []flooded{message(49, int(time.Now().Unix()))}
	case 5, 16:
		return []flooded{message(53)}
	case 99:
		return []flooded{message(102)}
	case 7:
		_, _, n := protowire.ConsumeTag(body)
		request, _ := protowire.ConsumeVarint(body[max(0, n):])
		return []flooded{message(55, int(request))}
	}
	return nil
}

func notify(id, code int, text string) flooded { return message(4, id, 1_764_500_000_000, code, text) }

// long returns a text of which messages have a part. It is made when it is asked for: each process of a test begins
// with what this package's variables hold.
var long = sync.OnceValue(func() string { return strings.Repeat("long ", 3<<20) })

// floods are the messages that a gateway may say without end.
var floods = map[string]func(i int) flooded{
	"one code":       func(i int) flooded { return notify(-1, 2109, strings.Repeat("long ", 400)) },
	"many codes":     func(i int) flooded { return notify(-1, i%1_000_000, "text "+strconv.Itoa(i)) },
	"many requests":  func(i int) flooded { return notify(i%10_000_000, 354, "text "+strconv.Itoa(i)) },
	"a farm flaps":   func(i int) flooded { return notify(-1, 2103+i%2, "farm:usfarm") },
	"many farms":     func(i int) flooded { return notify(-1, 2103, "farm:f"+strconv.Itoa(i)) },
	"upstream flaps": func(i int) flooded { return notify(-1, 1100+i%2*2, "text") },
	"competing":      func(i int) flooded { return notify(-1, 10197, "text") },
	"order status":   func(i int) flooded { return message(3, i, "Submitted", "0", "1", 0.0, i, 0, 0.0, 17) },
	"commissions":    func(i int) flooded { return message(59, "exec"+strconv.Itoa(i), 1.0, "USD") },
	"accounts":       func(i int) flooded { return message(15, "DU1234567") },
	"next ids":       func(i int) flooded { return message(9, 1000+i) },
	"times":          func(i int) flooded { return message(49, int(time.Now().Unix())) },
	"ticks":          func(i int) flooded { return message(1, 2130706433, 1, float64(100+i%7), "1", 0) },
	"unknown":        func(i int) flooded { return message(299, i) },
	"long unknown":   func(i int) flooded { return message(299, i, long()[:10<<20]) },
	"long errors":    func(i int) flooded { return notify(-1, i, long()[:1000<<10]) },
	"long refusals":  func(i int) flooded { return notify(1+i%1000, 201, long()[:1000<<10]) },
	"executions": func(i int) flooded {
		return message(11, -1, protoFields(1, "AAPL", "STK"), protoFields(i, fmt.Sprintf("0000e0d5.%d.01.01", i),
			"20261130 12:00:00",
			"DU1234567", "ISLAND", "BOT", "1", 230.0, i, 5, nil, "1", 230.0))
	},
	"open orders": func(i int) flooded {
		return message(5, i, protoFields(1, "AAPL", "STK"), protoFields(i, i, i, 0, "BUY", "1"),
			protoFields("Submitted"))
	},
}

// TestFloods runs the built program against each of them for a while: it grows by little, goes on to answer, obeys
// SIGTERM and keeps its log.
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

// maxGrowth is how much the program may grow by a flood. With the race detector in it, it needs several times the
// memory.
const maxGrowth = 20 << 20

func runFlood(t *testing.T, flood func(i int) flooded, lasts time.Duration) {
	f := newFlooder(t, flood)
	r := prepareRig(t, "DU1234567", "", rulesOf())
	r.gateway.Close()
	r.write("settings.json", fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d}}`,
		f.ln.Addr().(*net.TCPAddr).Port))
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
	t.Logf("rss %d to %d MB; %d answers, the slowest after %v; ended after %v; logs of %d kB", before>>20, most>>20,
		answers, slowest, took, logged>>10)
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
	if text, err := os.ReadFile(home.At(r.dir).Log()); err != nil || !strings.Contains(string(text), "msg=started") {
		t.Errorf("the log has lost its beginning: %v", err)
	}
}

// TestProgramsWithLongMessages has programs at the guarded port be sent long messages that they do not read, and send
// long requests themselves: none of that fills the memory.
func TestProgramsWithLongMessages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	f := newFlooder(t, func(int) flooded { return message(17, 1, long()) })
	f.spare = 1 // Gatewatch itself
	r := prepareRig(t, "DU1234567", "", rulesOf())
	r.gateway.Close()
	guarded, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	number := guarded.Addr().(*net.TCPAddr).Port
	guarded.Close()
	r.write("settings.json", fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d},
		"guarded_port": {"port": %d}}`, f.ln.Addr().(*net.TCPAddr).Port, number))
	r.start()
	r.await("it is connected", func(st api.Status) bool { return st.Session != 0 })
	before := r.rss()
	request := message(1, 1, long()[:200<<10]).bytes()
	for i := range 16 {
		hello := append(append([]byte("API\x00"), frame([]byte("v100..225"))...), message(71, i+1).bytes()...)
		r.until("a program reads a long message", func() bool { // on a busy computer the port closes meanwhile
			c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
			if err != nil {
				return false
			}
			t.Cleanup(func() { c.Close() })
			if _, err = c.Write(hello); err != nil {
				return false
			}
			go func() {
				for err := error(nil); err == nil; {
					_, err = c.Write(request)
				}
			}()
			for head := make([]byte, 4); ; {
				if _, err := io.ReadFull(c, head); err != nil {
					return false
				}
				n := int64(binary.BigEndian.Uint32(head))
				if n > 1<<20 {
					return true // and reads no more
				}
				if _, err := io.CopyN(io.Discard, c, n); err != nil {
					return false
				}
			}
		})
	}
	const each = 2 << 20 // a request of up to 256 KiB on its way, and pieces of a long message
	most := 0
	for range 20 {
		most = max(most, r.rss())
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("rss %d to %d MB", before>>20, most>>20)
	if grown := most - before; grown > 16*each && !raceDetector {
		t.Errorf("it grew by %d MB", grown>>20)
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
