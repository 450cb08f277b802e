package region

import (
	"archive/zip"
	"bytes"
	"flag"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestOfZone(t *testing.T) {
	for zone, want := range map[string]Region{
		"America/New_York": America, "US/Eastern": America, "America/Sao_Paulo": America, "Pacific/Honolulu": America,
		"Europe/Zurich": Europe, "Europe/London": Europe, "GB": Europe, "Africa/Johannesburg": Europe,
		"Asia/Dubai":     Europe,
		"Asia/Hong_Kong": Asia, "Asia/Tokyo": Asia, "Asia/Kolkata": Asia, "Pacific/Auckland": Asia, "Singapore": Asia,
		"Australia/Sydney": Australia, "Australia/Perth": Australia,
		"UTC": Unknown, "Etc/GMT-1": Unknown, "": Unknown, "Local": Unknown, "Europe/Atlantis": Unknown,
		"Europe/../../etc/passwd": Unknown, "/etc/localtime": Unknown, "EST5EDT4": Unknown,
		"Europe/" + strings.Repeat("x", 1<<20): Unknown,
	} {
		if got := ofZone(zone); got != want {
			t.Errorf("%.40q is in %q, not %q", zone, got, want)
		}
	}
}

// TestAllZones: each zone of the database has a region whose times of day it shares.
func TestAllZones(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip(err)
	}
	defer archive.Close()
	hours := map[Region][2]int{America: {-12, 0}, Europe: {-2, 5}, Asia: {4, 15}, Australia: {8, 11}}
	seen := 0
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") || strings.HasPrefix(f.Name, "Etc/") ||
			strings.HasPrefix(f.Name, "Antarctica/") {
			continue
		}
		region := ofZone(f.Name)
		if region == Unknown {
			switch f.Name {
			case "UTC", "UCT", "GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "Universal", "Zulu", "Factory":
			default:
				t.Errorf("%s has no region", f.Name)
			}
			continue
		}
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		_, offset := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC).In(zone).Zone()
		limits := hours[region]
		if strings.HasPrefix(f.Name, "Pacific/") && region == Asia {
			limits[0] = -12 // east of the date line
		}
		if h := float64(offset) / 3600; h < float64(limits[0]) || h > float64(limits[1]) {
			t.Errorf("%s is in %s, with %v hours", f.Name, region, h)
		}
		seen++
	}
	if seen < 500 {
		t.Errorf("%d zones", seen)
	}
}

var update = flag.Bool("update", false, "write the list of zones again")

