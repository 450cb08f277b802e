package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0}, {failed, Failed}, {With(Usage, failed), Usage}, {
			fmt.Errorf("while: %w", With(NotThere, failed)),
			NotThere,
		},
	} {
		if code := Code(c.err); code != c.code || c.err != nil && !errors.Is(c.err, failed) {
			t.Errorf("%v: code %d, want %d", c.err, code, c.code)
		}
	}
}
