package resident

import (
	"context"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn/history"
)

// connectionLog is what was recorded of the connection, and the account of uptime that follows from it.
type connectionLog struct {
	keeper *history.Keeper
	folder string
	hours  atomic.Pointer[history.Hours] // in which the market is open
}

// today is the account of the local day so far.
func (l *connectionLog) today(now time.Time) history.Account {
	return l.keeper.Timeline().Days(1, now, time.Local, l.hours.Load())[0]
}

// note records what changes nothing about how time counts.
func (l *connectionLog) note(r history.Record) { l.keeper.Note(r) }

// Uptime returns what GET /uptime answers.
func (l *connectionLog) Uptime(_ context.Context, days int) (api.Uptime, error) {
	now := time.Now()
	line, err := l.keeper.Held(api.UptimeNeeds(days, now))
	if err != nil {
		return api.Uptime{}, err
	}
	return api.UptimeOf(line, days, now, l.hours.Load()), nil
}

// Log returns records of the connection log.
func (l *connectionLog) Log(_ context.Context, q api.LogQuery) (api.Log, error) {
	records, more, err := history.Query(l.folder, q.Since, q.After, q.Limit)
	if records == nil {
		records = []history.Record{}
	}
	return api.Log{Records: records, More: more}, err
}
