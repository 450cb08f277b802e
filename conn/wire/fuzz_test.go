package wire

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// messageType says what the client library makes of a message, and where in it each field of ours comes from.
type messageType struct {
	new    func() proto.Message
	fields map[string]string // of what Message's method returns; "" is the value itself
}

var orderFields = map[string]string{
	"Client": "order.clientId", "PermID": "order.permId", "Parent": "order.parentId", "Ref": "order.orderRef",
	"Side": "order.action", "Type": "order.orderType", "Quantity": "order.totalQuantity",
	"Filled": "order.filledQuantity", "Limit": "order.lmtPrice", "Aux": "order.auxPrice",
	"Percent": "order.trailingPercent", "TIF": "order.tif", "Account": "order.account", "Outside": "order.outsideRth",
}

var messageTypes = map[int]messageType{
	MsgTickPrice: {func() proto.Message { return &protobuf.TickPrice{} }, map[string]string{
		"Request": "reqId", "Type": "tickType", "Value": "price", "Size": "size",
	}},
	MsgTickSize: {func() proto.Message { return &protobuf.TickSize{} }, map[string]string{
		"Request": "reqId", "Type": "tickType", "Size": "size",
	}},
	MsgTickString: {func() proto.Message { return &protobuf.TickString{} }, map[string]string{
		"Request": "reqId", "Type": "tickType", "Text": "value",
	}},
	MsgTickGeneric: {func() proto.Message { return &protobuf.TickGeneric{} }, map[string]string{
		"Request": "reqId", "Type": "tickType", "Value": "value",
	}},
	MsgMarketDataType: {func() proto.Message { return &protobuf.MarketDataType{} }, map[string]string{
		"Request": "reqId", "Type": "marketDataType",
	}},
	MsgError: {func() proto.Message { return &protobuf.ErrorMessage{} }, map[string]string{
		"Request": "id", "Code": "errorCode", "Text": "errorMsg",
	}},
	MsgNextValidID:     {func() proto.Message { return &protobuf.NextValidId{} }, map[string]string{"": "orderId"}},
	MsgManagedAccounts: {func() proto.Message { return &protobuf.ManagedAccounts{} }, nil},
	MsgCurrentTime:     {func() proto.Message { return &protobuf.CurrentTime{} }, map[string]string{"": "currentTime"}},
	MsgOrderStatus: {func() proto.Message { return &protobuf.OrderStatus{} }, map[string]string{
		"ID": "orderId", "Client": "clientId", "PermID": "permId", "Parent": "parentId", "Status": "status",
		"WhyHeld": "whyHeld",
		"Filled":  "filled", "Price": "avgFillPrice",
	}},
	MsgOpenOrder:          {func() proto.Message { return &protobuf.OpenOrder{} }, orderFields},
	MsgOpenOrdersEnd:      {func() proto.Message { return &protobuf.OpenOrdersEnd{} }, nil},
	MsgCompletedOrder:     {func() proto.Message { return &protobuf.CompletedOrder{} }, orderFields},
	MsgCompletedOrdersEnd: {func() proto.Message { return &protobuf.CompletedOrdersEnd{} }, nil},
	MsgExecution: {func() proto.Message { return &protobuf.ExecutionDetails{} }, map[string]string{
		"Execution": "execution.execId", "Ref": "execution.orderRef",
		"ID": "execution.orderId", "Client": "execution.clientId", "PermID": "execution.permId",
		"Filled": "execution.shares", "Total": "execution.cumQty", "Price": "execution.price",
	}},
	MsgExecutionsEnd: {func() proto.Message { return &protobuf.ExecutionDetailsEnd{} }, map[string]string{"": "reqId"}},
	MsgCommission: {func() proto.Message { return &protobuf.CommissionAndFeesReport{} }, map[string]string{
		"Execution": "execId", "Price": "commissionAndFees", "Currency": "currency", "Realised": "realizedPNL",
	}},
	MsgContractDetails: {
		func() proto.Message { return &protobuf.ContractData{} },
		map[string]string{"Request": "reqId"},
	},
	MsgBondDetails: {
		func() proto.Message { return &protobuf.ContractData{} },
		map[string]string{"Request": "reqId"},
	},
	MsgContractDetailsEnd: {
		func() proto.Message { return &protobuf.ContractDataEnd{} },
		map[string]string{"": "reqId"},
	},
	MsgReroute: {func() proto.Message { return &protobuf.RerouteMarketDataRequest{} }, map[string]string{
		"Request": "reqId", "ConID": "conId", "Exchange": "exchange",
	}},
	MsgMarketRule: {
		func() proto.Message { return &protobuf.MarketRule{} },
		map[string]string{"Number": "marketRuleId"},
	},
	MsgPosition: {func() proto.Message { return &protobuf.Position{} }, map[string]string{
		"Account": "account", "Contract.Symbol": "contract.symbol",
	}},
	MsgPortfolio: {func() proto.Message { return &protobuf.PortfolioValue{} }, map[string]string{
		"Account": "accountName", "Contract.Symbol": "contract.symbol",
	}},
	MsgPositionsEnd: {func() proto.Message { return &protobuf.PositionEnd{} }, nil},
	MsgAccountEnd:   {func() proto.Message { return &protobuf.AccountDataEnd{} }, nil},
	MsgConfig: {func() proto.Message { return &protobuf.ConfigResponse{} }, map[string]string{
		"Request": "reqId", "LogoffTime": "lockAndExit.autoLogoffTime", "Port": "api.settings.socketPort",
		"LogoffPeriod": "lockAndExit.autoLogoffPeriod", "LogoffType": "lockAndExit.autoLogoffType",
	}},
}

