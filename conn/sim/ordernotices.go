package sim

import "fmt"

// orderText is what gateways write with a code about an order, in English.
func orderText(code int, o *order) string {
	switch code {
	case 201:
		return "Order rejected - reason:"
	case 202:
		return cancelText
	case 399:
		return fmt.Sprintf("Order Message:\n%s %s %s %s\nWarning: Your order will not be placed at the exchange until the next session.",
			o.order.GetAction(), formatFloat(o.qty), o.q.in.label(), o.q.in.contract.GetTradingClass())
	case 404:
		return "Order held while securities are located."
	case 2109:
		return "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination." +
			" PlaceOrder is now being processed."
	case 2137:
		return "The closing order quantity is greater than your current position."
	case 2161:
		return "In accordance with our regulatory obligations as a broker, we will initially cap (or limit) the price of your Limit Order to" +
			" a price that is closer to the current market."
	case 10349:
		return "Order TIF was set to DAY based on order preset."
	case 10352:
		return "Order was changed by the order preset."
	}
	return fmt.Sprintf("Simulated order message %d", code)
}
