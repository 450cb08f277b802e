// Package settings is what a person can choose: the types behind settings.json, their defaults and limits,
// a strict loader, an atomic writer and a watcher for live changes.
//
// A limit is written once, in the struct tag of its field, as package strict describes them: the loader checks it and
// settings.schema.json repeats it for editors. More tags are for forms: label names a key for people, words its options
// in the order of enum, section is the title of the [Section] that a key or the object around it belongs to, effect
// says what a change interrupts or waits for, and page is the page of the window on which a key is edited instead.
package settings

import (
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatewatch/app/strict"
)

//go:generate go test -run ^TestGenerated$ -update .

// Settings is the content of settings.json. The zero value is not useful: start from [Default].
type Settings struct {
	Schema       string        `json:"$schema" doc:"The schema that editors use for completion and checking. It has no effect on the program."`
	Gateway      Gateway       `json:"gateway" section:"Connection" doc:"Where IB Gateway or TWS listens and how to sign on there."`
	Watchdog     Watchdog      `json:"watchdog" section:"Advanced" doc:"How a silent connection is noticed."`
	Reconnect    Reconnect     `json:"reconnect" section:"Advanced" doc:"When to try again after a loss."`
	ResetTime    string        `json:"reset_time" section:"Reset windows" label:"Daily reset starts at" doc:"Start of the daily reset of Gateway, a time of day in its time zone. Inside the window reconnecting and alerts rest." format:"clock"`
	Timezone     string        `json:"timezone" section:"Reset windows" label:"Time zone of the daily reset" doc:"An IANA name such as Australia/Sydney, or Local for the zone of this computer." format:"timezone"`
	ResetMinutes int           `json:"reset_minutes" section:"Reset windows" label:"Daily reset lasts (minutes)" doc:"Length of the daily reset window, also after a restart that Gateway announces; 0 means there is none." min:"0" max:"720"`
	ResetWindows []ResetWindow `json:"reset_windows" section:"Reset windows" label:"More reset windows" doc:"More reset windows beside the daily one." count:"0..50"`
	API          API           `json:"api" section:"Advanced" doc:"The HTTP interface on this computer's loopback address."`
	Notices      Notices       `json:"notices" section:"Notifications" doc:"Notices on the desktop."`
	Trading      Trading       `json:"trading" section:"Trading limits" doc:"When rules may trigger and place orders."`
	MarketHours  MarketHours   `json:"market_hours" section:"Trading limits" doc:"The hours in which the market of interest is open. Uptime is shown for them, too."`
	GuardedPort  GuardedPort   `json:"guarded_port" section:"Guarded port" doc:"A port for other programs, which guards their orders as Gatewatch guards its own."`
	Alerts       Alerts        `json:"alerts" section:"Alerts" doc:"What is sent by email, Slack, webhook and other services."`
	Email        Email         `json:"email" section:"Alerts" page:"Alerts" doc:"Alerts by email, over SMTP."`
	Slack        Slack         `json:"slack" section:"Alerts" page:"Alerts" doc:"Alerts to a Slack channel."`
	Webhook      Webhook       `json:"webhook" section:"Alerts" page:"Alerts" doc:"Alerts as JSON to an HTTP address."`
	Heartbeat    Heartbeat     `json:"heartbeat" section:"Alerts" page:"Alerts" doc:"A sign of life to an HTTP address that someone watches: a dead computer sends no alert."`
	Tray         Tray          `json:"tray" section:"Advanced" doc:"The icon in the notification area."`
	Log          Log           `json:"log" section:"Advanced" doc:"The program's own log."`
}

// Section is a part of the settings that belongs together.
type Section struct {
	Title, Doc string
	Keys       bool // the keys are shown, too
}

