package strict

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

type things struct {
	Count int64   `json:"count" min:"0" max:"9000000000"`
	List  []thing `json:"list" count:"0..3"`
	Group group   `json:"group"`
}

type group struct {
	Words []string `json:"words,omitempty" format:"word" count:"0..2" unique:"true"`
}

type thing struct {
	Name  string   `json:"name" format:"name" required:"true"`
	Side  string   `json:"side,omitempty" enum:"BUY,SELL"`
	Price *float64 `json:"price,omitempty" min:"-5" max:"5"`
	Inner *inner   `json:"inner,omitempty"`
}

type inner struct {
	Word  string `json:"word,omitempty" format:"word"`
	Count int    `json:"count,omitempty" min:"0" max:"9"`
}

var kind = Kind{Name: "things", Empty: "write {}", MaxSize: 1 << 12}

func TestRead(t *testing.T) {
	zero, two := 0.0, 2.0
	var got things
	r := kind.Read("f", []byte(`{"count": 9e9, "group": {"words": []}, "list": [
		{"name": " é ", "price": 0, "inner": {"count": 0, "word": "a/B"}}, {"name": "x", "side": "SELL", "price": 2, "inner": {}}]}`), &got)
	want := things{Count: 9e9, List: []thing{
		{Name: " é ", Price: &zero, Inner: &inner{Word: "a/B"}},
		{Name: "x", Side: "SELL", Price: &two, Inner: &inner{}},
	}}
	if p := r.Problems(); p != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %+v", p, got)
	}
	text, err := Marshal(got)
	const written = `{
  "count": 9000000000,
  "list": [
    {
      "name": " é ",
      "price": 0,
      "inner": {"word": "a/B"}
    },
    {
      "name": "x",
      "side": "SELL",
      "price": 2,
      "inner": {}
    }
  ],
  "group": {}
}
`
	if err != nil || string(text) != written {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"list": [{"name": "a"}, {"side": "buy"}]}`: "f:1:26: list[1]: the key \"name\" is missing\nf:1:35: " +
			"list[1].side: \"buy\" is not one of BUY, SELL; did you mean \"BUY\"?",
		`{"list": [{"name": null}]}`: "f:1:20: list[0].name: needs a text in double quotes, " +
			"found null",
		`{"list": [{"name": "a", "price": null}]}`: "f:1:34: list[0].price: needs a number, found null; " +
			"remove the key to have its default",
		`{"list": [{"name": "a", "price": 6}]}`: "f:1:34: list[0].price: 6 is out of range -5 to 5",
		`{"list": [{"name": "a", "inner": 6}]}`: "f:1:34: list[0].inner: needs an object in { }, found " +
			"a number",
		`{"list": [{"name": "a", "word": "b"}]}`:           `f:1:25: list[0].word: unknown key; did you mean "list[0].inner.word"?`,
		`{"list": [{"name": "a", "words": "b"}]}`:          `f:1:25: list[0].words: unknown key; did you mean "group.words"?`,
		`{"list": [{"name": "a", "inner": {"word": ""}}]}`: `f:1:43: list[0].inner.word: "" is not a word; write 1 to 40 plain letters, digits and signs without spaces, or remove it`,
		`{"list": [{"name": " \u00a0"}]}`:                  `f:1:20: list[0].name: " \u00a0" is not a name; write one line of 1 to 60 characters that are not all blank`,
		`{"list": [{"name": "a\u2028b"}]}`:                 `f:1:20: list[0].name: "a\u2028b" is not a name; write one line of 1 to 60 characters that are not all blank`,
		`{"list": [{"name": "a"}, 1, 2, 3, 4]}`: "f:1:10: list: needs 0 to 3 entries, found 5\nf:1:26: " +
			"list[1]: needs an object in { }, found a number\nf:1:29: list[2]: needs an object in { }, found a number",
		`{"count": 1.5, "group": {"words": ["a b", "a b"]}}`: "f:1:11: count: 1.5 is not a whole number\nf:1:36: " +
			"group.words[0]: \"a b\" is not a word; write 1 to 40 plain letters, digits and signs without spaces, or " +
			"remove it\nf:1:43: group.words[1]: \"a b\" is in the list twice; remove one\nf:1:43: group.words[1]: " +
			"\"a b\" is not a word; write 1 to 40 plain letters, digits and signs without spaces, or remove it",
		``:     "f:1:1: the file is empty; write {}",
		`{} 1`: "f:1:4: there is text after the end of the things; remove it",
	} {
		got := kind.Read("f", []byte(text), &things{}).Problems().Error()
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestWrongFindsItsPlace(t *testing.T) {
	read := func() *Reader {
		return kind.Read("f", []byte("\n"+`{"list": [{"name": "a", "inner": {}}, {"name": 1}], "count": 1}`), &things{})
	}
	for _, c := range []struct {
		key    string
		others []string
		column int
	}{
		{"list[0].inner.word", nil, 25},
		{"list[0].price", nil, 11},
		{"list[0].price", []string{"list[0].side", "list[0].name"}, 12},
		{"group.words", nil, 1},
		{"", nil, 1},
	} {
		r := read()
		r.Wrong(c.key, "text", c.others...)
		found := false
		for _, p := range r.Problems() {
			found = found || p == Problem{File: "f", Line: 2, Column: c.column, Key: c.key, Text: "text"}
		}
		if !found {
			t.Errorf("%s: %v", c.key, r.Problems())
		}
	}
	r := read()
	for path, want := range map[string][2]bool{ // sound, counts
		"list": {false, false}, "list[0]": {true, true}, "list[1]": {false, false}, "list[1].name": {false, false},
		"list[1].side": {true, true}, "count": {true, true}, "": {false, false},
	} {
		if got := [2]bool{r.Sound(path), r.Counts(path)}; got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
	r.Wrong("list[0]", "text")
	if r.Sound("list[0]") || r.Counts("list[0].price") || !r.Sound("list[0].price") {
		t.Error("a problem of an object is not one of its keys, but they do not count any more")
	}
}

// TestReadKeepsMarking: errors are still found after the limit, though no longer listed.
func TestReadKeepsMarking(t *testing.T) {
	text := `{"list": [{"name": "a"` + strings.Repeat(`, "": 0`, 300) + `}, {"name": "b", "q": 0}, {"name": "c"}]}`
	r := kind.Read("f", []byte(text), &things{})
	if len(r.Problems()) != maxProblems || r.Sound("list[0]") || r.Sound("list[1]") || !r.Sound("list[2]") {
		t.Errorf("%d problems, %v %v %v", len(r.Problems()), r.Sound("list[0]"), r.Sound("list[1]"), r.Sound("list[2]"))
	}
}

func TestMarshalRefuses(t *testing.T) {
	nan := math.NaN()
	text, err := Marshal(things{List: []thing{{Name: "a", Price: &nan}}})
	if err == nil || !strings.HasPrefix(err.Error(), "list[0].price: ") ||
		!strings.Contains(string(text), `"price": null`) {
		t.Errorf("%v\n%s", err, text)
	}
}
