package ledger

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gatewatch/conn/ib"
)

// Executions is what Gateway has said of an order's executions. A correction replaces the execution that it corrects;
// with no shares it takes it back, as after a trade that the exchange has busted.
type Executions struct {
	Shares    map[string]float64 `json:"shares,omitempty"`    // by execution, each as it was corrected last
	Revisions map[string]int     `json:"revisions,omitempty"` // number of that correction, where it is not the first
	// what they came to before anything of them was taken back
	First float64 `json:"first,omitempty"`
	Total float64 `json:"total,omitempty"` // greatest cumulative quantity that came with one of them
}

// maxExecutions is how many executions of an order are kept: all that is known of it is written down with each. Of
// those beyond it, the cumulative quantity counts.
const maxExecutions = 1000

// add takes in an execution, each correction once. It reports whether it was new.
func (e *Executions) add(n ib.OrderNews) bool {
	name, revision := execution(n.Execution)
	before := e.revision(name)
	if before >= revision {
		return false
	}
	if before == 0 && len(e.Shares) >= maxExecutions {
		more := n.Total > e.Total
		e.Total = max(e.Total, n.Total)
		return more
	}
	known := e.Shares[name]
	if e.First == 0 { // written down by an older version, or there are none yet
		e.First = sum(e.Shares)
	}
	if e.Shares = with(e.Shares, name, max(0, n.Filled)); revision > 1 {
		e.Revisions = with(e.Revisions, name, revision)
	}
	if more := e.Shares[name] - known; more >= 0 { // what was taken back is still in what was filled before
		e.First += more
		if before > 0 && e.Total > 0 {
			e.Total += more
		}
		e.Total = max(e.Total, n.Total)
	}
	return true
}

// tookBack reports whether some of what was filled was taken back.
func (e *Executions) tookBack() bool { return e.First > sum(e.Shares)+1e-7 }

// revision returns which correction of an execution is known, 1 for none; 0 if the execution is none of those that are
// kept.
func (e *Executions) revision(name string) int {
	if _, kept := e.Shares[name]; !kept {
		return 0
	}
	return max(1, e.Revisions[name])
}

// filled returns what the executions come to. The cumulative quantity limits it, and says how much was filled in
// executions that were not reported, such as those of another day.
func (e *Executions) filled() float64 {
	if e.Total == 0 {
		return sum(e.Shares)
	}
	return min(sum(e.Shares)+max(0, e.Total-e.First), e.Total)
}

func sum(shares map[string]float64) (total float64) {
	for _, name := range slices.Sorted(maps.Keys(shares)) { // always to the same last bit
		total += shares[name]
	}
	return total
}

// execution splits the id of an execution into what all its corrections have in common, and the number of the
// correction, which stands behind the last dot.
func execution(id string) (name string, revision int) {
	at := strings.LastIndexByte(id, '.')
	if at < 0 {
		return id, 1
	}
	revision, err := strconv.Atoi(id[at+1:])
	if err != nil || revision < 0 || len(id)-at > 5 {
		return id, 1
	}
	return id[:at], max(1, revision)
}
