package region

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Reason is why jts.ini, or a part of it, is ignored. Its text is stable, and nothing in it comes from outside.
type Reason string

// The reasons.
const (
	ReasonNoFile     Reason = "no regular file, or a link that leaves its folder"
	ReasonUnreadable Reason = "cannot be read"
	ReasonLarge      Reason = "too large"
	ReasonLongLine   Reason = "a line is too long"
	ReasonBinary     Reason = "not a text"
	ReasonValue      Reason = "a value is not known"
)

// What jts.ini may be; that of a Gateway in use has some 2 KB.
const (
	maxFile     = 64 << 10
	maxLine     = 4 << 10
	maxVersions = 100 // of Gateway, of which each may have a jts.ini
)

// read looks for jts.ini in a folder and in those of Gateway's versions below it, the newest first, and reports whether
// one shows a region. Links may not lead out of the folder. Nothing is ever written.
func (f *Found) read(folder string) bool {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return false // no Gateway was installed here
	}
	defer root.Close()
	for _, name := range f.candidates(root) {
		data, reason := contentOf(root.OpenFile(name, os.O_RDONLY|noWait, 0))
		if reason == "" {
			reason = f.take(data)
		}
		if f.Ignored == "" {
			f.Ignored = reason
		}
		if f.Gateway != Unknown {
			return true
		}
	}
	return false
}

var version = regexp.MustCompile(`^[0-9][0-9.]{0,15}$`)

// candidates lists the files named jts.ini, the one that was changed last first.
func (f *Found) candidates(root *os.Root) (names []string) {
	possible := []string{"jts.ini"}
	if dir, err := root.Open("ibgateway"); err == nil {
		entries, _ := dir.ReadDir(maxVersions)
		dir.Close()
		for _, e := range entries {
			if version.MatchString(e.Name()) {
				possible = append(possible, "ibgateway/"+e.Name()+"/jts.ini")
			}
		}
	}
	infos := map[string]fs.FileInfo{}
	for _, name := range possible {
		info, err := root.Stat(name)
		switch {
		case err == nil && info.Mode().IsRegular():
			infos[name] = info
			names = append(names, name)
		case !errors.Is(err, fs.ErrNotExist):
			f.Ignored = ReasonNoFile
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return infos[b].ModTime().Compare(infos[a].ModTime()) })
	return names
}

// contentOf reads a file that was opened with noWait, and closes it.
func contentOf(file *os.File, err error) ([]byte, Reason) {
	if err != nil {
		return nil, ReasonUnreadable
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, ReasonUnreadable
	case !info.Mode().IsRegular():
		return nil, ReasonNoFile
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, ReasonUnreadable
	}
	return data, ""
}

// take takes in what a jts.ini says, and says why not all of it counts.
func (f *Found) take(data []byte) Reason {
	if len(data) > maxFile {
		return ReasonLarge
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.ContainsFunc(data, func(r rune) bool {
		return r != '\t' && r != '\r' && r != '\n' && (r < ' ' || r == 0x7f)
	}) {
		return ReasonBinary
	}
	values, ok := valuesOf(data)
	if !ok {
		return ReasonLongLine
	}
	peer, ofIBKR := regionOfPeer(values["communication.peer"])
	server := servers[strings.ToLower(values["communication.region"])]
	zone, paper := ofZone(values["logon.timezone"]), modes[strings.ToLower(values["logon.tradingmode"])]
	f.Paper = paper == "p"
	switch {
	case peer != Unknown:
		f.Gateway, f.Basis = peer, BasisServer
	case server != Unknown:
		f.Gateway, f.Basis = server, BasisServer
	case zone != Unknown:
		f.Gateway, f.Basis = zone, BasisZone
	case f.Paper:
		f.Gateway, f.Basis = America, BasisPaper
	}
	says := func(key string, known bool) bool { return values[key] != "" && !known }
	if says("logon.timezone", zone != Unknown || isUTC(values["logon.timezone"])) ||
		says("logon.tradingmode", paper != "") || says("communication.region", server != Unknown) ||
		says("communication.peer", ofIBKR) {
		return ReasonValue
	}
	return ""
}

// valuesOf returns the values of all keys, such as logon.timezone, in lower case; ok is false if a line is too long. Of
// a key that occurs more than once the last value counts, as for Gateway.
func valuesOf(data []byte) (values map[string]string, ok bool) {
	values = map[string]string{}
	section := ""
	for line := range bytes.Lines(data) {
		if len(line) > maxLine {
			return nil, false
		}
		text := strings.TrimSpace(string(line))
		if name, found := strings.CutPrefix(text, "["); found {
			section, _, _ = strings.Cut(strings.ToLower(name), "]")
			continue
		}
		if key, value, found := strings.Cut(text, "="); found {
			values[section+"."+strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return values, true
}

// modes are the kinds of account in jts.ini.
var modes = map[string]string{"p": "p", "paper": "p", "l": "l", "live": "l"}

// servers are the regions of servers by their names in jts.ini.
var servers = map[string]Region{
	"us": America, "america": America, "eu": Europe, "europe": Europe, "as": Asia, "asia": Asia, "hk": Asia, "cn": Asia,
}

// peers are IBKR's servers by the first part of their names: Newark and Chicago, Zurich, Hong Kong and Singapore, and
// the one for China.
var peers = map[string]Region{
	"ndc1": America, "cdc1": America, "zdc1": Europe, "hdc1": Asia, "sdc1": Asia, "mcgw1": Asia,
}

// regionOfPeer returns the region of a server such as zdc1.ibllc.com:4001, or of its reserve, zdc1-hb1.ibllc.com, and
// whether it is one of IBKR's at all.
func regionOfPeer(peer string) (r Region, ofIBKR bool) {
	host, _, _ := strings.Cut(strings.ToLower(peer), ":")
	name, domain, _ := strings.Cut(host, ".")
	if domain != "ibllc.com" && domain != "ibllc.com.cn" {
		return Unknown, false
	}
	if i := strings.IndexAny(name, "-_"); i >= 0 {
		name = name[:i]
	}
	return peers[name], true
}
