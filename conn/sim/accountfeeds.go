package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// accountPause is how long account values stay as they were sent, unless a fill changes them.
const accountPause = 3 * time.Minute

// accountFeed is a running subscription to account values, and what was sent of them.
type accountFeed struct {
	accounts []string
	tags     []string // of a summary; nil: all
	told     map[string]string
	at       time.Time
}

// accountValue is one figure of an account.
type accountValue struct{ account, tag, value, currency string }

func (f *accountFeed) wants(tag string) bool {
	return f.tags == nil || slices.Contains(f.tags, tag) ||
		slices.ContainsFunc(f.tags, func(t string) bool { return strings.HasPrefix(t, "$LEDGER") })
}

// news returns the figures that are not as they were sent, and notes that they are now.
func (f *accountFeed) news(g *Gateway) (list []accountValue) {
	if f.told == nil {
		f.told = map[string]string{}
	}
	f.at = g.nowLocked()
	for _, account := range f.accounts {
		for _, v := range g.values(account) {
			key := account + " " + v[0]
			if was, ok := f.told[key]; f.wants(v[0]) && (!ok || was != v[1]) {
				f.told[key] = v[1]
				list = append(list, accountValue{account, v[0], v[1], v[2]})
			}
		}
	}
	return list
}

// due reports whether it is time to look for changes again.
func (f *accountFeed) due(now time.Time) bool { return now.Sub(f.at) >= accountPause }

// tellAccount sends a client what changed of the account that it follows, and all of its positions.
func (g *Gateway) tellAccount(c *conn) {
	account := c.account.accounts[0]
	g.tellValues(c)
	for _, p := range g.book.holding(account) {
		c.queueLocked(p.portfolio())
	}
	c.sendLocked(&protobuf.AccountUpdateTime{TimeStamp: new(g.nowLocked().In(g.zone).Format("15:04"))})
}

func (g *Gateway) tellValues(c *conn) {
	for _, v := range c.account.news(g) {
		c.queueLocked(&protobuf.AccountValue{
			Key: &v.tag, Value: &v.value, Currency: &v.currency,
			AccountName: &v.account,
		})
	}
}

func (g *Gateway) tellSummary(c *conn, id int32, f *accountFeed) {
	for _, v := range f.news(g) {
		c.queueLocked(&protobuf.AccountSummary{
			ReqId: &id, Account: &v.account, Tag: &v.tag, Value: &v.value, Currency: &v.currency,
		})
	}
}

func (g *Gateway) tellMulti(c *conn, id int32, f *accountFeed) {
	for _, v := range f.news(g) {
		c.queueLocked(&protobuf.AccountUpdateMulti{
			ReqId: &id, Account: &v.account, ModelCode: new(""), Key: &v.tag, Value: &v.value,
			Currency: &v.currency,
		})
	}
}

// tellPositions sends what changed by a fill to everybody who asked for positions or the account.
func (g *Gateway) tellPositions(o *order) {
	account := o.order.GetAccount()
	p := g.book.positions[positionKey{account, o.q.in.conID()}]
	for c := range g.conns {
		if !c.ready || g.upstreamLost {
			continue
		}
		if c.positions {
			c.sendLocked(p.message())
		}
		for id, a := range c.posMulti {
			if a == "" || a == account {
				c.sendLocked(p.multi(id))
			}
		}
		if c.account != nil && c.account.accounts[0] == account {
			g.tellValues(c)
			c.sendLocked(p.portfolio())
		}
	}
}

// tellAccounts sends account figures that changed with prices.
func (g *Gateway) tellAccounts(now time.Time) {
	for c := range g.conns {
		if c.account != nil && c.account.due(now) {
			g.tellAccount(c)
		}
		for id, f := range c.summaries {
			if f.due(now) {
				g.tellSummary(c, id, f)
				c.flush()
			}
		}
		for id, f := range c.acctMulti {
			if f.due(now) {
				g.tellMulti(c, id, f)
				c.flush()
			}
		}
	}
}
