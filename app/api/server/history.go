package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/wording"
)

const (
	defaultDays    = 7
	defaultRecords = 100
)

// HistoryBackend is the part of a [Backend] about the connection log.
type HistoryBackend interface {
	// Uptime returns the account of so many local days, and of more periods that end now.
	Uptime(ctx context.Context, days int) (api.Uptime, error)
	// Log returns records of the connection log.
	Log(ctx context.Context, q api.LogQuery) (api.Log, error)
}

func (s *Server) uptime(w http.ResponseWriter, r *http.Request) {
	q, err := jsonhttp.Query(r, "days")
	days := 0
	if err == nil {
		days, err = jsonhttp.WholeNumber(q, "days", defaultDays, 1, api.MaxDays)
	}
	costly(s, w, r, err, func(ctx context.Context) (api.Uptime, error) { return s.backend.Uptime(ctx, days) })
}

func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	query, err := logQuery(r)
	costly(s, w, r, err, func(ctx context.Context) (api.Log, error) {
		l, err := s.backend.Log(ctx, query)
		l.Texts = []string{}
		for i := range l.Records {
			l.Texts = append(l.Texts, wording.Record(&l.Records[i]))
		}
		return l, err
	})
}

// costly answers with what get returns when no other costly query is being answered. bad is what is wrong in the query.
func costly[T any](s *Server, w http.ResponseWriter, r *http.Request, bad error,
	get func(context.Context) (T, error),
) {
	if bad != nil {
		jsonhttp.Fail(w, http.StatusBadRequest, bad.Error())
		return
	}
	select {
	case s.costly <- struct{}{}:
		answer(w, r, api.CostlyLimit, http.StatusInternalServerError, func(ctx context.Context) (T, error) {
			defer func() { <-s.costly }()
			return get(ctx)
		})
		return
	case <-r.Context().Done():
	case <-s.quit:
	case <-time.After(api.TurnLimit):
	}
	w.Header().Set("Retry-After", "5")
	jsonhttp.Fail(w, http.StatusServiceUnavailable, "other queries of this kind are being answered; try again in 5 s")
}

func logQuery(r *http.Request) (query api.LogQuery, err error) {
	q, err := jsonhttp.Query(r, "since", "after", "limit")
	if err != nil {
		return query, err
	}
	if query.Limit, err = jsonhttp.WholeNumber(q, "limit", defaultRecords, 1, api.MaxRecords); err != nil {
		return query, err
	}
	if q.Has("after") {
		text := q.Get("after")
		if query.After, err = strconv.ParseUint(text, 10, 63); err != nil {
			return query, fmt.Errorf("after=%s is not the seq of a record, a whole number", jsonhttp.Quote(text))
		}
	}
	if q.Has("since") {
		text := q.Get("since")
		if query.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return query, fmt.Errorf("since=%s is not a time in RFC 3339, such as 2026-11-23T09:30:00Z",
				jsonhttp.Quote(text))
		}
	}
	return query, nil
}
