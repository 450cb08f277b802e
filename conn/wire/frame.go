package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// ProtocolError says that bytes from outside are not the TWS protocol. A stream with such bytes in it cannot be trusted
// any more.
type ProtocolError struct {
	Message int // number of the message, 0 if it has none
	Reason  string
}

func (e *ProtocolError) Error() string {
	if e.Message == 0 {
		return "not the TWS protocol: " + e.Reason
	}
	return fmt.Sprintf("not the TWS protocol: message %d: %s", e.Message, e.Reason)
}

func bad(message int, format string, args ...any) error {
	return &ProtocolError{Message: message, Reason: fmt.Sprintf(format, args...)}
}

// ReadFrame reads one frame from a stream and returns its payload, which is the caller's.
func ReadFrame(from io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	n, err := frameLength(head[:], MaxFrame)
	if err != nil {
		return nil, err
	}
	payload, err := readSome(from, nil, n)
	return payload[:len(payload):len(payload)], err
}

// readSome reads n bytes, into the memory of some as far as that goes. Memory grows with what really comes: a header
// alone must not cost 16 MB.
func readSome(from io.Reader, some []byte, n int) ([]byte, error) {
	for some = some[:0]; len(some) < n; {
		at := len(some)
		more := min(n-at, max(at, readSize, cap(some)-at))
		some = slices.Grow(some, more)[:at+more]
		if _, err := io.ReadFull(from, some[at:]); err != nil {
			return nil, inside(err, true)
		}
	}
	return some, nil
}

// NewReaderSize returns a reader of frames whose payload has at most limit bytes, for what relays them. Its buffer has
// size bytes; a longer frame gets memory of its own.
func NewReaderSize(from io.Reader, size, limit int) *Reader {
	return &Reader{in: bufio.NewReaderSize(from, size), limit: min(limit, MaxFrame)}
}

// Frames returns the next frames as they were read, headers included: at least one, and with it all others that have
// been read in full. They hold until the next call; [CutFrame] takes them apart.
func (r *Reader) Frames() ([]byte, error) {
	first, err := r.next(r.limit)
	if err != nil || r.last == 0 {
		return first, err
	}
	for n := r.whole(); n > 0; n = r.whole() {
		r.last += n
	}
	frames, err := r.in.Peek(r.last)
	return frames[:r.last:r.last], err
}

// Whole returns the next frame as it was read, in memory of its own if it is longer than the buffer. Its payload may be
// longer than the limit of the reader, and has at most limit bytes.
func (r *Reader) Whole(limit int) ([]byte, error) { return r.next(limit) }

// Pieces hands the next n bytes over in pieces as they come, without memory for all of them.
func (r *Reader) Pieces(n int, to func(piece []byte)) error {
	for n > 0 {
		if _, err := r.in.Peek(1); err != nil {
			return inside(err, true)
		}
		piece, _ := r.in.Peek(min(n, r.in.Buffered())) // it is there
		to(piece)
		_, _ = r.in.Discard(len(piece))
		n -= len(piece)
	}
	return nil
}

// CutFrame returns the payload of the first of some whole frames, and the frames behind it.
func CutFrame(frames []byte) (payload, rest []byte) {
	end := 4 + int(binary.BigEndian.Uint32(frames))
	return frames[4:end:end], frames[end:]
}

// oldestOffered is the oldest version that the hello names: Gateway answers only clients that could speak it.
const oldestOffered = 100

// maxReply bounds the reply to the hello, which is a version and a time.
const maxReply = 4096

// Hello returns the first bytes that a client sends: the sign of the protocol, and the versions that it speaks.
func Hello() []byte {
	dst, start := BeginFrame([]byte("API\x00"))
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
	payload, err := r.Greeting()
	if err != nil {
		return 0, "", err
	}
	first, rest, _ := bytes.Cut(payload, []byte{0})
	n, err := strconv.ParseUint(string(first), 10, 31)
	if err != nil || n == 0 {
		return 0, "", bad(0, "reply to the hello starts with %.20q", first)
	}
	second, _, ended := bytes.Cut(rest, []byte{0})
	if len(second) == 0 && !ended { // an empty one will do: the connection does not need it
		return 0, "", bad(0, "reply to the hello has no time")
	}
	version, at = int(n), text(string(second))
	if version < Oldest || version > Newest {
		return version, at, &VersionError{version}
	}
	return version, at, nil
}

// Greeting reads a frame of a greeting, which is short: the hello of a client behind its sign, or the reply to it.
func (r *Reader) Greeting() ([]byte, error) {
	frame, err := r.next(maxReply)
	if err != nil {
		return nil, err
	}
	return frame[4:], nil
}
