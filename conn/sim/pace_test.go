package sim_test

import (
	"fmt"
	"testing"

	"gatewatch/conn/sim"
)

// TestPace sends more requests at once than the rate allows: they are refused, or wait if the client asked for that.
func TestPace(t *testing.T) {
	for _, option := range []string{"", " +PACEAPI"} {
		g := startSim(t, sim.Config{Farms: []sim.Farm{}, Speed: 10})
		w := dial(t, g)
		if _, err := w.hello(fmt.Sprintf("v100..%d%s", 200, option)); err != nil {
			t.Fatal(err)
		}
		w.startAPI(1)
		w.next(9)
		var all []byte
		const count = 120
		for range count {
			all = append(all, w.text(8, 1, 1)...) // reqIds
		}
		w.write(all)
		got := map[int]int{}
		for range count {
			b, err := w.frame(patience)
			if err != nil {
				t.Fatal(err)
			}
			got[w.parse(b).id]++
		}
		if refused := got[4] > 0; refused != (option == "") || got[4]+got[9] != count {
			t.Errorf("option %q: %d answers and %d errors", option, got[9], got[4])
		}
	}
}