// Sections are all sections, in the order in which forms show them.
var Sections = []Section{
	{Title: "Connection", Doc: "Where IB Gateway or TWS listens, and how Gatewatch signs on"},
	{Title: "Reset windows", Doc: "When Gateway is expected to be down: reconnecting and alerts rest"},
	{Title: "Trading limits", Doc: "What rules may do: an order that exceeds a limit is blocked"},
	{Title: "Notifications", Doc: "On the desktop of this computer"},
	{Title: "Alerts", Doc: "By email and chat, wherever you are: the page Alerts has a form for each"},
	{Title: "Guarded port", Doc: "A port for your own programs, which guards their orders too"},
	{Title: "Advanced", Doc: "Times of the watchdog, ports and logs, with their keys in settings.json", Keys: true},
}

// Gateway says where IB Gateway or TWS listens.
type Gateway struct {
	Host                  string  `json:"host" label:"Host" effect:"Saving reconnects to Gateway" doc:"Host name or IP address of the computer that runs IB Gateway or TWS, without a port." format:"host"`
	Port                  int     `json:"port" label:"Port" effect:"Saving reconnects to Gateway" doc:"API port; 0 means find it: 4002, 7497, 4001, 7496 in this order, paper before live." min:"0" max:"65535"`
	ClientID              int     `json:"client_id" label:"Client ID" effect:"Saving reconnects to Gateway" doc:"API client id. Each program on one Gateway needs its own; orders can be changed only from the id that placed them. Id 0 takes over (binds) orders placed by hand in TWS." min:"0" max:"2147483647"`
	Mode                  string  `json:"mode" label:"Accounts" effect:"Saving reconnects to Gateway" words:"Paper only,Live only,Paper or live" doc:"Which accounts are accepted: paper, live, or any. Orders are placed in a live account only if it is live." enum:"paper,live,any"`
	ConnectTimeoutSeconds float64 `json:"connect_timeout_seconds" label:"Connection timeout (seconds)" section:"Advanced" doc:"Seconds a connection attempt may take until Gateway is ready." min:"0.001" max:"120"`
}

// ConnectTimeout is the time an attempt may take.
func (g Gateway) ConnectTimeout() time.Duration { return seconds(g.ConnectTimeoutSeconds) }

// Watchdog says when silence counts as a loss.
type Watchdog struct {
	PollSeconds float64 `json:"poll_seconds" label:"Check the connection every (seconds)" doc:"Seconds between two looks at the connection." min:"1" max:"5"`
	SoftSeconds float64 `json:"soft_seconds" label:"Block orders without an answer for (seconds)" doc:"Seconds a probe may stay unanswered before orders are blocked." min:"0.001" max:"600"`
	HardSeconds float64 `json:"hard_seconds" label:"Reconnect without an answer for (seconds)" doc:"Seconds a probe may stay unanswered before Gatewatch drops the connection and reconnects. Must exceed soft_seconds." min:"0.001" max:"3600"`
}

// Poll is the time between two looks at the connection.
func (w Watchdog) Poll() time.Duration { return seconds(w.PollSeconds) }

// Soft is the silence after which orders are held back.
func (w Watchdog) Soft() time.Duration { return seconds(w.SoftSeconds) }

// Hard is the silence after which the connection is dropped.
func (w Watchdog) Hard() time.Duration { return seconds(w.HardSeconds) }

// Reconnect says when to try again.
type Reconnect struct {
	DelaysSeconds  []float64 `json:"delays_seconds" label:"Wait before attempts (seconds)" doc:"Seconds to wait before each attempt; the last one repeats." min:"0.001" max:"3600" count:"1..20"`
	Jitter         float64   `json:"jitter" label:"Random part of the wait" doc:"Share by which a delay is shortened at random, at most, and by a quarter of it at least: 0.2 turns 10 seconds into 8 to 9.5." min:"0" max:"0.5"`
	StableSeconds  float64   `json:"stable_seconds" label:"Stable after (seconds)" doc:"Seconds a connection must last before the delays start from the first again." min:"0" max:"3600"`
	WatchLocalPort bool      `json:"watch_local_port" label:"Watch Gateway's port" doc:"While waiting, watch the port of a Gateway on this computer and connect the moment it opens."`
}

