package cli

import "os"

// Stdout is standard output for what commands print. Some of that goes there without a look at what comes of it, so it
// keeps the first error: a script must not take half an answer for all of it.
var Stdout = &output{}

type output struct{ err error }

func (o *output) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Err returns the first error of a write.
func (o *output) Err() error { return o.err }
