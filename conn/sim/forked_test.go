package sim

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

// TestListensAgainBesideForks has a gateway close and open its port again while the process starts others: such a
// child holds every descriptor of its parent, the port's too, until it runs its own program.
func TestListensAgainBesideForks(t *testing.T) {
	t.Parallel()
	g, err := Start(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	over := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := exec.Command(os.Args[0], "-test.run", "^$").Run(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 2000 {
		g.mu.Lock()
		g.stopListeningLocked()
		err := g.listenLocked()
		g.mu.Unlock()
		if err != nil {
			t.Errorf("round %d: %v", n, err)
			break
		}
	}
	close(over)
	wg.Wait()
}
