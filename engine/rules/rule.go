// Package rules is the trader's own strategy: conditions on prices, and what to do when they are met.
//
// A [Rule] is what the trader writes. A [Set] evaluates rules against ticks and says which have triggered; it is an
// [gatewatch/engine.Strategy].
package rules

// MaxRules is how many rules there can be. The struct tags of a rule's fields hold the other limits; a strict reader
// checks them.
const MaxRules = 1000

// Rule is a condition on prices, and what to do when it is met.
type Rule struct {
	Name            string      `json:"name" doc:"What the rule is called; no two have the same name." format:"name" required:"true"`
	Instrument      Instrument  `json:"instrument" doc:"What is watched, and traded." required:"true"`
	Match           string      `json:"match,omitempty" doc:"Whether all conditions have to be met at the same time, or any one of them; without this key, all." enum:"all,any"`
	Conditions      []Condition `json:"conditions" doc:"Conditions." count:"1..10" required:"true"`
	Only            *Only       `json:"only,omitempty" doc:"When the rule may trigger; without this key, at any time."`
	AllowDelayed    bool        `json:"allow_delayed,omitempty" doc:"Delayed prices may trigger the rule."`
	CooldownSeconds float64     `json:"cooldown_seconds,omitempty" doc:"Seconds until the rule may trigger again; 0: it triggers once." min:"0" max:"604800"`
	Action          Action      `json:"action" doc:"What the rule does." required:"true"`
}

// Instrument names a contract, by its conId or by symbol, type, exchange and currency.
type Instrument struct {
	ConID    int64  `json:"con_id,omitempty" doc:"IBKR's number of the contract. With it no other key is needed but exchange." min:"0" max:"2147483647"`
	Symbol   string `json:"symbol,omitempty" doc:"Symbol, such as AAPL, EUR or ES." format:"word"`
	Type     string `json:"type,omitempty" doc:"Kind of instrument; without this key, STK." enum:"STK,CASH,FUT,OPT,IND,CFD,CRYPTO,CMDTY,FUND,BOND"`
	Exchange string `json:"exchange,omitempty" doc:"Exchange, such as SMART or IDEALPRO; without this key, SMART, and IDEALPRO for CASH." format:"word"`
	Primary  string `json:"primary_exchange,omitempty" doc:"Primary exchange, where a symbol on SMART is ambiguous." format:"word"`
	Currency string `json:"currency,omitempty" doc:"Currency, such as USD; without this key, the only one there is." format:"word"`
	Local    string `json:"local_symbol,omitempty" doc:"Local symbol, such as ESZ6 for one future." format:"line"`
}

// Condition is one comparison of a price.
type Condition struct {
	Instrument *Instrument `json:"instrument,omitempty" doc:"Instrument whose price is compared; without this key, that of the rule."`
	Price      string      `json:"price" doc:"Which price; mid is the middle between bid and ask." enum:"bid,ask,last,mid" required:"true"`
	Is         string      `json:"is" doc:"How it is compared. A crossing needs the price to have been on the other side before, since the connection was made." enum:"at_or_above,at_or_below,crosses_up,crosses_down" required:"true"`
	Value      float64     `json:"value" doc:"The price to compare with, as Gateway quotes it: of most shares in London in pence." min:"-1e9" max:"1e9" required:"true"`
	ForSeconds float64     `json:"for_seconds,omitempty" doc:"Seconds for which it has to stay so without a gap in the data; only with at_or_above and at_or_below." min:"0" max:"86400"`
}

// Only limits when a rule may trigger.
type Only struct {
	MarketHours bool     `json:"market_hours,omitempty" doc:"Only inside market_hours of settings.json."`
	From        string   `json:"from,omitempty" doc:"Time of day from which the rule may trigger." format:"clock"`
	Until       string   `json:"until,omitempty" doc:"Time of day until which it may; not after from means on the next day." format:"clock"`
	Days        []string `json:"days,omitempty" doc:"Days on which the time of day named by from may start; without this key, every day." enum:"mon,tue,wed,thu,fri,sat,sun" count:"0..7" unique:"true"`
	Timezone    string   `json:"timezone,omitempty" doc:"Time zone of from, until and days, an IANA name or Local; without this key, Local." format:"timezone"`
}

// Action is what a rule does when it triggers.
type Action struct {
	Do    string `json:"do" doc:"notify: send a notification. order: place an order." enum:"notify,order" required:"true"`
	Order *Order `json:"order,omitempty" doc:"The order; only with do: order."`
}

// Order is what a rule buys or sells. An offset is added to the price of the rule's first condition that watches the
// rule's own instrument, at the moment when it triggers; with none such, to its last price. The result is rounded to a
// price that the contract can have.
type Order struct {
	Side         string   `json:"side" doc:"BUY or SELL." enum:"BUY,SELL" required:"true"`
	Quantity     float64  `json:"quantity" doc:"Shares or contracts." min:"0.0000001" max:"99999999999" required:"true"`
	Type         string   `json:"type" doc:"Order type." enum:"MKT,LMT,STP,STP LMT,TRAIL" required:"true"`
	LimitPrice   *float64 `json:"limit_price,omitempty" doc:"Limit price of LMT and STP LMT; or" min:"-1e9" max:"1e9"`
	LimitOffset  *float64 `json:"limit_offset,omitempty" doc:"the same as an offset: -0.05 is five cents below." min:"-1e9" max:"1e9"`
	StopPrice    *float64 `json:"stop_price,omitempty" doc:"Stop price of STP and STP LMT; or" min:"-1e9" max:"1e9"`
	StopOffset   *float64 `json:"stop_offset,omitempty" doc:"the same as an offset." min:"-1e9" max:"1e9"`
	TrailAmount  *float64 `json:"trail_amount,omitempty" doc:"Distance of a TRAIL order to the best price; or" min:"0" max:"1e9"`
	TrailPercent *float64 `json:"trail_percent,omitempty" doc:"the same in percent." min:"0" max:"100"`
	TIF          string   `json:"tif,omitempty" doc:"Time in force; without this key, DAY." enum:"DAY,GTC,IOC"`
	OutsideHours bool     `json:"outside_hours,omitempty" doc:"May also be filled outside regular trading hours."`
	Account      string   `json:"account,omitempty" doc:"Account; needed only where the login has several." format:"word"`
	TakeProfit   *Exit    `json:"take_profit,omitempty" doc:"Limit order that closes the position with a profit, placed with the order. The first of take_profit and stop_loss that is filled cancels the other."`
	StopLoss     *Exit    `json:"stop_loss,omitempty" doc:"Stop order that closes the position with a loss, placed with the order."`
}

// Exit is the price of an order that closes a position: one of the two keys.
type Exit struct {
	Price  *float64 `json:"price,omitempty" doc:"Price; or" min:"-1e9" max:"1e9"`
	Offset *float64 `json:"offset,omitempty" doc:"an offset to the same price as the order's own offsets." min:"-1e9" max:"1e9"`
}

// State is that of a rule. Its text is stable.
type State string

// The states.
const (
	Draft     State = "draft"     // written down; it does nothing until it is activated
	Active    State = "active"    // watches prices
	Triggered State = "triggered" // what becomes of its order is not known yet, or its cooldown is not over
	Done      State = "done"      // has triggered for the last time, and what it had to do is done
	Failed    State = "failed"    // stopped, because its order was rejected or not sent; activate it again
)