// valueAt returns the value of a field of the library's message; if it is not set, its zero value.
func valueAt(m proto.Message, path string) any {
	r := m.ProtoReflect()
	names := strings.Split(path, ".")
	for i, name := range names {
		field := r.Descriptor().Fields().ByName(protoreflect.Name(name))
		if i == len(names)-1 {
			return r.Get(field).Interface()
		}
		r = r.Get(field).Message()
	}
	return nil
}

// alike compares a value of ours with the library's: numbers are wider here, those in text are numbers, texts are
// bounded.
func alike(got reflect.Value, want any) bool {
	switch want := want.(type) {
	case bool:
		return got.Bool() == want
	case int32:
		return got.Int() == int64(want)
	case int64:
		return got.Int() == want
	case float64:
		return math.Float64bits(got.Float()) == math.Float64bits(want) || got.Float() == 0 && Real(want) == 0
	case string:
		switch got.Kind() {
		case reflect.Float64:
			return unNaN(got.Float()) == unNaN(decimal(want)) || got.Float() == 0 && Real(decimal(want)) == 0
		case reflect.Slice:
			return string(got.Bytes()) == want
		}
		return got.String() == want || len(want) > maxText && strings.HasPrefix(want, got.String()) &&
			len(got.String()) > maxText-utf8.UTFMax
	}
	return false
}

