package engine

import (
	"os"
	"time"
)

// stopFor does nothing here: Windows has no signal for it.
func stopFor(*os.Process, time.Duration) {}
