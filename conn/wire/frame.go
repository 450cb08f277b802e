package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxFrame is the longest payload that is sent or taken, in bytes.
const MaxFrame = 0xFFFFFF

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

// BeginFrame appends room for the length of a frame, and returns where that is. EndFrame fills it in.
func BeginFrame(dst []byte) (framed []byte, start int) { return append(dst, 0, 0, 0, 0), len(dst) }

// EndFrame ends the frame that began at start with the bytes behind it.
func EndFrame(framed []byte, start int) []byte {
	binary.BigEndian.PutUint32(framed[start:], uint32(len(framed)-start-4))
	return framed
}

// frameLength reads the header of a frame, which has four bytes.
func frameLength(head []byte, limit int) (int, error) {
	n := binary.BigEndian.Uint32(head)
	if n == 0 || n > uint32(limit) {
		return 0, bad(0, "frame of %d bytes", n)
	}
	return int(n), nil
}

const (
	readSize = 64 << 10 // what a reader asks for at once
	keepSize = 1 << 20  // of a buffer that grew beyond, nothing is kept
)

// Reader reads frames. It is for one goroutine.
type Reader struct {
	from       io.Reader
	size       int // of the buffer, unless a frame is longer
	limit      int // longest payload that is taken
	buf        []byte
	start, end int   // what has been read and not returned
	err        error // of from, for when that is used up
}

// NewReader returns a reader of frames.
func NewReader(from io.Reader) *Reader { return NewReaderSize(from, readSize, MaxFrame) }

// NewReaderSize returns a reader of frames whose payload has at most limit bytes. Its buffer has size bytes and grows
// for longer frames.
func NewReaderSize(from io.Reader, size, limit int) *Reader {
	return &Reader{from: from, size: size, limit: min(limit, MaxFrame), buf: make([]byte, size)}
}

// Next returns the payload of the next frame, which holds until the next call. io.EOF means that the stream ended
// between frames, io.ErrUnexpectedEOF that it ended inside one.
func (r *Reader) Next() ([]byte, error) { return r.next(r.limit) }

// Frames returns the next frames as they were read, headers included: at least one, and with it all others that have
// been read in full. They hold until the next call; [CutFrame] takes them apart.
func (r *Reader) Frames() ([]byte, error) {
	first, err := r.next(r.limit)
	if err != nil {
		return nil, err
	}
	start := r.start - 4 - len(first)
	for {
		n := r.whole()
		if n <= 0 {
			return r.buf[start:r.start:r.start], nil
		}
		r.start += n
	}
}

// CutFrame returns the payload of the first of some whole frames, and the frames behind it.
func CutFrame(frames []byte) (payload, rest []byte) {
	end := 4 + int(binary.BigEndian.Uint32(frames))
	return frames[4:end:end], frames[end:]
}

func (r *Reader) next(limit int) ([]byte, error) {
	need := 4
	for {
		if have := r.end - r.start; have >= need {
			n, err := frameLength(r.buf[r.start:r.start+4], limit)
			if err != nil {
				return nil, err
			}
			if need = 4 + n; have >= need {
				payload := r.buf[r.start+4 : r.start+need : r.start+need]
				r.start += need
				return payload, nil
			}
		}
		if err := r.fill(need); err != nil {
			return nil, err
		}
	}
}

// HasFrame reports whether the next frame has been read in full already, so that Next does not wait.
func (r *Reader) HasFrame() bool { return r.whole() != 0 }

// whole returns the length of the next frame with its header if it has been read in full: 0 if it has not, and below 0
// if it is none.
func (r *Reader) whole() int {
	have := r.end - r.start
	if have < 4 {
		return 0
	}
	n, err := frameLength(r.buf[r.start:r.start+4], r.limit)
	switch {
	case err != nil:
		return -1
	case have < 4+n:
		return 0
	}
	return 4 + n
}

// fill reads some more of a frame that has need bytes in all.
func (r *Reader) fill(need int) error {
	if r.err != nil {
		if r.err == io.EOF && r.end > r.start {
			return io.ErrUnexpectedEOF
		}
		return r.err
	}
	r.makeRoom(need)
	for range 100 {
		n, err := r.from.Read(r.buf[r.end:])
		r.end += n
		r.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return r.fill(need)
		}
	}
	return io.ErrNoProgress
}

// makeRoom makes room in the buffer for a frame that has need bytes in all. It grows with what really comes: a header
// alone must not cost 16 MB.
func (r *Reader) makeRoom(need int) {
	have := r.end - r.start
	size := len(r.buf)
	switch {
	case have == size:
		size = min(2*size, need)
	case size > keepSize && need <= r.size: // then there is less than that
		size = r.size
	}
	switch {
	case size != len(r.buf):
		buf := make([]byte, size)
		copy(buf, r.buf[r.start:r.end])
		r.buf = buf
	case r.start > 0:
		copy(r.buf, r.buf[r.start:r.end])
	}
	r.start, r.end = 0, have
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
	payload := make([]byte, 0, min(n, readSize))
	for len(payload) < n {
		at := len(payload)
		payload = append(payload, make([]byte, min(n-at, max(at, readSize)))...)
		if _, err := io.ReadFull(from, payload[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return payload, nil
}
