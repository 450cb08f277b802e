package port

import "time"

// SetStall changes how long a relay may deal with one message. It is called before Run.
func (p *Port) SetStall(d time.Duration) { p.stall = d }
