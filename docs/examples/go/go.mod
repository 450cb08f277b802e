module example.com/bot

go 1.26.0

require (
	gatewatch v0.0.0
	github.com/scmhub/ibapi v0.10.47
)

replace gatewatch => ../../..
