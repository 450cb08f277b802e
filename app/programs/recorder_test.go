package programs

import (
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/conn/history"
	"gatewatch/conn/port"
)

// TestRecorder floods the connection log for a day: the first refusals of each hour are recorded one by one, the
// others together, and none is lost.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []history.Record
		h := &recorder{note: func(r history.Record) { list = append(list, r) }}
		refused := port.Event{Kind: port.OrderRefused, Client: port.Client{Number: 1, ClientID: 7}, Reason: "read_only"}
		orders := 0
		for i := range 24 * 3600 {
			refused.Client.ClientID = int64(7 + i%2)
			h.take(refused, i%3)
			orders += 1 + i%3
			time.Sleep(time.Second)
		}
		h.take(port.Event{Kind: port.RequestRefused, Client: refused.Client}, 0) // is not recorded
		synctest.Wait()
		h.flush()
		if most := 24 * (recordsAnHour + 1); len(list) > most+recordsAnHour {
			t.Errorf("%d records in a day, more than %d", len(list), most)
		}
		count := 0
		for _, r := range list {
			if r.What != history.ProgramRefused || r.Reason != "read_only" {
				t.Fatalf("%+v", r)
			}
			if r.Program == "" && r.Count < 1000 || r.Count == 1 {
				t.Errorf("%+v", r)
			}
			count += max(1, r.Count)
		}
		if count != orders {
			t.Errorf("%d of %d orders are recorded", count, orders)
		}
	})
}
