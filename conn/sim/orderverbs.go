package sim

import "time"

// Parameters of the verbs about orders.
const (
	turnParams  = " code= text= late=false status= fixed=false why= ended=false silent=false"
	faultParams = "ref= symbol= type= share=1 after=0 times=1 change=false refuse=false early=false " +
		"unacknowledged=false mute=false hide=false cut=false cut-before=false parts=0 pace=0s away=false lost=false " +
		"execution-first=false status-first=false twice=false correct= cancel-late=0s cancel-lost=false" + turnParams
)

// turnOf reads a turn from the parameters of a verb.
func turnOf(a *args) Turn {
	return Turn{
		Code: a.int("code", 1, 1<<30), Text: a.text("text"), Late: a.bool("late"), Status: a.text("status"),
		Fixed: a.bool("fixed"), WhyHeld: a.text("why"), Ended: a.bool("ended"), Silent: a.bool("silent"),
	}
}

func faultOrders(g *Gateway, a *args) error {
	f := OrderFault{
		Ref: a.text("ref"), Symbol: a.text("symbol"), Type: a.text("type"), Share: a.number("share", 1),
		After: a.int("after", 0, 1<<30), Times: a.int("times", -1, 1<<30), Change: a.bool("change"),
		Refuse: a.bool("refuse"), Early: a.bool("early"), Turn: turnOf(a), Unacknowledged: a.bool("unacknowledged"),
		Mute: a.bool("mute"), Hide: a.bool("hide"), Cut: a.bool("cut"), CutBefore: a.bool("cut-before"),
		Parts: a.int("parts", 0, 1<<20), Pace: a.positive("pace"), Away: a.bool("away"), Lost: a.bool("lost"),
		ExecutionFirst: a.bool("execution-first"), StatusFirst: a.bool("status-first"), Twice: a.bool("twice"),
		CancelLate: a.positive("cancel-late"), CancelLost: a.bool("cancel-lost"),
	}
	if a.text("correct") != "" {
		f.Correct = new(a.number("correct", 1e11))
	}
	return a.run(func() { g.FaultOrders(f) })
}

func turnOrder(g *Gateway, a *args) error {
	t := turnOf(a)
	return a.do(func() error { return g.TurnOrder(a.text("ref"), t) })
}

// later does something after a time of the gateway's clock, unless the gateway closes before. Gateway.mu is held then.
func (g *Gateway) later(d time.Duration, do func()) {
	if g.closed {
		return
	}
	g.wg.Go(func() {
		select {
		case <-g.ctx.Done():
			return
		case <-g.clock.after(d):
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		do()
	})
}
