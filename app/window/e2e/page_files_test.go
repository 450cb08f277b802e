package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gatewatch/app/api"
	"gatewatch/app/rulebook"
	"gatewatch/app/settings"
	"gatewatch/engine/rules"
)

// textOf and saveText play a file that people edit, which check finds errors in.
func (p *past) textOf(name string, check func(string) settings.Problems) (f api.FileText, tag string, err error) {
	p.locked(func() {
		f = api.FileText{Path: "/home/me/.config/gatewatch/" + name, Found: true, Text: p.texts[name]}
		f.Problems, tag = check(f.Text), api.TagOf([]byte(f.Text))
	})
	return f, tag, nil
}

func (p *past) saveText(name, text, tag string, problems settings.Problems) error {
	if problems != nil {
		return problems
	}
	changed := false
	p.locked(func() { changed = tag != "" && tag != api.TagOf([]byte(p.texts[name])) })
	if changed {
		return api.ErrChanged
	}
	return p.ask(func() { p.texts[name] = text }, "save %s", name)
}

func checkSettings(text string) settings.Problems { return settings.Check([]byte(text)) }

func checkRules(text string) settings.Problems {
	return rulebook.Parse("rules.json", []byte(text)).Problems
}

func (p *past) SettingsText() (api.FileText, string, error) {
	return p.textOf("settings.json", checkSettings)
}

func (p *past) SaveSettings(_ context.Context, body []byte, tag string) error {
	return p.saveText("settings.json", string(body), tag, checkSettings(string(body)))
}

func (p *past) RulesText() (api.FileText, string, error) { return p.textOf("rules.json", checkRules) }

func (p *past) SaveRules(_ context.Context, body []byte, tag string) error {
	err := p.saveText("rules.json", string(body), tag, checkRules(string(body)))
	if err == nil {
		p.change(func() {
			p.desk.rules.Rules = nil
			for _, rule := range rulebook.Parse("rules.json", body).Rules {
				p.desk.rules.Rules = append(p.desk.rules.Rules, api.RuleView{
					Rule: rule, State: rules.Draft,
					Text: rulebook.Text(rule),
				})
			}
		})
	}
	return err
}

// fileText is a rules file with one rule, whose value is the given text.
func fileText(value string) string {
	return "{\n  \"rules\": [\n    {\n      \"name\": \"💶 rule\", \"instrument\": {\"symbol\": \"AAPL\"},\n" +
		"      \"conditions\": [{\"price\": \"last\", \"is\": \"at_or_above\", \"value\": " + value + "}],\n" +
		"      \"action\": {\"do\": \"notify\"}\n    }\n  ]\n}\n"
}

// in returns a part of the editor of a file, by its selector.
func in(kind, selector string) string {
	return `document.querySelector("#` + kind + `-file ` + selector + `")`
}

// open opens the editor of a file in the keyboard's way.
func (b *tab) open(kind string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(in(kind, "summary")+`.focus()`, nil), chromedp.KeyEvent(kb.Enter))
	b.until(in(kind, "textarea")+`.value !== ""`, "true")
}

// put replaces what is in the editor's field, as a paste does.
func (b *tab) put(kind, text string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(in(kind, "textarea")+`.select()`, nil),
		chromedp.ActionFunc(func(ctx context.Context) error {
			return chromedp.Evaluate(`document.execCommand("insertText", false, `+quoteJS(text)+`)`, nil).Do(ctx)
		}))
	b.until(in(kind, "textarea")+`.value === `+quoteJS(text), "true")
}

