package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// The format of a bbolt file, as bbolt's internal/common defines it. Numbers have the byte order of the computer.
const (
	magic   = 0xED0CDAED
	version = 2

	pageHeader    = 16 // id 8, flags 2, count 2, overflow 4
	elementHeader = 16 // leaf: flags 4, pos 4, key size 4, value size 4; branch: pos 4, key size 4, page 8
	bucketHeader  = 16 // root page 8, sequence 8
	// magic 4, version 4, page size 4, flags 4, root bucket 16, freelist 8, pages 8, txid 8, checksum 8
	metaSize = 64

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10
	bucketLeaf   = 0x01 // flag of a leaf element whose value is a bucket

	noFreelist = 1<<64 - 1
	manyFree   = 0xFFFF // count of a freelist whose first number is the count
	maxDepth   = 64     // of pages and of buckets in one another; real trees have fewer than ten levels
)

var order = binary.NativeEndian

func damage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// meta is what a meta page says.
type meta struct{ pageSize, root, freelist, pages, txid uint64 }

// checker checks one file: each page up to the high-water mark is used exactly once, and everything that a page points
// to lies within it.
type checker struct {
	file io.ReaderAt
	meta
	used []bool // by page
}

// check reads a database of the given size, page by page. Its memory and time are bounded by that size, whatever it
// holds.
func check(file io.ReaderAt, size int64) error {
	m, err := newestMeta(file)
	if err != nil {
		return err
	}
	if m.pages < 3 || m.pages > uint64(size)/m.pageSize {
		return damage("the end of the file is missing")
	}
	c := &checker{file: file, meta: m, used: make([]bool, m.pages)}
	c.used[0], c.used[1] = true, true
	if m.freelist != noFreelist {
		if err := c.freelist(); err != nil {
			return err
		}
	}
	if err := c.tree(m.root, keys{}, maxDepth); err != nil {
		return err
	}
	if lost := slices.Index(c.used, false); lost >= 0 && m.freelist != noFreelist {
		return damage("page %d is neither used nor free", lost)
	}
	return nil
}

// newestMeta returns the meta page of the last transaction.
func newestMeta(file io.ReaderAt) (best meta, err error) {
	first, ok := readMeta(file, 0)
	if ok {
		best = first
	}
	// The second one begins at the second page, whose place is only known for sure from the first.
	for at := uint64(1024); at <= 16<<20; at *= 2 {
		if ok && at != first.pageSize {
			continue
		}
		if second, ok := readMeta(file, at); ok && second.pageSize == at && second.txid >= best.txid {
			best = second
		}
	}
	if best.pageSize == 0 {
		return best, damage("it has no valid head")
	}
	for id := range uint64(2) {
		head := make([]byte, pageHeader)
		if _, err := file.ReadAt(head, int64(id*best.pageSize)); err != nil {
			return best, readError(err)
		}
		if order.Uint64(head) != id || order.Uint16(head[8:]) != metaPage {
			return best, damage("page %d has a wrong head", id)
		}
	}
	return best, nil
}

func readMeta(file io.ReaderAt, at uint64) (m meta, ok bool) {
	page := make([]byte, pageHeader+metaSize)
	if _, err := file.ReadAt(page, int64(at)); err != nil {
		return m, false
	}
	b := page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	m = meta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
	}
	ok = order.Uint32(b) == magic && order.Uint32(b[4:]) == version && order.Uint64(b[56:]) == sum.Sum64() &&
		m.pageSize >= 1024 && m.pageSize <= 16<<20
	return m, ok
}

// page reads a page, with those that it flows over into, and marks them as used.
func (c *checker) page(id uint64) (flags, count uint16, page []byte, err error) {
	if id < 2 || id >= c.pages {
		return 0, 0, nil, damage("page %d does not exist", id)
	}
	head := make([]byte, pageHeader)
	if _, err := c.file.ReadAt(head, int64(id*c.pageSize)); err != nil {
		return 0, 0, nil, readError(err)
	}
	over := uint64(order.Uint32(head[12:]))
	if order.Uint64(head) != id || over >= c.pages-id {
		return 0, 0, nil, damage("page %d has a wrong head", id)
	}
	for i := id; i <= id+over; i++ {
		if c.used[i] {
			return 0, 0, nil, damage("page %d is used twice", i)
		}
		c.used[i] = true
	}
	page = make([]byte, (over+1)*c.pageSize)
	if _, err := c.file.ReadAt(page, int64(id*c.pageSize)); err != nil {
		return 0, 0, nil, readError(err)
	}
	return order.Uint16(head[8:]), order.Uint16(head[10:]), page, nil
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return damage("the end of the file is missing")
	}
	return err
}

