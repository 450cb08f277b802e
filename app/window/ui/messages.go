package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// messageList shows what Gateway has said with codes.
type messageList struct {
	content *fyne.Container
	failed  *widget.Label
	table   *table
}

func newMessageList() *messageList {
	l := &messageList{failed: wrapped(""), table: newTable()}
	l.failed.Importance = widget.DangerImportance
	l.content = card(bold("Messages from Gateway"), l.failed, l.table.content)
	l.content.Hide()
	return l
}

// take takes in the messages, or why there are none. Those that were there before stay.
func (l *messageList) take(m api.Messages, err error, now time.Time) {
	failed := ""
	if err != nil {
		failed = cannotShow("The messages", err)
	}
	showText(l.failed, failed)
	if err == nil {
		l.table.set(messageRows(m, now))
	}
	show(l.content, failed != "" || len(m.Messages) > 0)
}

func messageRows(m api.Messages, now time.Time) (rows []rowTexts) {
	for _, one := range m.Messages {
		when := clock(one.Last, now)
		if one.Count > 1 {
			when = fmt.Sprintf("%d times, last %s", one.Count, when)
		}
		rows = append(rows, rowTexts{
			name: fmt.Sprintf("Code %d", one.Code), value: when,
			more: wording.OneLine(one.Text),
		})
	}
	return rows
}
