package sim

import (
	"fmt"
	"slices"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// Question is a kind of request whose answer a gateway may owe.
type Question string

// The questions of [Gateway.LeaveUnanswered].
const (
	OpenOrders      Question = "open-orders"
	CompletedOrders Question = "completed-orders"
	Executions      Question = "executions"
	ContractDetails Question = "contract-details"
	Positions       Question = "positions"
)

var questions = []Question{OpenOrders, CompletedOrders, Executions, ContractDetails, Positions}

// known reports whether a question is one of them, or the name of a request, such as reqMktData.
func (q Question) known() bool {
	if slices.Contains(questions, q) {
		return true
	}
	for _, kind := range requestKinds {
		if kind.name == string(q) {
			return true
		}
	}
	return false
}

// questionOf says which question a request is, "" for none.
func questionOf(m proto.Message) Question {
	switch m.(type) {
	case *protobuf.OpenOrdersRequest, *protobuf.AllOpenOrdersRequest:
		return OpenOrders
	case *protobuf.CompletedOrdersRequest:
		return CompletedOrders
	case *protobuf.ExecutionRequest:
		return Executions
	case *protobuf.ContractDataRequest:
		return ContractDetails
	case *protobuf.PositionsRequest, *protobuf.PositionsMultiRequest:
		return Positions
	}
	return ""
}

// LeaveUnanswered leaves the next n questions of a kind unanswered; below 0, all of them.
func (g *Gateway) LeaveUnanswered(q Question, n int) error {
	if !q.known() {
		return fmt.Errorf("unknown question %q: one of %s, or the name of a request", q, questions)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.faults.unanswered == nil {
		g.faults.unanswered = map[Question]int{}
	}
	g.faults.unanswered[q] = n
	return nil
}

// ReadOnly makes the API read-only, or ends that: what could change orders is refused with error 321, and so are the
// questions about open and completed orders, though not the one about executions.
func (g *Gateway) ReadOnly(on bool) { g.locked(func() { g.faults.readOnly = on }) }

// silentLocked reports whether a request is to be left unanswered, and counts it.
func (g *Gateway) silentLocked(req *request) bool {
	for _, q := range []Question{questionOf(req.message), Question(req.kind.name)} {
		if n := g.faults.unanswered[q]; n != 0 {
			if n > 0 {
				g.faults.unanswered[q]--
			}
			return true
		}
	}
	return false
}

// refuseWrite refuses what a read-only API does not do.
func (g *Gateway) refuseWrite(req *request) *requestError {
	if !g.faults.readOnly {
		return nil
	}
	switch req.message.(type) {
	case *protobuf.PlaceOrderRequest, *protobuf.CancelOrderRequest, *protobuf.GlobalCancelRequest,
		*protobuf.OpenOrdersRequest, *protobuf.AllOpenOrdersRequest, *protobuf.AutoOpenOrdersRequest,
		*protobuf.CompletedOrdersRequest:
		return invalid("The API interface is currently in Read-Only mode.")
	}
	return nil
}
