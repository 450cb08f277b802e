package conn

// codeEffect is what a code from Gateway does to the connection as a whole.
type codeEffect uint8

const (
	effectNone         codeEffect = iota // told as a notice
	effectUpstreamLost                   // Gateway lost IBKR
	effectRestoredLost                   // restored, subscriptions lost
	effectRestoredKept                   // restored, subscriptions kept
	effectFarm                           // one data farm changed
	effectCompeting                      // another session took the market data
	effectPortChanged                    // the API port has moved
	effectFailsAttempt                   // Gateway will close: the attempt fails with a known cause
	effectFailsSession                   // the client side gave up
	effectUnsupported                    // IBKR ends its support for this version of Gateway
	effectInvalid                        // a request makes no sense, or the API is read-only
)

// codeInvalid is what Gateway says of a request that makes no sense, and of what its API may not do while it is read-only.
const codeInvalid = 321

// codeMarketFarmOK says that a market data farm is connected.
const codeMarketFarmOK = 2104

type codeRow struct {
	effect codeEffect
	farm   FarmState
	kind   string // of farm, where Gateway gives no name
	cause  Cause
}

// codeTable maps message numbers to effects. Numbers only: texts are localised and change.
//
// Source: IBKR's API reference, "Message codes".
var codeTable = map[int]codeRow{
	1100: {effect: effectUpstreamLost, cause: CauseUpstream},
	2110: {effect: effectUpstreamLost, cause: CauseUpstream},
	1101: {effect: effectRestoredLost},
	1102: {effect: effectRestoredKept},
	1300: {effect: effectPortChanged, cause: CausePortChanged},

	2103: {effect: effectFarm, farm: FarmBroken, kind: "market data"},
	2105: {effect: effectFarm, farm: FarmBroken, kind: "historical data"},
	2157: {effect: effectFarm, farm: FarmBroken, kind: "security definitions"},
	2104: {effect: effectFarm, farm: FarmOK, kind: "market data"},
	2106: {effect: effectFarm, farm: FarmOK, kind: "historical data"},
	2158: {effect: effectFarm, farm: FarmOK, kind: "security definitions"},
	2107: {effect: effectFarm, farm: FarmDormant, kind: "historical data"},
	2108: {effect: effectFarm, farm: FarmDormant, kind: "market data"},
	2119: {effect: effectFarm, farm: FarmConnecting, kind: "market data"},

	10197: {effect: effectCompeting, cause: CauseCompeting},
	326:   {effect: effectFailsAttempt, cause: CauseClientIDInUse},
	10141: {effect: effectFailsAttempt, cause: CauseDisclaimer},

	502: {effect: effectFailsSession, cause: CauseClient},
	504: {effect: effectFailsSession, cause: CauseClient},
	507: {effect: effectFailsSession, cause: CauseClient},

	codeInvalid: {effect: effectInvalid},
	2172:        {effect: effectUnsupported},
}

// portIn returns the last number in text that can be a TCP port, or 0.
func portIn(text string) int {
	port, n, digits := 0, 0, 0
	flush := func() {
		if digits > 0 && digits <= 5 && n >= 1 && n <= 65535 {
			port = n
		}
		n, digits = 0, 0
	}
	for _, r := range text {
		if r < '0' || r > '9' {
			flush()
			continue
		}
		if digits++; digits <= 5 {
			n = n*10 + int(r-'0')
		}
	}
	flush()
	return port
}