// freelist checks the list of free pages.
func (c *checker) freelist() error {
	flags, n, page, err := c.page(c.meta.freelist)
	if err != nil {
		return err
	}
	count, list := uint64(n), page[pageHeader:]
	if n == manyFree {
		count, list = order.Uint64(list), list[8:]
	}
	if flags != freelistPage || count > uint64(len(list)/8) {
		return damage("the list of free pages is no such list")
	}
	for i := range count {
		id := order.Uint64(list[8*i:])
		if id >= c.pages || c.used[id] {
			return damage("page %d is free and used, or does not exist", id)
		}
		c.used[id] = true
	}
	return nil
}

// keys is where the keys below an element of a branch lie: from least on and below end; nil is no bound.
type keys struct{ least, end []byte }

func (k keys) has(key []byte) bool {
	return bytes.Compare(k.least, key) <= 0 && (k.end == nil || bytes.Compare(key, k.end) < 0)
}

// tree checks a bucket's pages from one of them downwards.
func (c *checker) tree(id uint64, within keys, depth int) error {
	flags, count, page, err := c.page(id)
	if err != nil {
		return err
	}
	return c.node(flags, count, page, within, depth)
}

// node checks what is in a page, which may be one inside a value.
func (c *checker) node(flags, count uint16, page []byte, within keys, depth int) error {
	if depth == 0 || flags != branchPage && flags != leafPage || flags == branchPage && count == 0 {
		return damage("a page is neither branch nor leaf")
	}
	if pageHeader+int(count)*elementHeader > len(page) {
		return damage("a page has too many elements")
	}
	list := make([]element, count)
	for i := range list {
		at := pageHeader + i*elementHeader
		e, err := readElement(flags == leafPage, page[at:], len(list)-i)
		switch {
		case err != nil:
			return err
		case !within.has(e.key) || i > 0 && bytes.Compare(list[i-1].key, e.key) >= 0:
			return damage("keys are out of order")
		}
		list[i] = e
	}
	for i, e := range list {
		var err error
		switch {
		case flags == branchPage:
			below := keys{e.key, within.end}
			if i+1 < len(list) {
				below.end = list[i+1].key
			}
			err = c.tree(e.page, below, depth-1)
		case e.bucket:
			err = c.bucket(e.value, depth-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// element is one element of a page: of a branch the page below it, of a leaf a value, which may be a bucket.
type element struct {
	key, value []byte
	page       uint64
	bucket     bool
}

// readElement reads the element at the beginning of b, behind which a number of headers stand, its own included.
func readElement(leaf bool, b []byte, headers int) (element, error) {
	pos, keySize, valueSize, flags := order.Uint32(b), order.Uint32(b[4:]), uint32(0), uint32(0)
	if leaf {
		flags, pos, keySize, valueSize = order.Uint32(b), order.Uint32(b[4:]), order.Uint32(b[8:]), order.Uint32(b[12:])
	}
	end := uint64(pos) + uint64(keySize) + uint64(valueSize)
	if end > uint64(len(b)) || uint64(pos) < uint64(headers)*elementHeader || flags > bucketLeaf {
		return element{}, damage("an element lies outside its page")
	}
	e := element{key: b[pos : pos+keySize], value: b[pos+keySize : end], bucket: flags == bucketLeaf}
	if !leaf {
		e.page = order.Uint64(b[8:])
	}
	return e, nil
}

// bucket checks the bucket that a value holds. A small one stands in the value itself.
func (c *checker) bucket(value []byte, depth int) error {
	if len(value) < bucketHeader {
		return damage("a bucket is too short")
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, keys{}, depth)
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader {
		return damage("a bucket is too short")
	}
	if flags := order.Uint16(page[8:]); flags != leafPage {
		return damage("a bucket inside a value has no leaf")
	}
	return c.node(leafPage, order.Uint16(page[10:]), page, keys{}, depth)
}