// compare says in which field what was decoded differs from the library's message.
func compare(t *testing.T, number int, got any, lib proto.Message) {
	t.Helper()
	for ours, theirs := range messageTypes[number].fields {
		v := reflect.ValueOf(got)
		if ours != "" {
			for name := range strings.SplitSeq(ours, ".") {
				v = v.FieldByName(name)
			}
		}
		if want := valueAt(lib, theirs); !alike(v, want) {
			t.Fatalf("message %d: %s is %v, the library has %s %v", number, ours, v, theirs, want)
		}
	}
	switch got := got.(type) {
	case OrderNews:
		want, preview := int64(0), false
		if open, ok := lib.(*protobuf.OpenOrder); ok {
			want = int64(cmp.Or(open.GetOrderId(), open.GetOrder().GetOrderId()))
			preview = open.GetOrder().GetWhatIf()
		}
		if (number == MsgOpenOrder || number == MsgCompletedOrder) && (got.ID != want || preview != (got.Kind == 0)) {
			t.Fatalf("order %d is %d", want, got.ID)
		}
	case contract:
		c, d := lib.(*protobuf.ContractData).GetContract(), lib.(*protobuf.ContractData).GetContractDetails()
		if known := c != nil && d != nil; !known || got.Known == nil {
			if known || got.Known != nil {
				t.Fatalf("%+v of %v", got, lib)
			}
			return
		}
		in := &got.Known.Contract
		for ours, theirs := range map[any]any{
			&in.ConID: c.GetConId(), &in.Symbol: c.GetSymbol(), &in.Type: c.GetSecType(), &in.Exchange: c.GetExchange(),
			&in.Primary: c.GetPrimaryExch(), &in.Currency: c.GetCurrency(), &in.Local: c.GetLocalSymbol(),
			&got.Known.Name: d.GetLongName(),
		} {
			if v := reflect.ValueOf(ours).Elem(); !alike(v, theirs) {
				t.Fatalf("%v, the library has %v", v, theirs)
			}
		}
		magnifier := float64(max(1, d.GetPriceMagnifier()))
		if !strings.HasPrefix(c.GetLastTradeDateOrContractMonth(), got.Known.Expiry) ||
			got.Known.Magnifier != magnifier ||
			!slices.Contains([]float64{c.GetMultiplier() / magnifier, 1 / magnifier, 0}, got.Known.Multiplier) ||
			got.Known.MinTick != max(0, Real(decimal(d.GetMinTick())))*magnifier {
			t.Fatalf("%+v of %v", got.Known, lib)
		}
	case rule:
		for _, p := range lib.(*protobuf.MarketRule).GetPriceIncrements() {
			usable := Real(p.GetIncrement()) > 0 && Real(p.GetLowEdge()) == p.GetLowEdge()
			if usable != slices.Contains(got.Steps, PriceStep{p.GetLowEdge(), p.GetIncrement()}) {
				t.Fatalf("%+v of %v", got, lib)
			}
		}
	case Config:
		api := lib.(*protobuf.ConfigResponse).GetApi().GetSettings()
		if !slices.EqualFunc(got.Trusted, api.GetTrustedIPs()[:len(got.Trusted)], func(a, b string) bool {
			return alike(reflect.ValueOf(a), b)
		}) || len(got.Trusted)+got.TrustedMore != len(api.GetTrustedIPs()) || len(got.Trusted) > maxTrusted ||
			api != nil && (!reflect.DeepEqual(got.ReadOnly, api.ReadOnlyApi) ||
				!reflect.DeepEqual(got.LocalOnly, api.AllowLocalhostOnly) ||
				!reflect.DeepEqual(got.Resubmit, api.MaintainAndResubmitOrdersOnReconnect)) {
			t.Fatalf("%+v of %v", got, lib)
		}
	case Position:
		lib := lib.(*protobuf.Position)
		comparePosition(t, &got, lib.GetPosition(), lib.AvgCost)
	case Portfolio:
		lib := lib.(*protobuf.PortfolioValue)
		comparePosition(t, &got.Position, lib.GetPosition(), lib.AverageCost)
		compareNumber(t, got.Value, lib.MarketValue)
		compareNumber(t, got.Unrealised, lib.UnrealizedPNL)
	case []string:
		all := lib.(*protobuf.ManagedAccounts).GetAccountsList()
		if slices.Contains(got, "") || len(all) <= maxList &&
			strings.Join(got, "") != strings.ReplaceAll(all, ",", "") {
			t.Fatalf("%q of %q", got, all)
		}
	}
}

func comparePosition(t *testing.T, got *Position, quantity string, cost *float64) {
	t.Helper()
	want := decimal(quantity)
	compareNumber(t, got.Quantity, &want)
	compareNumber(t, got.AverageCost, cost)
}

// compareNumber checks that a number is the library's, and nil where the library has none.
func compareNumber(t *testing.T, got, want *float64) {
	t.Helper()
	real := want != nil && !math.IsNaN(*want) && Real(*want) == *want
	if real != (got != nil) || real && *got != *want {
		t.Fatalf("%v, the library has %v", got, want)
	}
}

