package settings

import (
	"fmt"
	"reflect"

	"gatewatch/app/strict"
)

// Reference is a key that refers to a secret.
type Reference struct {
	Key string // path, such as "email.password" or "alerts.services[0]"
	Ref string // such as "keyring:mail"
}

// References returns the references to secrets in settings, without empty ones, in the order of the file.
func (s Settings) References() []Reference { return references(reflect.ValueOf(s), "") }

func references(v reflect.Value, path string) (list []Reference) {
	for _, f := range strict.Fields(v.Type()) {
		at, key := v.Field(f.Index), strict.Join(path, f.Key)
		switch {
		case at.Kind() == reflect.Struct:
			list = append(list, references(at, key)...)
		case f.Limits.Format != "secret":
		case at.Kind() == reflect.Slice:
			for i := range at.Len() {
				list = append(list, Reference{fmt.Sprintf("%s[%d]", key, i), at.Index(i).String()})
			}
		case at.String() != "":
			list = append(list, Reference{key, at.String()})
		}
	}
	return list
}

// ProblemsAt returns what is wrong with keys of a settings file that [Parse] accepts, with their places in it; nil if
// nothing is. The texts are by key.
func ProblemsAt(name string, data []byte, wrong map[string]string) Problems {
	s := Default()
	r := file.Read(name, data, &s)
	for key, text := range wrong {
		r.Wrong(key, text)
	}
	return r.Problems()
}
