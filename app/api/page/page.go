// Package page serves the page at /, which shows the same as the window where no window can be opened.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"gatewatch/app/wording"
	"gatewatch/assets"
)

//go:embed *.html *.css *.js
var files embed.FS

// scripts are the parts of the page's script, in their order.
var scripts = []string{"base.js", "status.js", "history.js", "trading.js", "files.js", "follow.js"}

// words are those of the page that the tray, the window or the command line has, too.
var words = map[string]string{
	"looking": wording.LookingForGatewatch, "notRunning": wording.NotRunning, "notResponding": wording.NotResponding,
	"tradingNotKnown": wording.TradingNotKnown, "onceItRuns": wording.OnceItRuns, "outOfDate": wording.OutOfDate,
	"onceItResponds": wording.OnceItResponds, "notRunningMeans": wording.NotRunningMeans,
	"notRespondingMeans": wording.NotRespondingMeans, "start": wording.StartThere, "restart": wording.RestartThere,
	"askingForPrice": wording.AskingForPrice, "cannotBeAsked": wording.CannotBeAsked,
	"ordersOutOfDate": wording.OrdersOutOfDate, "ordersUnwatched": wording.OrdersUnwatched,
	"didNotWork": wording.DidNotWork, "todayNotKnown": wording.TodayNotKnown, "nothingSaved": wording.NothingSaved,
	"nothingRecorded": wording.NothingRecorded, "nothingObserved": wording.NothingObserved,
	"noRules": wording.NoRules, "noRuleEdits": wording.NoRuleEdits, "noOrders": wording.NoOrders,
	"noMessages": wording.NoMessages, "noChannels": wording.NoChannels,
}

// document is the whole page in one document, so that no part of it can be of another version: markup, style and
// script. The policy allows the page its own inline style and script, by their hashes, and requests to this server.
// Both are made when the page is asked for: most programs that run have no one look at it.
var document = sync.OnceValues(func() (html, policy string) {
	known, err := json.Marshal(words)
	if err != nil {
		panic(err) // they are part of the program
	}
	script, symbols := "const words = "+string(known)+";\n", ""
	for _, name := range scripts {
		script += file(name)
	}
	for _, name := range slices.Sorted(maps.Keys(assets.Shapes)) {
		symbols += `<symbol id="` + name + `" viewBox="0 0 16 16">` + assets.Shapes[name] + "</symbol>"
	}
	style := file("page.css")
	html = strings.NewReplacer(
		"<svg hidden></svg>", "<svg hidden>"+symbols+"</svg>",
		"<style></style>", "<style>"+style+"</style>", "<script></script>", "<script>"+script+"</script>",
	).Replace(file("page.html"))
	return html, "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'; style-src '" + hash(style) + "'; script-src '" + hash(script) + "'"
})

func file(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Serve answers with the page. A one-time code reaches it behind the # of its address, which browsers do not send; the
// page exchanges it for a token by POST /session.
func Serve(w http.ResponseWriter, _ *http.Request) {
	html, policy := document()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(html)) // the client went away
}