// FuzzMessage: what is decoded is what the client library's types make of it, and garbage is only ever an error.
func FuzzMessage(f *testing.F) {
	for _, payload := range messageSeeds(f) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := slices.Clone(payload)
		number, got, err := open(payload)
		if !slices.Equal(payload, before) {
			t.Fatalf("%x was changed to %x", before, payload)
		}
		if _, bad := errors.AsType[*ProtocolError](err); err != nil && !bad {
			t.Fatalf("%v is no ProtocolError", err)
		}
		m, _ := Split(payload)
		if m.inText || m.Number == 0 {
			return
		}
		lib := messageTypes[m.Number].new()
		switch libErr := proto.Unmarshal(m.body, lib); {
		case err == nil && libErr == nil:
			compare(t, number, got, lib)
		case err == nil: // only a text can be the reason
			body, err := repaired(m.body, lib.ProtoReflect().Descriptor(), new(int))
			if errors.Is(err, errRange) { // of a tick: in a number that is not used
				return
			}
			if err != nil || body == nil || proto.Unmarshal(body, lib) != nil {
				t.Fatalf("message %d of %x was decoded, the library: %v", number, m.body, libErr)
			}
			if number != MsgTickString { // whose value is as it came
				compare(t, number, got, lib)
			}
		case libErr == nil && !strings.Contains(err.Error(), errRange.Error()) &&
			!strings.Contains(err.Error(), errParts.Error()):
			t.Fatalf("message %d of %x: %v, but the library decodes it", m.Number, m.body, err)
		}
	})
}

// messageSeeds are messages of every kind with every field that is used, and some that break the rules.
func messageSeeds(t testing.TB) (seeds [][]byte) {
	for number, typ := range messageTypes {
		m := typ.new()
		fill(m.ProtoReflect(), 0)
		seeds = append(seeds, inProto(t, number, m), numbered(ProtoBase+number, nil))
	}
	text := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), "rejet\xe9")
	great := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1<<40)
	twice := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), great)
	hostile := &protobuf.ConfigResponse{Api: &protobuf.ApiConfig{
		Settings: &protobuf.ApiSettingsConfig{TrustedIPs: slices.Repeat([]string{"10.0.0.1"}, 10_000)},
	}}
	seeds = append(seeds, inProto(t, MsgConfig, hostile))
	return append(seeds, numbered(204, text), numbered(203, great), numbered(205, append(twice, twice...)),
		numbered(4, []byte("-1\x001100\x00lost\x00\x001796086800000\x00")), numbered(9, []byte("1\x0011\x00")),
		[]byte("15\x001\x00DU1\x00"),
		numbered(201, protowire.AppendTag(nil, 3, protowire.StartGroupType)), []byte("HTTP/1.1 400 Bad Request\r\n"))
}

// fill sets fields of a message to values that say which they are. Of an order some are enough.
func fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		n := int64(f.Number())
		switch {
		case n > 30 && n != 31 && n != 35 && n != 36 && n != 65 && n != 115 && n != 138, f.IsMap(), depth > 2:
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			fill(m.Mutable(f).List().AppendMutable().Message(), depth+1)
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			m.Mutable(f).List().Append(protoreflect.ValueOfString("1"))
		case f.IsList():
		case f.Kind() == protoreflect.MessageKind:
			fill(m.Mutable(f).Message(), depth+1)
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(strings.Repeat("1", int(n%3)+1)))
		case f.Kind() == protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(int32(-n)))
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(n<<40))
		case f.Kind() == protoreflect.DoubleKind:
			m.Set(f, protoreflect.ValueOfFloat64(float64(n)/4))
		case f.Kind() == protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(true))
		}
	}
}

// TestEveryMessageIsDecoded: each field of ours says what the field of the library's that it is named after says.
func TestEveryMessageIsDecoded(t *testing.T) {
	for number := range maxNumber {
		typ, isKnown := messageTypes[number]
		if isKnown != known(number, false) || isKnown != (decoders[number] != nil) {
			t.Errorf("message %d is not compared", number)
		}
		if !isKnown {
			continue
		}
		lib := typ.new()
		fill(lib.ProtoReflect(), 0)
		_, got, err := open(inProto(t, number, lib))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, number, got, lib)
		if v := reflect.ValueOf(got); v.IsValid() && v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				if v.Field(i).IsZero() && v.Type() != reflect.TypeFor[OrderNews]() &&
					v.Type() != reflect.TypeFor[Tick]() &&
					v.Type().Field(i).Name != "TrustedMore" {
					t.Errorf("message %d: %s is never set", number, v.Type().Field(i).Name)
				}
			}
		}
	}
}

