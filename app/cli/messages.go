package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
)

// Messages shows what Gateway has said.
type Messages struct {
	JSON bool `help:"Print the answer of GET /messages as it is."`
}

func (m Messages) Run(ctx context.Context, p Program) error {
	return printList(ctx, p, m.JSON, (*api.Client).Messages, writeMessages)
}

// writeMessages writes messages from Gateway as a table for people.
func writeMessages(out io.Writer, list api.Messages) error {
	if len(list.Messages) == 0 {
		_, err := fmt.Fprintln(out, wording.NoMessages)
		return err
	}
	t := table{rows: [][]string{{"Last", "Times", "Code", "Message"}}}
	for _, m := range list.Messages {
		t.row(m.Last.Local().Format(time.DateTime), strconv.FormatUint(m.Count, 10), strconv.Itoa(m.Code),
			wording.OneLine(m.Text))
	}
	return t.write(out)
}