func quoteJS(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

const wrongRules = `[...document.querySelectorAll("#rules-wrong button")].map(e => e.textContent).join("|")`

func (b *tab) told(kind, want string) {
	b.t.Helper()
	b.until(in(kind, ".result")+`.textContent`, want)
}

// TestPageFiles edits rules with a mistake, in a line with a character beyond the basic plane, mends it, and saves.
func TestPageFiles(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.open("rules")
	b.until(in("rules", ".path")+`.textContent`, "/home/me/.config/gatewatch/rules.json")
	b.until(in("rules", ".save")+`.ariaDisabled`, "true") // nothing was typed

	bad := strings.Replace(fileText("230.5"), `"symbol"`, `"symbl"`, 1)
	b.put("rules", bad)
	b.until(in("rules", "summary")+`.textContent`, "Edit rules.json (not saved)")
	b.press("Save rules.json")
	b.until(wrongRules, `Line 4, column 40: rules[0].instrument.symbl: unknown key; did you mean "rules[0].instrument.symbol"?`)
	b.told("rules", "Not saved: 1 error.")
	b.until(`document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)`, `"symbl"`)
	b.until(in("rules", "textarea")+`.value === `+quoteJS(bad), "true")
	b.until(in("rules", "textarea")+`.getAttribute("aria-invalid") + `+in("rules", "textarea")+
		`.getAttribute("aria-describedby")`, "truerules-wrong")
	b.looks("page-rules-wrong")

	// The mark can be gone to again, with the keyboard.
	b.run(chromedp.Evaluate(`document.querySelector("#rules-wrong button").focus()`, nil), chromedp.KeyEvent(kb.Enter))
	b.until(`document.activeElement === `+in("rules", "textarea"), "true")
	b.run(chromedp.KeyEvent(`"symbol"`))
	b.run(chromedp.KeyEvent("s", chromedp.KeyModifiers(2))) // Ctrl+S
	b.expect(p, "save rules.json")
	b.told("rules", "Saved. New and changed rules are drafts: activate them above.")
	b.until(wrongRules, "")
	b.until(ruleShown+`[0].querySelector("h3").textContent`, "💶 rule")
	p.locked(func() {
		if p.texts["rules.json"] != fileText("230.5") {
			t.Errorf("saved\n%s", p.texts["rules.json"])
		}
	})
	b.press("Activate 💶 rule")
	b.press("Activate")
	b.expect(p, `activate "💶 rule"`)
	b.until(ruleShown+`[0].querySelector(".word").textContent`, "Active")

	// An example is put into the list, and can be saved.
	b.press("Insert an example")
	b.press("Save rules.json")
	b.expect(p, "save rules.json")
	b.until(ruleShown+`.length`, "2")

	// Without a connection rules cannot be saved, and what was typed stays.
	b.put("rules", fileText("231"))
	p.change(func() {
		p.status.Connected, p.desk.rules.MayEdit, p.desk.rules.Reason = false, false, "not connected to Gateway"
	})
	b.until(in("rules", ".save")+`.disabled`, "true")
	b.until(in("rules", ".reason")+`.textContent`, "Rules cannot be saved or activated. Not connected to Gateway. "+
		"Your text stays here.")
	b.until(in("rules", "textarea")+`.value === `+quoteJS(fileText("231")), "true")
	b.until(`(e => (dispatchEvent(e), e.defaultPrevented))(new Event("beforeunload", { cancelable: true }))`, "true")
	p.change(func() { p.status.Connected, p.desk.rules.MayEdit = true, true })
	b.press("Discard changes to rules.json")
	b.until(asksShown, "true Discard your changes?")
	b.press("Discard")
	b.until(in("rules", "textarea")+`.value.includes("My rule")`, "true")
	b.until(`(e => (dispatchEvent(e), e.defaultPrevented))(new Event("beforeunload", { cancelable: true }))`, "false")
}

// TestPageFilesOfTwo has someone else change a file meanwhile.
func TestPageFilesOfTwo(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.open("settings")
	other := func(level string) {
		p.change(func() {
			p.texts["settings.json"] = "{\"log\": {\"level\": \"" + level + "\"}}\n"
			p.status.Session++ // something that is looked at again
		})
	}
	// A text that was not touched follows the file.
	other("debug")
	b.until(in("settings", "textarea")+`.value.includes("debug")`, "true")
	// One that was typed stays, and replaces nothing without a yes.
	const mine = "{\"log\": {\"level\": \"warn\"}}\n"
	b.put("settings", mine)
	p.locked(func() { p.texts["settings.json"] = "{\"log\": {\"level\": \"error\"}}\n" })
	b.run(chromedp.Evaluate(in("settings", ".save")+`.click()`, nil))
	b.told("settings", "settings.json has been changed elsewhere since you opened it. Your text is still here and "+
		"nothing was overwritten.")
	b.until(in("settings", "textarea")+`.value === `+quoteJS(mine), "true")
	p.locked(func() {
		if !strings.Contains(p.texts["settings.json"], "error") {
			t.Errorf("overwritten: %s", p.texts["settings.json"])
		}
	})
	b.until(in("settings", ".save")+`.ariaDisabled`, "true")
	b.looks("page-settings-changed")
	b.press("Replace the file settings.json")
	b.until(asksShown, "true Replace settings.json?")
	b.press("No")
	b.press("Discard changes to settings.json")
	b.press("Discard")
	b.until(in("settings", "textarea")+`.value.includes("error")`, "true")
	b.until(in("settings", ".over")+`.hidden`, "true")

	// The same again, this time seen before a save, and replaced.
	b.put("settings", mine)
	other("info")
	b.until(in("settings", ".over")+`.hidden`, "false")
	b.press("Replace the file settings.json")
	b.run(chromedp.Evaluate(`document.getElementById("ask-yes").click()`, nil))
	b.expect(p, "save settings.json")
	b.told("settings", "Saved and in effect.")
	p.locked(func() {
		if p.texts["settings.json"] != mine {
			t.Errorf("saved %s", p.texts["settings.json"])
		}
	})
}

// TestPageFilesOfTheProgram edits both files of the real program, with the keyboard alone, across its end and its next
// start.
func TestPageFilesOfTheProgram(t *testing.T) {
	t.Parallel()
	s := newPageStage(t)
	s.sim(s.port)
	b := s.visit()
	b.tabTo(`document.activeElement.id`, "connect")
	b.run(chromedp.KeyEvent(kb.Enter))
	s.untilConnected()

	// Settings: a mistake, and its mending.
	b.tabTo(`document.activeElement.textContent`, "Edit settings.json")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until(in("settings", "textarea")+`.value.includes("delays_seconds")`, "true")
	b.tabTo(`document.activeElement.ariaLabel`, "Text of settings.json")
	b.run(chromedp.KeyEvent("a", chromedp.KeyModifiers(2)))
	text, err := os.ReadFile(filepath.Join(s.home, "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.address().URL, "http://"), ":")
	mended := strings.Replace(string(text), `"api": {"port": 0}}`,
		`"api": {"port": `+port+`},`+"\n  \"log\": {\"level\": \"debug\"}}", 1)
	b.run(chromedp.KeyEvent(strings.Replace(mended, `"debug"`, `"loud"`, 1)),
		chromedp.KeyEvent("s", chromedp.KeyModifiers(2)))
	b.until(`[...document.querySelectorAll("#settings-wrong button")].map(e => e.textContent).join()`,
		`Line 2, column 20: log.level: "loud" is not one of debug, info, warn, error.`)
	if now, _ := os.ReadFile(filepath.Join(s.home, "settings.json")); string(now) != string(text) {
		t.Errorf("a refused save has written %s", now)
	}
	b.run(chromedp.KeyEvent(`"debug"`), chromedp.KeyEvent("s", chromedp.KeyModifiers(2))) // over the marked word
	b.told("settings", "Saved and in effect.")
	if now, _ := os.ReadFile(filepath.Join(s.home, "settings.json")); string(now) != mended {
		t.Errorf("saved %s\nwant %s", now, mended)
	}
	view, err := s.client().Settings(t.Context())
	if err != nil || view.Settings.Log.Level != "debug" {
		t.Errorf("in effect is log level %q, %v", view.Settings.Log.Level, err)
	}

	// Rules: typed, kept while the program is gone, saved and activated when it is back.
	b.open("rules")
	b.put("rules", fileText("1"))
	s.resident.kill()
	b.until(`document.getElementById("headline").textContent`, "Gatewatch is not running")
	b.until(in("rules", ".save")+`.disabled`, "true")
	b.until(in("rules", ".reason")+`.textContent`, "Your text stays here.")
	b.until(in("rules", "textarea")+`.value === `+quoteJS(fileText("1")), "true")
	b.keep("page-files-not-running")
	s.startResident()
	s.untilConnected()
	b.until(`document.getElementById("failed").textContent.includes("no longer has access")`, "true")
	b.run(chromedp.Evaluate(`keepToken("`+s.address().Token+`"), say("failed", ""), readAll(), 0`, nil)) // as a new link does
	b.press("Save rules.json")
	b.told("rules", "Saved. New and changed rules are drafts: activate them above.")
	b.press("Activate 💶 rule")
	b.press("Activate")
	until(t, "the rule watches prices", func() bool {
		list, err := s.client().Rules(t.Context())
		return err == nil && len(list.Rules) == 1 && list.Rules[0].State != rules.Draft
	})
	b.keep("page-files-active")
}

// tabTo presses Tab until something holds of what has the focus.
func (b *tab) tabTo(script, want string) {
	b.t.Helper()
	for range 100 {
		if b.text(script) == want {
			return
		}
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	b.t.Fatalf("Tab does not lead to where %s is %q", script, want)
}