// TestZones: the list has the zones of places in the database, without names from before there were places.
func TestZones(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip(err)
	}
	defer archive.Close()
	var names []string
	for _, f := range archive.File {
		area, _, place := strings.Cut(f.Name, "/")
		if place && !strings.HasSuffix(f.Name, "/") && (parts[area] != Unknown || area == "Antarctica") &&
			!slices.Contains([]string{"Brazil", "Canada", "Chile", "Mexico", "US"}, area) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	names = append(names, "UTC")
	if *update {
		if err := os.WriteFile("zones.txt", []byte(strings.Join(names, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := Zones(); !slices.Equal(got, names) {
		t.Errorf("%d zones, want %d; run go generate in this package", len(got), len(names))
	}
}

// TestWindowsZones: each zone of Windows that Go knows has a region, but those that are hours from UTC.
func TestWindowsZones(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(build.Default.GOROOT, "src", "time", "zoneinfo_abbrs_windows.go"))
	if err != nil {
		t.Skip(err)
	}
	names := regexp.MustCompile(`(?m)^\t"(.+?)":`).FindAllSubmatch(source, -1)
	if len(names) < 130 {
		t.Fatalf("%d zones", len(names))
	}
	for _, m := range names {
		name := string(m[1])
		zone := zoneOfWindows(name)
		hours := strings.HasPrefix(name, "UTC") || name == "Dateline Standard Time"
		if (ofZone(zone) == Unknown) != hours || name == "UTC" && zone != "UTC" {
			t.Errorf("%s is %q in %q", name, zone, ofZone(zone))
		}
	}
	for name, want := range map[string]string{
		"W. Europe Standard Time": "Europe/Berlin", "AUS Eastern Standard Time": "Australia/Sydney",
		"Eastern Standard Time": "America/New_York", "Tokyo Standard Time": "Asia/Tokyo", "Mars Standard Time": "",
	} {
		if got := zoneOfWindows(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

func TestTake(t *testing.T) {
	text := func(zone, mode, region, peer string) string {
		return "[IBGateway]\r\nLocalServerPort=4000\r\nTimeZone=Asia/Tokyo\r\n[Logon]\r\nLocale=en\r\nTimeZone=" +
			zone +
			"\r\ntradingMode=" + mode + "\r\n[Communication]\r\nRegion=" + region + "\r\nPeer=" + peer + "\r\n"
	}
	for name, c := range map[string]struct {
		text  string
		want  Region
		basis Basis
		why   Reason
	}{
		"server":           {text("Europe/Berlin", "l", "us", "hdc1.ibllc.com:4001"), Asia, BasisServer, ""},
		"reserve":          {text("America/New_York", "p", "", "zdc1-hb1.ibllc.com"), Europe, BasisServer, ""},
		"region":           {text("Europe/Berlin", "p", "us", ""), America, BasisServer, ""},
		"unknown server":   {text("Europe/Berlin", "p", "eu", "xdc7.ibllc.com:4001"), Europe, BasisServer, ""},
		"zone":             {text("Asia/Hong_Kong", "p", "", ""), Asia, BasisZone, ""},
		"paper":            {text("", "p", "", ""), America, BasisPaper, ""},
		"UTC":              {text("UTC", "l", "", ""), Unknown, "", ""},
		"nothing":          {"", Unknown, "", ""},
		"other keys":       {"[IBGateway]\nTimeZone=Asia/Tokyo\nPeer=hdc1.ibllc.com\n", Unknown, "", ""},
		"case, space, BOM": {"\xef\xbb\xbf [LOGON]\n timezone = Asia/Tokyo \n", Asia, BasisZone, ""},
		"the last counts":  {"[Logon]\nTimeZone=Asia/Tokyo\nTimeZone=Europe/Berlin\n", Europe, BasisZone, ""},
		"Latin-1": {
			"[Logon]\nUserNameToDirectory=J\xfcrgen,x\nTimeZone=Europe/Berlin\n", Europe, BasisZone,
			"",
		},
		"unknown zone":      {text("Mars/Olympus", "l", "eu", ""), Europe, BasisServer, ReasonValue},
		"path":              {text("../../etc/localtime", "p", "", ""), America, BasisPaper, ReasonValue},
		"unknown mode":      {text("Europe/Berlin", "x", "", ""), Europe, BasisZone, ReasonValue},
		"unknown region":    {text("Europe/Berlin", "l", "mars", ""), Europe, BasisZone, ReasonValue},
		"a stranger's peer": {text("Europe/Berlin", "l", "", "zdc1.example.com:4001"), Europe, BasisZone, ReasonValue},
		"binary":            {text("Europe/Berlin", "l", "", "") + "\x00\x01", Unknown, "", ReasonBinary},
		"UTF-16":            {"\xff\xfe[\x00L\x00o\x00", Unknown, "", ReasonBinary},
		"a line is too long": {
			text("Europe/Berlin", strings.Repeat("l", maxLine), "", ""), Unknown, "",
			ReasonLongLine,
		},
		"too large": {
			text("Europe/Berlin", "l", "", "") + strings.Repeat("a=b\n", maxFile/4), Unknown, "",
			ReasonLarge,
		},
	} {
		var f Found
		if why := f.take([]byte(c.text)); why != c.why || f.Gateway != c.want || f.Basis != c.basis {
			t.Errorf("%s: %+v, %q", name, f, why)
		}
	}
}

// put writes a file of a folder of Gateway's.
func put(t *testing.T, folder, name, text string, age time.Duration) string {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

const european, asian = "[Communication]\nRegion=eu\n", "[Communication]\nRegion=asia\n"

// TestRead: the file that was changed last counts, wherever it is, and a folder without one is no error.
func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]time.Duration
		want  Region
	}{
		"none":          {nil, Unknown},
		"common":        {map[string]time.Duration{"jts.ini": 0}, Europe},
		"of a version":  {map[string]time.Duration{"ibgateway/10.37/jts.ini": 0}, Asia},
		"the newer":     {map[string]time.Duration{"jts.ini": time.Hour, "ibgateway/1037/jts.ini": 0}, Asia},
		"the older":     {map[string]time.Duration{"jts.ini": 0, "ibgateway/10.37/jts.ini": time.Hour}, Europe},
		"not a version": {map[string]time.Duration{"ibgateway/backup/jts.ini": 0}, Unknown},
	} {
		folder := t.TempDir()
		for file, age := range c.files {
			text := european
			if strings.Contains(file, "/") {
				text = asian
			}
			put(t, folder, file, text, age)
		}
		var f Found
		if f.read(folder); f.Gateway != c.want || f.Ignored != "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	var f Found
	if f.read(filepath.Join(t.TempDir(), "none")) || f != (Found{}) {
		t.Errorf("without a folder: %+v", f)
	}
}

// TestReadBad: what is not a file is ignored, and another file in the folder counts then.
func TestReadBad(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, folder string){
		"link out of the folder": func(t *testing.T, folder string) {
			link(t, put(t, t.TempDir(), "outside.ini", asian, 0), filepath.Join(folder, "jts.ini"))
		},
		"relative link out of it": func(t *testing.T, folder string) {
			put(t, filepath.Dir(folder), "outside.ini", asian, 0)
			link(t, "../outside.ini", filepath.Join(folder, "jts.ini"))
		},
		"link to itself": func(t *testing.T, folder string) { link(t, "jts.ini", filepath.Join(folder, "jts.ini")) },
		"folder": func(t *testing.T, folder string) {
			if err := os.Mkdir(filepath.Join(folder, "jts.ini"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"binary": func(t *testing.T, folder string) { put(t, folder, "jts.ini", asian+"\x00", 0) },
		"huge":   func(t *testing.T, folder string) { put(t, folder, "jts.ini", asian+strings.Repeat("\n", 9<<20), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "Jts")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			prepare(t, folder)
			var f Found
			if f.read(folder); f.Gateway != Unknown || f.Ignored == "" {
				t.Errorf("%+v", f)
			}
			put(t, folder, "ibgateway/10.37/jts.ini", european, time.Hour)
			f = Found{}
			if f.read(folder); f.Gateway != Europe || f.Ignored == "" {
				t.Errorf("with another file %+v", f)
			}
		})
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Skip(err)
	}
}

// TestChoice holds which region applies, and which is suggested.
func TestChoice(t *testing.T) {
	for _, c := range []struct{ computer, gateway, applies, suggested Region }{
		{Europe, Unknown, Europe, Europe},
		{Europe, America, Europe, America},
		{Unknown, Asia, Asia, Asia},
		{Unknown, Unknown, Unknown, Unknown},
	} {
		f := Found{Computer: c.computer, Gateway: c.gateway}
		if f.Applies() != c.applies || f.Suggested() != c.suggested {
			t.Errorf("%+v: %q applies, %q is suggested", c, f.Applies(), f.Suggested())
		}
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("[Logon]\nTimeZone=Europe/Berlin\ntradingMode=p\n" +
		"[Communication]\nRegion=eu\nPeer=zdc1.ibllc.com:4001\n"))
	f.Add([]byte("[Logon\nTimeZone==\x00"))
	f.Add(bytes.Repeat([]byte("="), maxLine+1))
	f.Fuzz(func(t *testing.T, data []byte) {
		var found Found
		found.take(data)
		if (found.Gateway == Unknown) != (found.Basis == "") || found.Zone != "" {
			t.Errorf("%+v", found)
		}
	})
}

// TestMoved: only another zone whose clocks show another time is another one for people.
func TestMoved(t *testing.T) {
	now := time.Date(2026, 12, 3, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ ours, was, is, want string }{
		{"Australia/Sydney", "Australia/Sydney", "Australia/Sydney", ""},
		{"Australia/Sydney", "Australia/Sydney", "America/New_York", "America/New_York"},
		{"Australia/Sydney", "Australia/Sydney", "Australia/Melbourne", ""},
		{"America/Denver", "America/Denver", "America/Phoenix", "America/Phoenix"}, // which is the same in winter
		{"Australia/Sydney", "", "America/New_York", "America/New_York"},           // what it was was not known
		{"Australia/Sydney", "Australia/Sydney", "", ""},
		{"Australia/Sydney", "Australia/Sydney", "Nowhere/City", ""},
		{"America/New_York", "Europe/Zurich", "Europe/Zurich", ""}, // a name that was wrong from the start
	} {
		ours, err := time.LoadLocation(c.ours)
		if err != nil {
			t.Fatal(err)
		}
		if got := moved(c.was, c.is, ours, now); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
