package sim

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
)

// CorrectExecution corrects the last execution of the order with a reference to another number of shares; with 0
// the exchange busts it. The correction is an execution with the same id but for the part behind the last dot, and
// says nothing about the order's status.
func (g *Gateway) CorrectExecution(ref string, shares float64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.book.executions) - 1; i >= 0; i-- {
		if x := g.book.executions[i]; x.of.order.GetOrderRef() == ref {
			return g.correctLocked(x, shares)
		}
	}
	return fmt.Errorf("no execution of an order with reference %q", ref)
}

func (g *Gateway) correctLocked(x execution, shares float64) error {
	x.details, x.commission, x.at = proto.CloneOf(x.details), proto.CloneOf(x.commission), g.nowLocked()
	e := x.details.Execution
	was, _ := strconv.ParseFloat(e.GetShares(), 64) // written by us
	cum, _ := strconv.ParseFloat(e.GetCumQty(), 64)
	id := e.GetExecId()
	at := strings.LastIndexByte(id, '.') + 1
	revision, err := strconv.Atoi(id[at:])
	if err != nil {
		return err
	}
	e.ExecId = new(fmt.Sprintf("%s%02d", id[:at], revision+1))
	x.commission.ExecId = e.ExecId
	e.Shares, e.CumQty = new(formatFloat(shares)), new(formatFloat(cum+shares-was))
	x.of.filled += shares - was
	signed := shares - was
	if e.GetSide() == "SLD" {
		signed = -signed
	}
	g.book.trade(e.GetAcctNumber(), x.of.q, signed, e.GetPrice(), 0)
	g.book.executions = append(g.book.executions, x)
	g.sendOwner(x.of, x.details, x.commission)
	g.tellPositions(x.of)
	return nil
}

func correctExecution(g *Gateway, a *args) error {
	shares := a.number("shares", 1e11)
	return a.do(func() error { return g.CorrectExecution(a.text("ref"), shares) })
}
