package server

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/conn/history"
	"gatewatch/engine/rules"
)

// schemasOf describes the types of the values, and all that they are made of, as JSON Schema.
func schemasOf(t *testing.T, values ...any) map[string]any {
	var file map[string]any
	if err := json.Unmarshal(settings.Schema(), &file); err != nil {
		t.Fatal(err)
	}
	delete(file, "$schema") // the document has the same dialect
	d := describer{t: t, made: map[string]any{"Settings": file}, from: map[string]reflect.Type{
		"Settings": reflect.TypeFor[settings.Settings](),
	}}
	for _, v := range values {
		d.schema(reflect.TypeOf(v))
	}
	return d.made
}

type describer struct {
	t    *testing.T
	made map[string]any // by the name of the type
	from map[string]reflect.Type
}

// schema returns what stands for a type where it is used.
func (d *describer) schema(typ reflect.Type) object {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return object{{"type", "string"}, {"format", "date-time"}}
	case typ.Kind() == reflect.Pointer:
		s := d.schema(typ.Elem())
		if s[0].key != "type" {
			return object{{"anyOf", []any{s, object{{"type", "null"}}}}}
		}
		s[0].value = []any{s[0].value, "null"}
		return s
	case typ.Name() != "" && typ.PkgPath() != "":
		return d.named(typ)
	}
	switch typ.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}
	case reflect.Float64:
		return object{{"type", "number"}}
	case reflect.Slice:
		return object{{"type", "array"}, {"items", d.schema(typ.Elem())}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", d.schema(typ.Elem())}}
	}
	d.t.Fatalf("no schema for %v", typ)
	return nil
}

func (d *describer) named(typ reflect.Type) object {
	name := typ.Name()
	if typ == reflect.TypeFor[rules.State]() {
		name = "RuleState" // beside that of the connection
	}
	if d.from[name] == nil {
		d.from[name] = typ // before it is made: a type may be part of itself
		if typ.Kind() == reflect.Struct {
			d.made[name] = d.structure(typ)
		} else {
			d.made[name] = d.enumeration(typ)
		}
	}
	if d.from[name] != typ {
		d.t.Fatalf("%v and %v have one name", typ, d.from[name])
	}
	return object{{"$ref", "#/components/schemas/" + name}}
}

func (d *describer) structure(typ reflect.Type) object {
	said := commentsOf(d.t, typ)
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(typ) {
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || f.Anonymous || options != "" && options != "omitempty" {
			d.t.Fatalf("%v.%s: no rule for such a field", typ, f.Name)
		}
		of, text := f.Type, said.fields[f.Name]
		// of a file that is read strictly: its keys are left out, and never null
		if doc := f.Tag.Get("doc"); doc != "" {
			if text = doc; of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
		}
		s := limit(d.schema(of), f.Tag)
		if text != "" {
			s = append(s, member{"description", text})
		}
		properties = append(properties, member{name, s})
		if options == "" && typ != reflect.TypeFor[api.AlertTestRequest]() { // what is asked may be left out
			required = append(required, name)
		}
	}
	s := object{{"type", "object"}, {"description", said.doc}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	return append(s, member{"additionalProperties", false})
}

// limit adds to a schema what the tags of a field say of its values.
func limit(s object, tag reflect.StructTag) object {
	if words, ok := tag.Lookup("enum"); ok {
		enum := member{"enum", strings.Split(words, ",")}
		if s[0].value == "array" {
			s[1].value = append(s[1].value.(object), enum)
		} else {
			s = append(s, enum)
		}
	}
	if least, ok := tag.Lookup("min"); ok {
		s = append(s, member{"minimum", json.Number(least)}, member{"maximum", json.Number(tag.Get("max"))})
	}
	if least, most, ok := strings.Cut(tag.Get("count"), ".."); ok {
		s = append(s, member{"minItems", json.Number(least)}, member{"maxItems", json.Number(most)})
	}
	return s
}

func (d *describer) enumeration(typ reflect.Type) object {
	said := commentsOf(d.t, typ)
	if len(said.constants) == 0 {
		d.t.Fatalf("%v has no constants", typ)
	}
	text, values := said.doc, []string{}
	for i, c := range said.constants {
		if !c.literal { // counted: its word is what it marshals to
			v := reflect.New(typ).Elem()
			v.SetUint(uint64(i))
			word, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			if err != nil {
				d.t.Fatal(err)
			}
			c.value = string(word)
		}
		values = append(values, c.value)
		if c.comment != "" {
			text += fmt.Sprintf("\n- `%s`: %s", c.value, c.comment)
		}
	}
	return object{{"type", "string"}, {"description", text}, {"enum", values}}
}

// comments is what the source says about a type.
type comments struct {
	doc       string
	fields    map[string]string
	constants []constant // those of this type, in their order
}

type constant struct {
	value   string
	literal bool // false: it is counted by iota
	comment string
}

// commentsOf reads them.
func commentsOf(t *testing.T, typ reflect.Type) comments {
	t.Helper()
	folder, ok := sources[typ.PkgPath()]
	if !ok {
		t.Fatalf("where is the source of %v?", typ)
	}
	said := comments{fields: map[string]string{}}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			counted := false // iota goes on for this type
			for _, spec := range group.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.Name != typ.Name() {
						continue
					}
					said.doc = plain(typ, spec.Doc, group.Doc)
					if s, ok := spec.Type.(*ast.StructType); ok {
						for _, f := range s.Fields.List {
							for _, name := range f.Names {
								said.fields[name.Name] = plain(typ, f.Doc, f.Comment)
							}
						}
					}
				case *ast.ValueSpec:
					if spec.Type != nil || spec.Values != nil {
						own, ok := spec.Type.(*ast.Ident)
						counted = ok && own.Name == typ.Name() && group.Tok == token.CONST
					}
					if !counted {
						continue
					}
					c := constant{comment: plain(typ, spec.Doc, spec.Comment)}
					if len(spec.Values) == 1 {
						if text, ok := spec.Values[0].(*ast.BasicLit); ok {
							if c.value, err = strconv.Unquote(text.Value); err != nil {
								t.Fatal(err)
							}
							c.literal = true
						}
					}
					said.constants = append(said.constants, c)
				}
			}
		}
	}
	if said.doc == "" {
		t.Errorf("%v has no comment", typ)
	}
	return said
}

// plain returns the text of comments as one paragraph, in the words of the JSON where they mean fields of a record.
func plain(typ reflect.Type, groups ...*ast.CommentGroup) string {
	var words []string
	for _, g := range groups {
		words = append(words, strings.Fields(g.Text())...)
	}
	text := strings.Join(words, " ")
	if record := reflect.TypeFor[history.Record](); typ.PkgPath() == record.PkgPath() {
		text = regexp.MustCompile(`\b(What|Code|Attempts|Seconds|Detail)\b`).ReplaceAllStringFunc(text,
			func(name string) string {
				f, _ := record.FieldByName(name)
				word, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				return word
			})
	}
	return text
}

// object is a JSON object with its members in an order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