// Delays are the waits before each attempt; the last one repeats.
func (r Reconnect) Delays() []time.Duration {
	delays := make([]time.Duration, len(r.DelaysSeconds))
	for i, s := range r.DelaysSeconds {
		delays[i] = seconds(s)
	}
	return delays
}

// Stable is the time connected after which the delays start again.
func (r Reconnect) Stable() time.Duration { return seconds(r.StableSeconds) }

// ResetWindow is one entry of reset_windows: either Preset is set and nothing else (in JSON just its name),
// or the others are (in JSON an object).
type ResetWindow struct {
	Preset   string   `json:"-" alone:"the name of a preset" words:"IBKR America,IBKR Europe,IBKR Asia,IBKR weekend" doc:"A published reset window of IBKR." enum:"ibkr-america,ibkr-europe,ibkr-asia,ibkr-weekend"`
	Days     []string `json:"days,omitempty" words:"Mon,Tue,Wed,Thu,Fri,Sat,Sun" label:"Days" doc:"Days on which the window starts; without this key, every day." enum:"mon,tue,wed,thu,fri,sat,sun" count:"1..7" unique:"true"`
	Start    string   `json:"start" label:"Starts at" doc:"Time of day at which the window starts." format:"clock" required:"true"`
	Minutes  int      `json:"minutes" label:"Lasts (minutes)" doc:"Length of the window in minutes." min:"1" max:"2880" required:"true"`
	Timezone string   `json:"timezone,omitempty" label:"Time zone" doc:"Time zone of start, an IANA name or Local; without this key, the top-level timezone." format:"timezone"`
}

// weekdays are the days on which the window starts, every day if none is named.
func (w ResetWindow) weekdays() []time.Weekday {
	if len(w.Days) == 0 {
		return weekdays(dayNames)
	}
	return weekdays(w.Days)
}

// Presets are the names that stand for a published reset window.
func Presets() []string {
	preset, _ := strict.Alone(reflect.TypeFor[ResetWindow]())
	return preset.Limits.Enum
}

// PresetWords are the presets in words, in the same order.
func PresetWords() []string {
	f, _ := reflect.TypeFor[ResetWindow]().FieldByName("Preset")
	return strings.Split(f.Tag.Get("words"), ",")
}

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func weekdays(names []string) []time.Weekday {
	var days []time.Weekday
	for i, name := range dayNames {
		if slices.Contains(names, name) {
			days = append(days, time.Weekday(i))
		}
	}
	return days
}

// API is the HTTP interface on the loopback address.
type API struct {
	Port int `json:"port" label:"Port of Gatewatch's API" doc:"Port on 127.0.0.1; 0 means any free one. If it is taken, the next free one is used, and this one as soon as it is free." min:"0" max:"65535"`
}

// Notices says what is shown on the desktop.
type Notices struct {
	Desktop             bool    `json:"desktop" label:"Desktop notifications" doc:"Show a desktop notification when the connection is lost, and when it is back."`
	DesktopAfterSeconds float64 `json:"desktop_after_seconds" label:"Notify of an outage after (seconds)" doc:"Seconds an outage must last before a desktop notification. Orders are blocked without any delay." min:"0" max:"3600"`
	QuietFrom           string  `json:"quiet_from" label:"Quiet from" doc:"Start of the daily quiet hours on the desktop, a time of day on this computer's clock; empty: none. What lasts beyond them is sent then." format:"clock_or_empty"`
	QuietUntil          string  `json:"quiet_until" label:"Quiet until" doc:"End of the quiet hours on the desktop; may be on the next day." format:"clock_or_empty"`
	WeeklyReminderHours float64 `json:"weekly_reminder_hours" label:"Remind of the weekly login (hours before)" doc:"Hours before the weekly login of Gateway ends, Sunday 01:00 in New York, to remind of it, on the desktop and by alerts; 0: no reminder." min:"0" max:"72"`
}

// DesktopAfter is how long an outage must last before it is shown.
func (n Notices) DesktopAfter() time.Duration { return seconds(n.DesktopAfterSeconds) }

