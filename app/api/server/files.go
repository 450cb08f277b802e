package server

import (
	"context"
	"net/http"
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// tagIn returns the tag that a file must have for a request to change it; empty if it may have any.
func tagIn(r *http.Request) string {
	return strings.Trim(strings.TrimPrefix(r.Header.Get("If-Match"), "*"), `"`)
}

// text answers with the text of a file.
func text(get func() (api.FileText, string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		file, tag, err := get()
		if err != nil {
			failed(w, err, http.StatusInternalServerError)
			return
		}
		file.Problems = present(file.Problems)
		w.Header().Set("ETag", api.ETag(tag))
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
				w.Header().Set("ETag", api.ETag(api.TagOf(body)))
				v = now()
			}
			return v, err
		})
	}
}
