package server

import (
	_ "embed"
	"net/http"
)

// The schemas in openapi.json follow from the Go types; its paths are written by hand. Tests hold both to the server.
//
//go:generate go test -run ^TestOpenAPISchemas$ -update .

//go:embed openapi.json
var openAPIText []byte

// openAPI answers with the description of this interface.
func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPIText) // the client went away
}
