// Package ib speaks with IB Gateway or TWS: one connection from its greeting to its end, and what is asked and said on
// it.
//
// A [Socket] reads and writes for as long as the connection lasts, and is never dialled again. What is READY on it is a
// [Session]: orders, market data, contracts, positions and questions. What it tells its supervisor is [News].
package ib
