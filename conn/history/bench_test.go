package history

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// busy is a timeline of 90 days with the load of a million records in ten years, which change how time counts 27,500
// times.
func busy(n int) (*Timeline, time.Time) {
	l, from := NewTimeline(), 2*24*time.Hour // so that it ends on a Tuesday
	step := 90 * 24 * time.Hour / time.Duration(n)
	for i := range n {
		l.Add(record(from+time.Duration(i)*step, Lost, []Kind{Connected, Down}[i%2]))
	}
	return l, noon.Add(from).AddDate(0, 0, 90)
}

func BenchmarkAccount(b *testing.B) {
	l, now := busy(27_500)
	hours := &Hours{Days: workdays, OpenHour: 9, OpenMinute: 30, CloseHour: 16, Location: zone(b, "America/New_York")}
	for name, days := range map[string]int{"today": 1, "90 days": 90} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Account(now.AddDate(0, 0, -days), now, hours)
			}
		})
	}
}

func BenchmarkDays(b *testing.B) {
	l, now := busy(27_500)
	ny := zone(b, "America/New_York")
	hours := &Hours{Days: workdays, OpenHour: 9, OpenMinute: 30, CloseHour: 16, Location: ny}
	b.ReportAllocs()
	for b.Loop() {
		l.Days(90, now, ny, hours)
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	l, i := NewTimeline(), 0
	for b.Loop() {
		l.Add(record(time.Duration(i)*time.Second, Lost, []Kind{Connected, Down}[i%2]))
		i++
	}
}

// BenchmarkAppend appends to a log with 100,000 records, and as many bytes to a bare file, each with a sync: the ratio
// is what the log costs on top of the disk.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	l := open(b, dir, noon)
	var many []Record
	for i := range 100_000 {
		many = append(many, record(time.Duration(i)*time.Second, Lost, Down))
	}
	if _, err := l.Append(many...); err != nil {
		b.Fatal(err)
	}
	bare, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	line := make([]byte, 200)
	at := int64(0)
	var logged, plain time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := l.Append(record(100_000*time.Second, Recovered, Connected)); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := bare.WriteAt(line, at); err != nil {
			b.Fatal(err)
		}
		if err := bare.Sync(); err != nil {
			b.Fatal(err)
		}
		at += int64(len(line))
		logged, plain = logged+middle.Sub(began), plain+time.Since(middle)
	}
	b.ReportMetric(float64(logged)/float64(plain), "x-bare-sync")
}
