package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"gatewatch/app/api"

	"github.com/getkin/kin-openapi/openapi3"

	"gatewatch/app/api/codes"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/proof"
	"gatewatch/app/api/sse"
	"gatewatch/app/autostart"
	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// bodies are the types of all that is sent and answered in JSON; the types of their fields follow from them.
var bodies = []any{
	api.Status{},
	api.Uptime{},
	api.Log{},
	api.Messages{},
	api.Latency{},
	api.Alerts{},
	api.AlertTest{},
	api.AlertTestRequest{},
	api.Secret{},
	api.StoredSecret{},
	api.SecretReference{},
	api.SecretAddress{},
	api.SettingsView{},
	api.FileText{},
	api.Refusal{},
	api.Answer{},
	jsonhttp.Failure{},
	api.Health{},
	api.Rules{},
	api.RuleSave{},
	api.RuleName{},
	rules.Instrument{},
	api.Candidates{},
	api.Orders{},
	api.Positions{},
	api.RulePreview{},
	api.RulePreviewRequest{},
	api.OrderID{},
	api.All{},
	api.Programs{},
	api.ProgramOrders{},
	api.ReadOnlyRequest{},
	api.ArmRequest{},
	api.OrderChange{},
	api.Guarded{},
	api.Autostart{},
	api.AutostartChange{},
	api.MuteRequest{},
	api.PageCode{},
	api.PageToken{},
	proof.Proof{},
}

// sources are the folders of the packages that those types come from.
var sources = map[string]string{
	reflect.TypeFor[api.Status]().PkgPath():        "..",
	reflect.TypeFor[conn.State]().PkgPath():        "../../../conn",
	reflect.TypeFor[history.Record]().PkgPath():    "../../../conn/history",
	reflect.TypeFor[ib.Cause]().PkgPath():          "../../../conn/ib",
	reflect.TypeFor[ledger.OrderState]().PkgPath(): "../../../engine/ledger",
	reflect.TypeFor[rules.Rule]().PkgPath():        "../../../engine/rules",
	reflect.TypeFor[autostart.AtLogin]().PkgPath(): "../../autostart",
	reflect.TypeFor[settings.Problem]().PkgPath():  "../../strict",
	reflect.TypeFor[region.Region]().PkgPath():     "../../region",
	reflect.TypeFor[jsonhttp.Failure]().PkgPath():  "../jsonhttp",
	reflect.TypeFor[proof.Proof]().PkgPath():       "../proof",
}

// TestOpenAPISchemas holds the schemas of openapi.json to the Go types, their comments and their constants; with
// -update it writes them. The rest of the file is written by hand.
func TestOpenAPISchemas(t *testing.T) {
	file := struct {
		OpenAPI    json.RawMessage `json:"openapi"`
		Info       json.RawMessage `json:"info"`
		Servers    json.RawMessage `json:"servers"`
		Tags       json.RawMessage `json:"tags"`
		Paths      json.RawMessage `json:"paths"`
		Components struct {
			SecuritySchemes json.RawMessage `json:"securitySchemes"`
			Responses       json.RawMessage `json:"responses"`
			Schemas         map[string]any  `json:"schemas"`
		} `json:"components"`
	}{}
	dec := json.NewDecoder(bytes.NewReader(openAPIText))
	dec.DisallowUnknownFields() // else -update would drop it
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	file.Components.Schemas = schemasOf(t, bodies...)
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(file); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(openAPIText, want.Bytes()) {
		t.Error("openapi.json is not what the types say; run go generate ./app/api/server")
	}
}

// TestOpenAPIRoutes holds the addresses, methods and tokens of openapi.json to the server's.
func TestOpenAPIRoutes(t *testing.T) {
	_, text := ask(t, serve(t, &fakeBackend{}), "GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	described := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			described[method+" "+path] = op
		}
	}
	for _, r := range (&Server{backend: &fakeBackend{}}).routes() {
		name := r.method + " " + r.path
		op := described[name]
		delete(described, name)
		switch {
		case op == nil:
			t.Errorf("%s is answered and not described", name)
		case op.Summary == "" || op.OperationID == "" || op.Security == nil:
			t.Errorf("%s lacks a summary, an operationId or security", name)
		case (r.access == owner) != !slices.ContainsFunc(*op.Security, func(s openapi3.SecurityRequirement) bool {
			return len(s) == 0
		}):
			t.Errorf("%s: for %s, described with %v", name, r.access, *op.Security)
		}
		if op == nil {
			continue
		}
		for _, p := range op.Parameters {
			if p.Value.Description == "" {
				t.Errorf("%s: %s has no description", name, p.Value.Name)
			}
		}
	}
	for name := range described {
		t.Errorf("%s is described and not answered", name)
	}
	for name, limit := range map[string]float64{"days": api.MaxDays, "limit": api.MaxRecords} {
		path := map[string]string{"days": "/uptime", "limit": "/log"}[name]
		preset := map[string]float64{"days": defaultDays, "limit": defaultRecords}[name]
		p := doc.Paths.Find(path).Get.Parameters.GetByInAndName("query", name)
		if p == nil || *p.Schema.Value.Min != 1 || *p.Schema.Value.Max != limit || p.Schema.Value.Default != preset {
			t.Errorf("%s of %s is described as %+v, want 1 to %v, default %v", name, path, p.Schema.Value, limit,
				preset)
		}
	}
	for _, limit := range []int{
		maxBody, maxSettings, maxRules, maxHeader, maxStreams, maxStreams / 2, int(keepAlive.Seconds()),
		int(sse.Silence.Seconds()), int(testLimit.Seconds()), int(askLimit.Seconds()), int(codes.Life.Seconds()),
		codes.MaxPages,
	} {
		if !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, limit)).MatchString(text) {
			t.Errorf("the limit %d is not told of", limit)
		}
	}
}

// TestConstantsAreFound holds what is read from the source to what the compiler knows, by examples of both kinds.
func TestConstantsAreFound(t *testing.T) {
	made := schemasOf(t, api.Log{}, api.Status{}, api.Rules{})
	var kinds []string
	for _, k := range history.Kinds {
		kinds = append(kinds, k.String())
	}
	for name, want := range map[string][]string{
		"Kind": kinds,
		"State": {
			"connecting", "connected", "degraded", "upstream_lost", "reconnecting", "reset_window",
			"paused",
		},
		"RuleState": {"draft", "active", "triggered", "done", "failed"},
		"GuardReason": {
			"", "socket_down", "api_down", "upstream_lost", "woke", "probe_overdue", "wrong_mode",
			"read_only", "restart_soon", "orders_unconfirmed", "reconciling",
		},
	} {
		s, ok := made[name].(object)
		if !ok {
			t.Fatalf("%s is not among %v", name, slices.Sorted(maps.Keys(made)))
		}
		if got := s[2]; got.key != "enum" || !slices.Equal(got.value.([]string), want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
