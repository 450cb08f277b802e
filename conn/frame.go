package conn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxFrame is the longest frame taken from Gateway, in bytes; the client library takes no more, header included.
const maxFrame = 0xFFFFFF - 4

// maxReply bounds the handshake reply, which is a version and a time.
const maxReply = 4096

// errProtocol marks bytes that are not the TWS protocol.
var errProtocol = errors.New("not the TWS protocol")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// readFrame reads one frame, header included, into buf, which it grows as needed. A frame that ends early is
// io.ErrUnexpectedEOF; io.EOF means that the stream ended between frames.
func readFrame(r *bufio.Reader, buf []byte, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return buf, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > uint32(limit) {
		return buf, protocolError("frame of %d bytes", n)
	}
	buf = append(buf[:0], head[:]...)
	// Grow with what really comes: a header alone must not cost 16 MB.
	for left := int(n); left > 0; {
		part := min(left, 64<<10)
		at := len(buf)
		buf = append(buf, make([]byte, part)...)
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return buf[:at], err
		}
		left -= part
	}
	return buf, nil
}

// frame returns payload with its length before it.
func frame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(payload)), uint32(len(payload))), payload...)
}

// textFrame returns a frame of NUL-terminated fields.
func textFrame(fields ...string) []byte {
	return frame([]byte(strings.Join(fields, "\x00") + "\x00"))
}

// hello returns the first bytes a client sends: the sign of the length-prefixed protocol and the versions it speaks.
func hello(oldest, newest int) []byte {
	return append([]byte("API\x00"), frame(fmt.Appendf(nil, "v%d..%d", oldest, newest))...)
}

// readReply reads Gateway's answer to hello: the negotiated version and Gateway's time of connection.
func readReply(r *bufio.Reader, oldest, newest int) (version int, at string, err error) {
	reply, err := readFrame(r, nil, maxReply)
	if err != nil {
		return 0, "", err
	}
	fields := strings.Split(string(reply[4:]), "\x00")
	version, err = strconv.Atoi(fields[0])
	if err != nil || version < 1 {
		return 0, "", protocolError("handshake reply starts with %.20q", fields[0])
	}
	if len(fields) < 2 || fields[1] == "" {
		return 0, "", protocolError("handshake reply has no time")
	}
	if version < oldest || version > newest {
		return version, "", errVersion
	}
	return version, fields[1], nil
}

var errVersion = errors.New("protocol version not supported")
