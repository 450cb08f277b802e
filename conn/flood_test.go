package conn

import (
	"testing"
	"time"

	"gatewatch/conn/ib"
)

func at(mono time.Duration) instant {
	return instant{Moment: ib.Moment{Wall: time.Unix(0, 0).Add(mono), Mono: mono}}
}

// TestFloodOfOneCode passes a few of what repeats, then one for each time with a count, and forgets the code when it is
// quiet.
func TestFloodOfOneCode(t *testing.T) {
	var f flood
	told, left := 0, uint64(0)
	count := func(list []Event) {
		for _, e := range list {
			told++
			left += e.More
		}
	}
	const each = 10 * time.Millisecond
	for i := range 6000 { // a minute
		count(f.pass(at(time.Duration(i)*each), Connected, []Event{{Kind: EventNotice, Code: 2109}}))
	}
	if told > 4*(floodPassed+1) {
		t.Errorf("%d events were told of 6000", told)
	}
	count(f.pass(at(time.Hour), Connected, nil))
	if got := uint64(told) + left; got != 6000 {
		t.Errorf("%d events are accounted for, want 6000", got)
	}
	f.pass(at(2*time.Hour), Connected, nil)
	f.pass(at(3*time.Hour), Connected, nil)
	if len(f.subjects) != 0 {
		t.Errorf("%d subjects are remembered", len(f.subjects))
	}
	if list := f.pass(at(4*time.Hour), Connected, []Event{{Kind: EventNotice, Code: 2109}}); len(list) != 1 ||
		list[0].More != 0 {
		t.Errorf("after a quiet time: %+v", list)
	}
}

// TestFloodKeepsLossAndRecovery lets upstream flap: however often it does, what passes last is how it is, and both
// ways pass.
func TestFloodKeepsLossAndRecovery(t *testing.T) {
	for _, flaps := range []int{1, 2, 9, 10, 11, 12, 999, 1000} {
		var f flood
		var list []Event
		var last EventKind
		for i := range flaps {
			last = EventUpstreamLost
			if i%2 == 1 {
				last = EventUpstreamRestored
			}
			list = append(list, f.pass(at(time.Duration(i)), Connected, []Event{{Kind: last}})...)
		}
		list = append(list, f.pass(at(floodTime), Connected, nil)...)
		if e := list[len(list)-1]; len(list) > 2*floodPassed && (e.At != at(floodTime).Wall ||
			e.State != Connected) {
			t.Errorf("%d flaps: told late with the time %v and the state %s", flaps, e.At, e.State)
		}
		if got := list[len(list)-1].Kind; got != last {
			t.Errorf("%d flaps: told last is %s, want %s", flaps, got, last)
		}
		if len(list) > 2*floodPassed+2 {
			t.Errorf("%d flaps: %d events", flaps, len(list))
		}
	}
}

// TestFloodOfCodes says a new code each time: the subjects are bounded, and other events pass.
func TestFloodOfCodes(t *testing.T) {
	var f flood
	told := 0
	for i := range 100_000 {
		told += len(f.pass(at(time.Duration(i)), Connected, []Event{{Kind: EventNotice, Code: i}}))
	}
	if len(f.subjects) > floodSubjects+1 || told > floodSubjects+floodPassed {
		t.Errorf("%d subjects, %d events", len(f.subjects), told)
	}
	if list := f.pass(at(time.Second), Connected, []Event{{Kind: EventLost}}); len(list) != 1 {
		t.Errorf("a loss: %+v", list)
	}
	if list := f.pass(at(time.Second), Connected,
		[]Event{{Kind: EventFarm, Detail: "usfarm", Farm: FarmBroken}}); len(list) != 1 {
		t.Errorf("a farm: %+v", list)
	}
}

// TestFloodEnds passes at the end what was kept.
func TestFloodEnds(t *testing.T) {
	var f flood
	for range 100 {
		f.pass(at(0), Connected, []Event{
			{Kind: EventFarm, Detail: "usfarm", Farm: FarmOK},
			{Kind: EventFarm, Detail: "usfarm", Farm: FarmBroken},
		})
	}
	list := f.pass(at(1), Connected, []Event{{Kind: EventStopped}})
	if len(list) != 3 || list[1].Farm != FarmBroken || list[2].Kind != EventStopped {
		t.Errorf("%+v", list)
	}
}

// TestFloodEndsWithAChange lets what was kept pass together with an event that changes the state: the change is its.
func TestFloodEndsWithAChange(t *testing.T) {
	var f flood
	for range 100 {
		f.pass(at(0), Paused, []Event{{Kind: EventMarketFarmOK}})
	}
	list := f.pass(at(time.Hour), Connecting, []Event{{Kind: EventResumed, State: Connecting}})
	if len(list) != 2 || list[0].State != Paused || list[1].State != Connecting {
		t.Errorf("%+v", list)
	}
}
