package sim

import "fmt"

const marketDataLink = "See link in 'Market Data Connections' dialog for more details."

// noticeTexts is what gateways write with a code, in English, where it is the same each time. A client must not match
// it.
var noticeTexts = map[int]string{
	100: "Max rate of messages per second has been exceeded:max=50 rec=51 (1)",
	101: "Max number of tickers has been reached",
	102: "Duplicate ticker id",
	103: "Duplicate order id",
	104: "Can't modify a filled order",
	105: "Order being modified does not match original order",
	106: "Can't transmit order ID:",
	109: "Price is out of the range defined by the Percentage setting at order defaults frame. The order will not be " +
		"transmitted.",
	110:  "The price does not conform to the minimum price variation for this contract.",
	135:  "Can't find order with id =",
	136:  "This order cannot be cancelled.",
	161:  "Cancel attempted when order is not in a cancellable state. Order permId =",
	162:  "Historical Market Data Service error message:Historical data request pacing violation",
	200:  "No security definition has been found for the request",
	201:  "Order rejected - reason:",
	202:  cancelText,
	203:  "The security is not available or allowed for this account.",
	300:  "Can't find EId with tickerId:0",
	354:  "Requested market data is not subscribed. Displaying delayed market data is available.",
	366:  "No historical data query found for ticker id:0",
	387:  "Unsupported order type for this exchange and security type.",
	399:  "Order Message:\nWarning: Your order will not be placed at the exchange until the next session.",
	404:  "Order held while securities are located.",
	420:  "Invalid Real-time Query:Historical data request pacing violation",
	434:  "The order size cannot be zero.",
	460:  "No trading permissions.",
	504:  "Not connected",
	1100: "Connectivity between IBKR and Trader Workstation has been lost.",
	1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
	1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
	2100: "API client has been unsubscribed from account data.",
	2101: "Unable to subscribe to account as the following clients are subscribed to a different account.",
	2102: "Unable to modify this order as it is still being processed.",
	2109: `Order Event Warning:Attribute "Outside Regular Trading Hours" is ignored based on the order type and ` +
		"destination. PlaceOrder is now being processed.",
	2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
	2134: "Market Data subscription has been changed.",
	2137: "The closing order quantity is greater than your current position.",
	2161: "In accordance with our regulatory obligations as a broker, we will initially cap or limit the price of " +
		"your order to " +
		"one that is closer to the market.",
	10089: "Requested market data requires additional subscription for API. " + marketDataLink,
	10090: "Part of requested market data is not subscribed. Subscription-independent ticks are still active.",
	10091: "Part of requested market data requires additional subscription for API. " + marketDataLink,
	10147: "OrderId that needs to be cancelled is not found.",
	10148: "OrderId that needs to be cancelled cannot be cancelled.",
	10167: "Requested market data is not subscribed. Displaying delayed market data.",
	10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
	10182: "Failed to request live updates (disconnected).",
	10186: "Requested market data is not subscribed. Delayed market data is not enabled.",
	10197: "No market data during competing live session",
	10225: "Bust event occurred, current subscription is deactivated. Please resubscribe real-time bars immediately.",
	10349: "Order TIF was set to DAY based on order preset.",
	10357: "Configuration request is not allowed.",
}

// noticeText is the usual text of a code.
func noticeText(code int) string {
	if code == 2172 {
		return unsupportedText("20261215")
	}
	if n, ok := farmNotices[code]; ok {
		return n.text + n.farm
	}
	if text := noticeTexts[code]; text != "" {
		return text
	}
	return fmt.Sprintf("Simulated notice %d", code)
}

// codeError refuses a request with the usual text of a code.
func codeError(code int) *requestError { return refused(int32(code), "%s", noticeText(code)) }

// unsupportedText says that a version older than 10.50.1 has its end.
func unsupportedText(date string) string {
	return "The version of the application you are running, 1045.1, needs to be upgraded, as it will be " +
		"desupported on " +
		date +
		". The minimum supported version at that time will be 1050.1. "
}
