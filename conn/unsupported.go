package conn

import (
	"time"

	"gatewatch/conn/texts"
	"gatewatch/conn/wire"
)

// Unsupported is what Gateway has said about the end of IBKR's support for its version (code 2172). The zero value is
// nothing.
type Unsupported struct {
	Text string    // Gateway's own, in its language; for display only
	From time.Time // UTC midnight of the first day without support; zero if the text names none
}

// maxUnsupported bounds the text, in bytes.
const maxUnsupported = 400

// unsupportedIn reads what Gateway says with code 2172.
func unsupportedIn(text string) Unsupported {
	return Unsupported{Text: wire.Cut(text, maxUnsupported), From: texts.Date(text)}
}
