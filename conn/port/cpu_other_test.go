//go:build !unix

package port_test

import "time"

// cpuTime returns 0: it is measured elsewhere.
func cpuTime() time.Duration { return 0 }
