package sim

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/proto"
)

// textForm lists the fields of a message's text form, to read them or to write them.
type textForm func(*form, proto.Message)

// formOf is the text form of a message whose fields are not simply in order.
func formOf[P proto.Message](list func(*form, P)) textForm {
	return func(f *form, m proto.Message) { list(f, m.(P)) }
}

// inOrder is the text form of most messages: the version of the message, unless that is 0, and all fields in the order
// in which protobuf has them.
func inOrder(version int) textForm {
	return func(f *form, m proto.Message) {
		f.messageVersion(version)
		f.message(m)
	}
}

// form is the text form of a message that is read or written. Its methods take pointers to the fields of the message,
// so that one list of them serves both.
type form struct {
	textWriter
	in *textReader // nil: it is written
}

// all are fields that are written as 0 or empty if they are unset.
func (f *form) all(fields ...any) {
	for _, field := range fields {
		if f.in != nil {
			f.read(field)
		} else {
			f.write(field)
		}
	}
}

// opt are fields whose numbers are written as empty if they are unset.
func (f *form) opt(fields ...any) {
	for _, field := range fields {
		_, flag := field.(**bool)
		if f.in == nil && !flag && reflect.ValueOf(field).Elem().IsNil() {
			f.str("")
		} else {
			f.all(field)
		}
	}
}

func (f *form) read(field any) {
	switch p := field.(type) {
	case **int32:
		*p = f.in.optInt()
	case **int64:
		*p = f.in.optInt64()
	case **float64:
		*p = f.in.optFloat()
	case **string:
		*p = f.in.optStr()
	case **bool:
		*p = f.in.optBool()
	case *map[string]string:
		*p = f.in.options()
	case *[]int32:
		for range f.in.count() {
			*p = append(*p, value(f.in.optInt()))
		}
	case **protobuf.Contract:
		f.contract(part(f, p))
	default:
		panic(fmt.Sprintf("sim: no text form of %T", field))
	}
}

func (f *form) write(field any) {
	switch p := field.(type) {
	case **int32:
		f.int(int64(value(*p)))
	case **int64:
		f.int(value(*p))
	case **float64:
		f.float(value(*p))
	case **string:
		f.str(value(*p))
	case **bool:
		f.bool(value(*p))
	case **protobuf.Contract:
		f.contract(part(f, p))
	default:
		f.list(reflect.ValueOf(field).Elem())
	}
}

// list writes how many values there are, and each of them: a message, or a plain value, which write takes as a field
// that is set.
func (f *form) list(values reflect.Value) {
	f.int(int64(values.Len()))
	for i := range values.Len() {
		if one := values.Index(i); one.Kind() == reflect.Pointer {
			f.message(one.Interface())
		} else {
			p := reflect.New(one.Addr().Type())
			p.Elem().Set(one.Addr())
			f.write(p.Interface())
		}
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// message is all fields of a message in order. The number of a request comes first.
func (f *form) message(m any) {
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Tag.Get("protobuf") == "" {
			continue
		}
		if id, is := v.Field(i).Addr().Interface().(**int32); is && field.Name == "ReqId" {
			f.id(id)
		} else {
			f.all(v.Field(i).Addr().Interface())
		}
	}
}

// id is the number that the answers to a request carry.
func (f *form) id(p **int32) {
	if f.in == nil {
		f.all(p)
		return
	}
	n := value(f.in.optInt())
	if *p = &n; f.in.err == nil {
		f.in.reqID = &n
	}
}

// flag is a field that is set also where it is false.
func (f *form) flag(p **bool) {
	if f.all(p); *p == nil && f.in != nil {
		*p = new(bool)
	}
}

// quantity is a number whose text is kept.
func (f *form) quantity(p **string) {
	f.all(p)
	if f.in == nil || *p == nil {
		return
	}
	if v, err := strconv.ParseFloat(**p, 64); err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		f.in.fail("field %d: %.40q is not a quantity", f.in.pos, **p)
	}
}

// fixed are fields whose value is no part of the message, most of them no longer used. It is written, and not looked
// at.
func (f *form) fixed(values ...string) {
	for _, v := range values {
		if f.in != nil {
			f.in.str()
		} else {
			f.str(v)
		}
	}
}

// messageVersion is the number that many messages begin with, by which old clients tell their shapes apart; 0: none.
func (f *form) messageVersion(n int) {
	switch {
	case n == 0:
	case f.in == nil:
		f.int(int64(n))
	default:
		if v := value(f.in.optInt()); v < 1 {
			f.in.fail("message version %d", v)
		}
	}
}

// count is how many entries follow, n if they are written; each takes at least one field.
func (f *form) count(n int) int {
	if f.in == nil {
		f.int(int64(n))
		return n
	}
	return f.in.count()
}

// each is a list of messages: how many they are, and what list says of each.
func each[M any](f *form, all *[]*M, list func(*M)) {
	for i := range f.count(len(*all)) {
		if f.in != nil {
			*all = append(*all, new(M))
		}
		list((*all)[i])
	}
}

// part is a message inside another one.
func part[M any](f *form, p **M) *M {
	if *p != nil {
		return *p
	}
	m := new(M)
	if f.in != nil {
		*p = m
	}
	return m
}

// tags are pairs, each in two fields.
func (f *form) tags(m *map[string]string) {
	tags := slices.Sorted(maps.Keys(*m))
	for i := range f.count(len(tags)) {
		if f.in == nil {
			f.strs(tags[i], (*m)[tags[i]])
			continue
		}
		if *m == nil {
			*m = map[string]string{}
		}
		tag := f.in.str()
		(*m)[tag] = f.in.str()
	}
}

// contract is the contract of a request, or that of a reply, which leaves out where it is listed.
func (f *form) contract(c *protobuf.Contract) {
	f.contractHead(c)
	f.opt(&c.Multiplier)
	f.all(&c.Exchange)
	if f.in != nil {
		f.all(&c.PrimaryExch)
	}
	f.all(&c.Currency, &c.LocalSymbol, &c.TradingClass)
}

func (f *form) contractHead(c *protobuf.Contract) {
	f.all(&c.ConId, &c.Symbol, &c.SecType, &c.LastTradeDateOrContractMonth, &c.Strike, &c.Right)
}