// WeeklyReminder is how long before the end of the weekly login it is reminded of; 0: not at all.
func (n Notices) WeeklyReminder() time.Duration {
	return time.Duration(n.WeeklyReminderHours * float64(time.Hour))
}

// MarketHours are the hours in which the market of interest is open. Without days there are none.
type MarketHours struct {
	Days     []string `json:"days" words:"Mon,Tue,Wed,Thu,Fri,Sat,Sun" label:"Market days" doc:"Days on which the market opens; none means that there are no market hours." enum:"mon,tue,wed,thu,fri,sat,sun" count:"0..7" unique:"true"`
	Open     string   `json:"open" label:"Market opens at" doc:"Time of day at which the market opens." format:"clock"`
	Close    string   `json:"close" label:"Market closes at" doc:"Time of day at which it closes; not after open means on the next day." format:"clock"`
	Timezone string   `json:"timezone" label:"Time zone of the market" doc:"Time zone of open and close, an IANA name or Local." format:"timezone"`
}

// weekdays are the days on which the market opens.
func (m MarketHours) weekdays() []time.Weekday { return weekdays(m.Days) }

// Trading limits what rules may do.
type Trading struct {
	ArmAtStart                bool     `json:"arm_at_start" label:"Turn on trading at each start" doc:"Turn on trading at each start, without a confirmation; on a LIVE account only where gateway.mode is live. Otherwise it is turned on by hand after each start."`
	MaxTickAgeSeconds         float64  `json:"max_tick_age_seconds" label:"Oldest price that triggers a rule (seconds)" doc:"Rules do not trigger on an instrument without news for this long." min:"1" max:"3600"`
	ProofOfLifeMS             int      `json:"proof_of_life_ms" label:"Proof of life for orders (milliseconds)" section:"Advanced" doc:"An order is sent only if something was heard from Gateway within this many milliseconds. Otherwise Gateway is asked first, at most once a second, and the order is blocked if it does not answer within the same time." min:"50" max:"3000"`
	CloseBeforeRestartSeconds int      `json:"close_before_restart_seconds" label:"Block orders before Gateway restarts (seconds)" doc:"The order guard closes so many seconds before Gateway restarts or logs off, if Gateway announces it: orders sent in that moment get lost. 0: it does not close." min:"0" max:"300"`
	OrdersPerMinute           int      `json:"orders_per_minute" label:"Orders per minute" doc:"Orders that may be sent within a minute; 0: none." min:"0" max:"10000"`
	OrdersPerDay              int      `json:"orders_per_day" label:"Orders per day" doc:"Orders that may be sent within a day; 0: none." min:"0" max:"100000"`
	MaxQuantity               float64  `json:"max_quantity" label:"Quantity of one order" doc:"Most shares or contracts of one order; 0: none." min:"0" max:"99999999999"`
	MaxNotional               float64  `json:"max_notional" label:"Value of one order" doc:"Most that one order may be worth, in the contract's currency: price by quantity by multiplier; 0: nothing." min:"0" max:"1e12"`
	Instruments               []string `json:"instruments" label:"Instruments" doc:"Symbols that may be traded; an empty list means all." format:"word" count:"0..1000" unique:"true"`
}

// MaxTickAge is how long an instrument may be silent and still trigger rules.
func (t Trading) MaxTickAge() time.Duration { return seconds(t.MaxTickAgeSeconds) }

// closeBeforeRestart is how long before a restart of Gateway the guard closes.
func (t Trading) closeBeforeRestart() time.Duration {
	return time.Duration(t.CloseBeforeRestartSeconds) * time.Second
}

// ProofOfLife is within which time Gateway must have been heard for an order to leave.
func (t Trading) ProofOfLife() time.Duration {
	return time.Duration(t.ProofOfLifeMS) * time.Millisecond
}

