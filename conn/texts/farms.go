// Package texts finds names, dates and ports in what Gateway says to people. The texts are localised, so that only what
// is the same in every language counts: digits, of whatever script, and names in ASCII.
package texts

import (
	"strings"
	"unicode"
)

// Names of data farms are such as usfarm.nj, ushmds or secdefil. Shapes of the texts, from field logs:
//
//	Market data farm connection is OK:usfarm.nj
//	HMDS data farm connection is inactive but should be available upon demand.ushmds
//	… restored - data maintained. All data farms are connected: usfarm; ushmds; secdefil.
//	… restored - data maintained. The following farms are connected: usfarm. The following farms are not
//	  connected: secdefil. (in one line)

// FarmName returns the farm that a notice is about, else kind, the kind of farm that its code speaks of. The name is
// what stands after the last colon, of whatever script, or at the end of the text.
func FarmName(text, kind string) string {
	if at := strings.LastIndexFunc(text, isColon); at >= 0 {
		if words := farmWords(text[at:]); len(words) == 1 {
			return words[0]
		}
	}
	words := farmWords(text)
	for i := len(words) - 1; i >= 0; i-- {
		if name := behindSentence(words[i]); looksLikeFarm(name) {
			return name
		}
	}
	return kind
}

// FarmLists returns the farms that a text lists behind its colons, in this order: Gateway names those that are
// connected, and then those that are not.
func FarmLists(text string) (lists [][]string) {
	for i, part := range strings.FieldsFunc(text, isColon) {
		if i == 0 {
			continue // before the first colon
		}
		var list []string
		if strings.HasPrefix(strings.TrimSpace(part), ".") {
			part = "" // it lists none
		}
		for name := range strings.FieldsFuncSeq(part, func(r rune) bool { return strings.ContainsRune(";；؛,，、", r) }) {
			words := farmWords(name)
			if len(words) == 0 {
				break
			}
			list = append(list, words[0])
			if len(words) > 1 { // the next sentence has begun
				break
			}
		}
		lists = append(lists, list)
	}
	return lists
}

func isColon(r rune) bool { return strings.ContainsRune(":：﹕︓꞉∶", r) }

// farmWords returns what consists of the characters of a farm's name, without the full stop of a sentence.
func farmWords(text string) (words []string) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !isFarmRune(r) }) {
		if word = strings.Trim(word, ".-_"); len(word) > 1 && len(word) <= 40 && unicode.IsLetter(rune(word[0])) {
			words = append(words, word)
		}
	}
	return words
}

func isFarmRune(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_", r))
}

// behindSentence returns the name that stands right behind the full stop of a sentence, as in demand.usfarm.nj.
func behindSentence(word string) string {
	if before, after, ok := strings.Cut(word, "."); ok && !looksLikeFarm(before) && looksLikeFarm(after) {
		return after
	}
	return word
}

// looksLikeFarm reports whether a word without a colon before it is the name of a farm and none of the sentence.
func looksLikeFarm(word string) bool {
	w := strings.ToLower(word)
	if w == "farm" || w == "farms" || w == "hmds" || w == "secdef" || w == "sec-def" {
		return false
	}
	for _, part := range []string{"farm", "hmds", "secdef", "usfut", "usopt", "usbond"} {
		if strings.Contains(w, part) {
			return true
		}
	}
	return false
}
