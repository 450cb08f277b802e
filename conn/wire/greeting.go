package wire

import (
	"bytes"
	"fmt"
	"strconv"
)

// oldestOffered is the oldest version that the hello names: Gateway answers only
// clients that could speak it.
const oldestOffered = 100

// maxReply bounds the reply to the hello, which is a version and a time.
const maxReply = 4096

// AppendHello appends the first bytes that a client sends: the sign of the protocol, and the versions that it speaks.
func AppendHello(dst []byte) []byte {
	dst, start := BeginFrame(append(dst, "API\x00"...))
	return EndFrame(fmt.Appendf(dst, "v%d..%d", oldestOffered, Newest), start)
}

// VersionError says that Gateway speaks a version that is not spoken here.
type VersionError struct{ Version int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("server version %d is not supported; %d to %d are", e.Version, Oldest, Newest)
}

// Reply reads Gateway's reply to the hello: the version that is spoken from now on, and the time as Gateway writes it.
// With a [VersionError] the version is Gateway's own.
func (r *Reader) Reply() (version int, at string, err error) {
	payload, err := r.next(maxReply)
	if err != nil {
		return 0, "", err
	}
	return parseReply(payload)
}

// Greeting reads a frame of a greeting, which is short: the hello of a client behind its sign, or the reply to it.
func (r *Reader) Greeting() ([]byte, error) { return r.next(maxReply) }

func parseReply(payload []byte) (version int, at string, err error) {
	first, rest, _ := bytes.Cut(payload, []byte{0})
	n, err := strconv.ParseUint(string(first), 10, 31)
	if err != nil || n == 0 {
		return 0, "", bad(0, "reply to the hello starts with %.20q", first)
	}
	second, _, _ := bytes.Cut(rest, []byte{0})
	if len(second) == 0 {
		return 0, "", bad(0, "reply to the hello has no time")
	}
	version, at = int(n), text(second)
	if version < Oldest || version > Newest {
		return version, at, &VersionError{version}
	}
	return version, at, nil
}