// GuardedPort is the port to which other programs connect instead of Gateway's.
type GuardedPort struct {
	Port          int       `json:"port" label:"Port for programs" doc:"Port on 127.0.0.1 that other programs connect to instead of Gateway's; 0: none." min:"0" max:"65535"`
	Mode          string    `json:"mode" label:"Orders while the order guard is closed" words:"Refuse them,Only record them" doc:"guard: orders are refused while the order guard is closed. observe: they are sent, and what would have been refused is recorded. Stop all trading and read_only refuse orders in both." enum:"guard,observe"`
	ProofOfLifeMS int       `json:"proof_of_life_ms" label:"Proof of life for orders of programs (milliseconds)" section:"Advanced" doc:"An order of a program is sent only if something was heard from Gateway within this many milliseconds. Otherwise Gateway is asked first, at most once a second, and the order is refused if it does not answer within the same time." min:"50" max:"3000"`
	Programs      []Program `json:"programs" label:"Programs" page:"Programs" doc:"Options of programs, by their client id." count:"0..32"`
}

// Program says what the program with a client id may do at the guarded port.
type Program struct {
	ClientID           int  `json:"client_id" doc:"The client id with which the program signs on." min:"0" max:"2147483647" required:"true"`
	CancelOnDisconnect bool `json:"cancel_on_disconnect,omitempty" doc:"Cancel its working orders when its connection ends."`
	MaxOrdersPerMinute int  `json:"max_orders_per_minute,omitempty" doc:"Orders and changes that it may send within a minute; 0 or without this key: as many as it likes." min:"0" max:"10000"`
	ReadOnly           bool `json:"read_only,omitempty" doc:"Refuse its orders."`
}

// ProofOfLife is within which time Gateway must have been heard for an order of a program to leave.
func (g GuardedPort) ProofOfLife() time.Duration {
	return time.Duration(g.ProofOfLifeMS) * time.Millisecond
}

// Alerts says what is sent to people who are not at this computer.
type Alerts struct {
	AfterSeconds float64  `json:"after_seconds" label:"Send alerts of an outage after (seconds)" doc:"Seconds an outage must last before alerts are sent." min:"0" max:"86400"`
	QuietFrom    string   `json:"quiet_from" label:"Quiet from" doc:"Start of the daily quiet hours of alerts, a time of day on this computer's clock; empty: none. What lasts beyond them is sent then." format:"clock_or_empty"`
	QuietUntil   string   `json:"quiet_until" label:"Quiet until" doc:"End of the quiet hours of alerts; may be on the next day." format:"clock_or_empty"`
	Services     []string `json:"services" label:"Other services" page:"Alerts" doc:"More services: references to secrets that are shoutrrr URLs, such as keyring:telegram for telegram://TOKEN@telegram?chats=ID." format:"secret" count:"0..20" unique:"true"`
}

// After is how long an outage must last before an alert is sent.
func (a Alerts) After() time.Duration { return seconds(a.AfterSeconds) }

// Email is how alerts are mailed. Without a server or an address to send to there is no mail.
type Email struct {
	Server     string   `json:"server" label:"Email server" doc:"Host name of the SMTP server; empty: no mail is sent." format:"host_or_empty"`
	Port       int      `json:"port" label:"Email port" doc:"Port of the SMTP server." min:"1" max:"65535"`
	Encryption string   `json:"encryption" label:"Email encryption" words:"Automatic,STARTTLS,TLS,None" doc:"auto: TLS at port 465, elsewhere STARTTLS where the server offers it." enum:"auto,starttls,tls,none"`
	User       string   `json:"user" label:"Email user" doc:"Name for the login at the server; empty: without a login." format:"line"`
	Password   string   `json:"password" label:"Email password" doc:"Reference to the password: keyring:NAME (see gatewatch secret set), file:NAME or env:NAME." format:"secret"`
	From       string   `json:"from" label:"Email sender" doc:"Address of the sender." format:"email_or_empty"`
	To         []string `json:"to" label:"Email receivers" doc:"Addresses of the receivers." format:"email" count:"0..20" unique:"true"`
}

// Slack is a Slack channel.
type Slack struct {
	WebhookURL string `json:"webhook_url" label:"Slack webhook URL" doc:"Reference to the URL of an incoming webhook, which is a secret: keyring:NAME, file:NAME or env:NAME; empty: none." format:"secret"`
}

