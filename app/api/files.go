package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"gatewatch/app/api/jsonhttp"
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

func quoted(tag string) string { return `"` + tag + `"` }

// tagIn returns the tag that a file must have for a request to change it; empty if it may have any.
func tagIn(r *http.Request) string {
	return strings.Trim(strings.TrimPrefix(r.Header.Get("If-Match"), "*"), `"`)
}

// text answers with the text of a file.
func text(get func() (FileText, string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		file, tag, err := get()
		if err != nil {
			failed(w, err, http.StatusInternalServerError)
			return
		}
		file.Problems = present(file.Problems)
		w.Header().Set("ETag", quoted(tag))
		jsonhttp.Answer(w, http.StatusOK, file)
	}
}

// saveFile checks the body, writes it to a file and applies it, and answers with what is in effect then.
func saveFile[T any](save func(ctx context.Context, body []byte, tag string) error, now func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := jsonhttp.Read(w, r)
		if !ok {
			return
		}
		// An order that is being sent is waited for, and the disk.
		answer(w, r, askLimit, http.StatusInternalServerError, func(ctx context.Context) (v T, err error) {
			if err = save(ctx, body, tagIn(r)); err == nil {
				w.Header().Set("ETag", quoted(TagOf(body)))
				v = now()
			}
			return v, err
		})
	}
}
