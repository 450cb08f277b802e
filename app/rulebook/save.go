package rulebook

import (
	_ "embed"
	"fmt"
	"path/filepath"

	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

// SchemaRef is the value of $schema in a file that Gatewatch writes: the file that [WriteSchema] puts beside the rules.
const SchemaRef = "./rules.schema.json"

// schema is the JSON Schema (draft 2020-12) of rules.json.
//
//go:embed rules.schema.json
var schema []byte

// WriteSchema puts the schema into dir under the name [SchemaRef] has, unless it is there already.
func WriteSchema(dir string) error {
	if err := strict.Put(filepath.Join(dir, SchemaRef), schema); err != nil {
		return fmt.Errorf("write rules schema: %w", err)
	}
	return nil
}

// Save writes the rules to path so that a reader sees the old file or the new one and nothing between; only the user
// may read it. A link at path stays a link. Rules that [Parse] would leave out are refused with [strict.Problems].
func Save(path string, list []rules.Rule) error {
	data := Marshal(list)
	if problems := Parse(path, data).Problems; problems != nil {
		return fmt.Errorf("save rules: %w", problems)
	}
	if err := strict.Save(path, data); err != nil {
		return fmt.Errorf("save rules: %w", err)
	}
	return nil
}

// Marshal returns the rules as the text of a rules file. A number that is not finite becomes null, which [Parse]
// refuses.
func Marshal(list []rules.Rule) []byte {
	data, _ := strict.Marshal(content{Schema: SchemaRef, Rules: list})
	return data
}
