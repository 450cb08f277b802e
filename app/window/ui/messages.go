package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// messageList shows what Gateway has said with codes.
type messageList struct {
	content *fyne.Container
	failed  *widget.Label
	table   *fyne.Container
	rows    []*tableRow
}

func newMessageList() *messageList {
	l := &messageList{failed: wrapped(""), table: container.New(stacked{-6})}
	l.failed.Importance = widget.DangerImportance
	l.content = card(bold("Messages from Gateway"), l.failed, l.table)
	l.content.Hide()
	return l
}

// take takes in the messages, or why there are none. Those that were there before stay.
func (l *messageList) take(m api.Messages, err error, now time.Time) {
	failed := ""
	if err != nil {
		failed = cannotShow("The messages", err)
	}
	setText(l.failed, failed)
	show(l.failed, failed != "")
	if err == nil {
		l.render(messageRows(m, now))
	}
	show(l.content, failed != "" || len(m.Messages) > 0)
}

func (l *messageList) render(rows []rowTexts) {
	for len(l.rows) < len(rows) {
		r := newTableRow()
		l.rows = append(l.rows, r)
		l.table.Add(r.content)
	}
	for i, r := range l.rows {
		show(r.content, i < len(rows))
		if i < len(rows) {
			r.set(rows[i])
		}
	}
	l.table.Refresh()
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