// Webhook is an HTTP address that takes alerts as JSON.
type Webhook struct {
	URL        string `json:"url" label:"Webhook URL" doc:"Reference to the URL, which is a secret: keyring:NAME, file:NAME or env:NAME; empty: none." format:"secret"`
	SigningKey string `json:"signing_key" label:"Webhook signing key" doc:"Reference to the key with which each alert is signed (HMAC-SHA256): keyring:NAME, file:NAME or env:NAME; empty: not signed." format:"secret"`
}

// Heartbeat is an HTTP address that is called as long as the program runs.
type Heartbeat struct {
	URL                string  `json:"url" label:"Heartbeat URL" doc:"Reference to the URL, which is a secret: keyring:NAME, file:NAME or env:NAME; empty: none." format:"secret"`
	EverySeconds       float64 `json:"every_seconds" label:"Heartbeat every (seconds)" doc:"Seconds between two calls." min:"10" max:"86400"`
	OnlyWhileConnected bool    `json:"only_while_connected" label:"Heartbeat only while connected" doc:"Call only while connected, so that the monitoring service also notices an outage."`
}

// Every is the time between two calls.
func (h Heartbeat) Every() time.Duration { return seconds(h.EverySeconds) }

// Tray is the icon in the notification area.
type Tray struct {
	Monochrome bool `json:"monochrome" label:"One-colour icon" effect:"Takes effect at the next start" doc:"On macOS: one colour, tinted by the system."`
}

// Log is the program's own log.
type Log struct {
	Level string `json:"level" label:"Log level" words:"Debug,Info,Warnings,Errors" doc:"Least severity that is written." enum:"debug,info,warn,error"`
}

// Severity is the level for slog, Info if the name is unknown.
func (l Log) Severity() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level))
	return level
}

// Default returns the settings that hold when no one has chosen otherwise.
func Default() Settings {
	return Settings{
		Schema:   SchemaRef,
		Gateway:  Gateway{Host: "127.0.0.1", Port: 0, ClientID: 17, Mode: "any", ConnectTimeoutSeconds: 10},
		Watchdog: Watchdog{PollSeconds: 1, SoftSeconds: 1.5, HardSeconds: 10},
		Reconnect: Reconnect{
			DelaysSeconds: []float64{1, 2, 5, 15}, Jitter: 0.2, StableSeconds: 10,
			WatchLocalPort: true,
		},
		ResetTime:    "18:00",
		Timezone:     "Australia/Sydney",
		ResetMinutes: 15,
		ResetWindows: []ResetWindow{},
		API:          API{Port: 8765},
		Notices:      Notices{Desktop: true, DesktopAfterSeconds: 5, WeeklyReminderHours: 12},
		MarketHours: MarketHours{
			Days: []string{"mon", "tue", "wed", "thu", "fri"}, Open: "09:30", Close: "16:00",
			Timezone: "America/New_York",
		},
		Trading: Trading{
			MaxTickAgeSeconds: 60, ProofOfLifeMS: 250, CloseBeforeRestartSeconds: 15,
			OrdersPerMinute: 10, OrdersPerDay: 100, MaxQuantity: 1000, MaxNotional: 50000, Instruments: []string{},
		},
		GuardedPort: GuardedPort{Mode: "guard", ProofOfLifeMS: 250, Programs: []Program{}},
		Alerts:      Alerts{AfterSeconds: 60, Services: []string{}},
		Email:       Email{Port: 587, Encryption: "auto", To: []string{}},
		Heartbeat:   Heartbeat{EverySeconds: 60},
		Log:         Log{Level: "info"},
	}
}

// seconds turns a number of seconds into a duration, rounded to the nanosecond.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}

// ParseClock reads a time of day, "00:00" to "23:59".
func ParseClock(s string) (hour, minute int, err error) {
	if !strict.IsClock(s) {
		return 0, 0, fmt.Errorf("time of day %q is not between 00:00 and 23:59", s)
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), int(s[3]-'0')*10 + int(s[4]-'0'), nil
}