// FuzzRequest: what is written of an order and its contract is what the client library's types read.
func FuzzRequest(f *testing.F) {
	f.Add(int64(7), int64(6), int64(265598), 100.25, 187.5, 0.0, 1.5, "AAPL", "ref", "BUY", true)
	f.Add(int64(1<<31), int64(-1), int64(0), 1e-9, math.NaN(), math.Inf(1), -1.0, "\xff", "", "SELL", false)
	f.Add(int64(1), int64(0), int64(1), 99_999_999_999.0, math.Copysign(0, -1), 1e-300, 0.1+0.2, "é", "r", "", false)
	f.Fuzz(func(t *testing.T, id, parent, conID int64, size, limit, aux, percent float64, symbol, ref, action string,
		flag bool,
	) {
		if size > 0 && size < 1e-7 {
			return // rounded up or down
		}
		contract := Contract{ConID: conID, Symbol: symbol, Local: ref}
		in32 := func(v int64) bool { return v == int64(int32(v)) }
		inUTF8 := utf8.ValidString(symbol) && utf8.ValidString(ref)
		fits := in32(id) && in32(conID) && inUTF8
		orderFits := fits && in32(parent) && utf8.ValidString(action) && size > 0 && size <= 99_999_999_999
		wantPrice := func(p *float64, v float64) bool {
			return v == 0 && p == nil || p != nil && math.Float64bits(*p) == math.Float64bits(v)
		}
		if p := written[*protobuf.PlaceOrderRequest](t, PlaceOrder(id, &Order{
			Parent: parent, Contract: contract, Ref: ref, Side: Side(action), Quantity: size, LimitPrice: limit,
			StopPrice: aux, TrailPercent: percent, OutsideHours: flag, Hold: flag,
		}), orderFits); p != nil {
			o := p.GetOrder()
			written := decimal(o.GetTotalQuantity())
			if int64(p.GetOrderId()) != id || int64(o.GetOrderId()) != id || int64(o.GetParentId()) != parent ||
				o.GetOrderRef() != ref ||
				o.GetAction() != action || o.GetOutsideRth() != flag || o.GetTransmit() == flag ||
				!sameContract(p.GetContract(), contract) ||
				!wantPrice(o.LmtPrice, limit) || !wantPrice(o.AuxPrice, aux) ||
				!wantPrice(o.TrailingPercent, percent) ||
				len(o.GetTotalQuantity()) <= 32 && !(math.Abs(written-size) <= 1e-7+size*1e-15) {
				t.Fatalf("%v", p)
			}
		}
		if p := written[*protobuf.MarketDataRequest](t, Subscribe(id, contract), fits); p != nil {
			if int64(p.GetReqId()) != id || !sameContract(p.GetContract(), contract) {
				t.Fatalf("%v", p)
			}
		}
		if p := written[*protobuf.ContractDataRequest](t, ContractDetails(id, contract), fits); p != nil {
			if int64(p.GetReqId()) != id || !sameContract(p.GetContract(), contract) {
				t.Fatalf("%v", p)
			}
		}
		if p := written[*protobuf.ExecutionRequest](t, Executions(id, parent), in32(id) && in32(parent)); p != nil {
			if int64(p.GetReqId()) != id || int64(p.GetExecutionFilter().GetClientId()) != parent {
				t.Fatalf("%v", p)
			}
		}
		if p := written[*protobuf.CancelOrderRequest](t, CancelOrder(id), in32(id)); p != nil &&
			int64(p.GetOrderId()) != id {
			t.Fatalf("%v", p)
		}
	})
}

func sameContract(p *protobuf.Contract, c Contract) bool {
	return int64(p.GetConId()) == c.ConID && p.GetSymbol() == c.Symbol && p.GetLocalSymbol() == c.Local
}

// written returns a request as the client library reads it, nil if there is none. There has to be one if it fits.
func written[P proto.Message](t *testing.T, r Request, fits bool) (none P) {
	frame, err := Frame(r)
	if (err == nil) != fits {
		t.Fatalf("%+v: %v", r, err)
	}
	if err != nil {
		return none
	}
	payload, err := ReadFrame(bytes.NewReader(frame))
	if err != nil || len(payload)+4 != len(frame) {
		t.Fatalf("%+v: %x, %v", r, frame, err)
	}
	_, body := read(t, payload)
	return body.(P)
}
