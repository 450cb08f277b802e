package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"gatewatch/app/settings"
)

// FileText is the answer to GET /settings/text and GET /rules/text: a file that people write, as text.
type FileText struct {
	Path     string             `json:"path"`
	Found    bool               `json:"found"`    // whether the file exists
	Text     string             `json:"text"`     // of the file; if it does not exist, of what is in effect
	Problems []settings.Problem `json:"problems"` // what is wrong in it
}

// FileTextOf describes a file that people edit as text.
func FileTextOf(path string, found bool, text []byte, problems settings.Problems) FileText {
	shown := string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) // a byte order mark is no text
	return FileText{Path: path, Found: found, Text: shown, Problems: problems}
}

// TagOf names the content of a file, for If-Match. A file that does not exist has that of an empty one.
func TagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ETag returns a tag as HTTP writes it in a header.
func ETag(tag string) string { return `"` + tag + `"` }
