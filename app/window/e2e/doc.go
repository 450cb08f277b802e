// Package e2e tests the window and the page from outside, as a person uses them: the programs themselves, a simulated
// gateway behind real sockets, a display with real mouse and keyboard events, and a browser.
package e2e
