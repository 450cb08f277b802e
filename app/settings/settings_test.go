package settings

import (
	"reflect"
	"testing"
	"time"

	"gatewatch/app/strict"
)

// TestDiff changes every key in turn, so that no new one can be forgotten.
func TestDiff(t *testing.T) {
	if got := Diff(Default(), Default()); len(got) > 0 {
		t.Errorf("equal settings differ in %v", got)
	}
	empty := Default()
	empty.ResetWindows = nil
	if got := Diff(Default(), empty); len(got) > 0 {
		t.Errorf("no windows differ from none in %v", got)
	}
	var each func(now *Settings, v reflect.Value, path string)
	each = func(now *Settings, v reflect.Value, path string) {
		for _, f := range strict.Fields(v.Type()) {
			key, at := v.Field(f.Index), strict.Join(path, f.Key)
			before := reflect.ValueOf(key.Interface())
			switch key.Kind() {
			case reflect.Struct:
				each(now, key, at)
				continue
			case reflect.Bool:
				key.SetBool(!key.Bool())
			case reflect.String:
				key.SetString(key.String() + "x")
			case reflect.Int:
				key.SetInt(key.Int() + 1)
			case reflect.Float64:
				key.SetFloat(key.Float() + 1)
			case reflect.Slice:
				key.Set(reflect.MakeSlice(key.Type(), 1, 1))
			}
			want := []string{at}
			if at == "$schema" {
				want = nil
			}
			if got := Diff(Default(), *now); !reflect.DeepEqual(got, want) {
				t.Errorf("changed %s: got %v", at, got)
			}
			key.Set(before)
		}
	}
	now := Default()
	each(&now, reflect.ValueOf(&now).Elem(), "")
}

func TestDurations(t *testing.T) {
	s := Default()
	for name, d := range map[string][2]time.Duration{
		"connect timeout": {s.Gateway.ConnectTimeout(), 10 * time.Second},
		"poll":            {s.Watchdog.Poll(), time.Second},
		"soft":            {s.Watchdog.Soft(), 1500 * time.Millisecond},
		"hard":            {s.Watchdog.Hard(), 10 * time.Second},
		"last delay":      {s.Reconnect.Delays()[3], 15 * time.Second},
		"stable":          {s.Reconnect.Stable(), 10 * time.Second},
		"tick age":        {s.Trading.MaxTickAge(), time.Minute},
		"proof of life":   {s.Trading.ProofOfLife(), 250 * time.Millisecond},
		"before restarts": {s.Trading.closeBeforeRestart(), 15 * time.Second},
		"rounded":         {seconds(0.001), time.Millisecond},
	} {
		if d[0] != d[1] {
			t.Errorf("%s: got %v, want %v", name, d[0], d[1])
		}
	}
	if got := (ResetWindow{Days: []string{"sat", "sun"}}).weekdays(); !reflect.DeepEqual(got, []time.Weekday{
		time.Sunday, time.Saturday,
	}) {
		t.Errorf("weekdays: %v", got)
	}
	if got := (ResetWindow{}).weekdays(); len(got) != 7 {
		t.Errorf("every day: %v", got)
	}
	if hour, minute, err := ParseClock("23:07"); hour != 23 || minute != 7 || err != nil {
		t.Errorf("clock: %d, %d, %v", hour, minute, err)
	}
	if _, _, err := ParseClock("24:00"); err == nil {
		t.Error("24:00 is no time of day")
	}
	for level, want := range map[string]string{
		"debug": "DEBUG", "warn": "WARN", "error": "ERROR", "info": "INFO",
		"?": "INFO",
	} {
		if got := (Log{Level: level}).Severity().String(); got != want {
			t.Errorf("level %s: %s", level, got)
		}
	}
}
