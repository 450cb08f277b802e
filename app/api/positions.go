package api

import (
	"context"
	"net/http"
	"time"
)

// Positions is the answer to GET /positions. Gateway reports each change of a position at once. If there is no
// connection, or if Gateway does not answer, they are those that it has reported last.
type Positions struct {
	At        *time.Time `json:"at"`        // as of when they are; null: Gateway has not reported them to this Gatewatch
	Current   bool       `json:"current"`   // they are those of now
	Reason    string     `json:"reason"`    // why they are not, for people
	Positions []Position `json:"positions"` // by account and symbol; those that are closed are not among them
}

// Position is what an account holds of one instrument, as Gateway reports it. What it does not report is null.
type Position struct {
	Account  string   `json:"account"`
	ConID    int64    `json:"con_id"`
	Symbol   string   `json:"symbol"`
	Contract string   `json:"contract"` // the instrument in short
	Currency string   `json:"currency"` // of the amounts
	Quantity *float64 `json:"quantity"` // shares or contracts, below 0 if they are sold short
	// of one share or contract, with commissions and the multiplier
	AverageCost *float64 `json:"average_cost"`
	// Gateway reports these two about every three minutes, and where the login has one account
	MarketValue *float64   `json:"market_value"`
	Unrealised  *float64   `json:"unrealised_pnl"`
	ValuedAt    *time.Time `json:"valued_at"` // when it reported them
}

// Positions asks for the positions that Gateway reports.
func (c *Client) Positions(ctx context.Context) (Positions, error) {
	return send[Positions](ctx, c, http.MethodGet, "/positions", nil, "", nil)
}
