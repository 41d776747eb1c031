package main

import (
	"math"
	"os"
	"time"

	"github.com/RichardKnop/machinery/v2/tasks"
)

func (c *checks) arguments() {
	echoes := []struct {
		name, kind string
		value      interface{}
	}{
		{"bool", "bool", true},
		{"int", "int", math.MinInt64},
		{"int8", "int8", int8(math.MinInt8)},
		{"int16", "int16", int16(math.MaxInt16)},
		{"int32", "int32", int32(math.MinInt32)},
		{"int64", "int64", int64(math.MaxInt64)},
		{"uint", "uint", uint(math.MaxUint64)},
		{"uint8", "uint8", uint8(math.MaxUint8)},
		{"uint16", "uint16", uint16(math.MaxUint16)},
		{"uint32", "uint32", uint32(math.MaxUint32)},
		{"uint64", "uint64", uint64(math.MaxUint64)},
		{"float32", "float32", float32(0.1)},
		{"float64", "float64", 1e21},
		{"string", "string", "<é😀\u2028\x01>"},
		{"bytes", "[]byte", []byte{0, 255, 7}},
		{"bools", "[]bool", []bool{true, false}},
		{"ints", "[]int", []int{-1, 1}},
		{"int8s", "[]int8", []int8{-128, 127}},
		{"int16s", "[]int16", []int16{-1, 1}},
		{"int32s", "[]int32", []int32{-1, 1}},
		{"int64s", "[]int64", []int64{math.MinInt64, math.MaxInt64}},
		{"uints", "[]uint", []uint{0, math.MaxUint64}},
		{"uint8s", "[]uint8", []uint8{0, 255}},
		{"uint16s", "[]uint16", []uint16{0, 65535}},
		{"uint32s", "[]uint32", []uint32{0, math.MaxUint32}},
		{"uint64s", "[]uint64", []uint64{0, math.MaxUint64}},
		{"float32s", "[]float32", []float32{0.1, 16777216, 1e-7}},
		{"float64s", "[]float64", []float64{1, 0.1, 1e-7, 1e20, 5e-324}},
		{"strings", "[]string", []string{"", "b"}},
	}
	for _, echo := range echoes {
		found := c.send(signature("echo_"+echo.name, arg(echo.kind, echo.value)))
		c.check("echo_"+echo.name, found, values{echo.value})
	}
	c.check("a null slice", c.send(signature("echo_int64s", arg("[]int64", []int64(nil)))), values{[]int64{}})
	c.check("variadic", c.send(signature("add", ints(1, 2, 3)...)), values{int64(6)})
	c.check("variadic without arguments", c.send(signature("add")), values{int64(0)})
	named := tasks.Arg{Name: "number", Type: "int64", Value: int64(7)}
	c.check("a named argument", c.send(signature("add", named)), values{int64(7)})
	several := signature("echo_multi", text("a"), arg("int64", 2), arg("[]string", []string{"x", "y"}))
	c.check("several results", c.send(several), values{"a", int64(2), []string{"x", "y"}})
	c.check("no result", c.send(signature("noresult")), values{})
	headers := signature("echo_header", text("traceparent"))
	headers.Headers = tasks.Headers{"traceparent": "00-1-2-01", "flag": true}
	c.check("headers", c.send(headers), values{"00-1-2-01"})
}

func (c *checks) failures() {
	c.check("failure", c.send(signature("fail_task", text("boom <&>"))), failure("boom <&>"))
	c.check("failure with a result", c.send(signature("fail_res_task", text("boom"))), failure("boom"))
	c.check("panic(error)", c.send(signature("panic_task")), failure("oops"))
	c.check("panic(string)", c.send(signature("panic_string")), failure("string panic"))
	c.check("panic(int)", c.send(signature("panic_int")), failure("Invoking task caused a panic"))
	ignored := signature("nobody_knows_it")
	ignored.IgnoreWhenTaskNotRegistered = true
	sent, err := c.server.SendTask(ignored)
	if err != nil {
		c.check("unknown and ignored", err.Error(), nil)
	} else {
		next := c.send(signature("add", ints(1)...))
		c.check("unknown and ignored", []interface{}{next, sent.GetState().State}, []interface{}{values{int64(1)}, "PENDING"})
	}
	// These end or stop a Go worker of v2.
	if os.Getenv("WORKER") == "swift" {
		c.check("an argument of another type", c.send(signature("echo_int", arg("int64", 1))),
			failure("reflect: Call using int64 as type int"))
		c.check("an argument of no type", c.send(signature("echo_int", arg("map", 1))),
			failure("Reflect task args error: map is not one of supported types"))
		c.check("too few arguments", c.send(signature("echo_int")),
			failure("reflect: Call with too few input arguments"))
	}
}

func (c *checks) delaysAndRetries() {
	eta := time.Now().UTC().Add(time.Second)
	delayed := signature("add", ints(4, 5)...)
	delayed.ETA = &eta
	c.check("delayed", c.send(delayed), values{int64(9)})
	past := time.Now().UTC().Add(-time.Hour)
	late := signature("add", ints(4, 5)...)
	late.ETA = &past
	c.check("an ETA in the past", c.send(late), values{int64(9)})
	retried := signature("retry_task", text("no"))
	retried.RetryCount = 2
	c.check("retries until exhaustion", c.send(retried), failure("no"))
	again := signature("fail_once", text("no"))
	again.RetryCount = 2
	c.check("a retry that succeeds", c.send(again), values{"done"})
	c.check("retry later", c.send(signature("retry_later_once", arg("int64", 1000))), values{"done"})
}

func (c *checks) workflows() {
	chain := func(signatures ...*tasks.Signature) interface{} {
		chain, _ := tasks.NewChain(signatures...)
		sent, err := c.server.SendChain(chain)
		if err != nil {
			return failure(err.Error())
		}
		return outcome(sent.GetWithTimeout(patience, poll))
	}
	add := func(numbers ...int64) *tasks.Signature { return signature("add", ints(numbers...)...) }
	multiply := func(numbers ...int64) *tasks.Signature { return signature("multiply", ints(numbers...)...) }
	c.check("chain", chain(add(1, 1), add(5, 5), multiply(4)), values{int64(48)})
	silent := add(1, 1)
	silent.Immutable = true
	c.check("chain with an immutable task", chain(silent, add(5, 5)), values{int64(10)})
	silent = add(1, 1)
	silent.Immutable = true
	c.check("chain that fails", chain(silent, signature("fail_res_task", text("boom")), add(1)), failure("boom"))

	for _, concurrency := range []int{0, 3} {
		var members []*tasks.Signature
		var expected []interface{}
		for number := int64(1); number <= 20; number++ {
			members = append(members, add(number, number))
			expected = append(expected, values{2 * number})
		}
		group, _ := tasks.NewGroup(members...)
		sent, err := c.server.SendGroup(group, concurrency)
		if err != nil {
			c.check("group", err.Error(), nil)
			continue
		}
		var found []interface{}
		for _, member := range sent {
			found = append(found, outcome(member.GetWithTimeout(patience, poll)))
		}
		c.check("group", found, expected)
	}

	chord := func(concurrency int, callback *tasks.Signature, members ...*tasks.Signature) interface{} {
		group, _ := tasks.NewGroup(members...)
		chord, _ := tasks.NewChord(group, callback)
		sent, err := c.server.SendChord(chord, concurrency)
		if err != nil {
			return failure(err.Error())
		}
		// Its GetWithTimeout returns neither result nor error where a member fails.
		return outcome(sent.Get(poll))
	}
	for _, concurrency := range []int{0, 2, 1, 0} {
		found := chord(concurrency, multiply(2), add(1, 1), add(2, 3), add(7))
		c.check("chord", found, values{int64(140)})
	}
	quiet := multiply(3)
	quiet.Immutable = true
	c.check("chord with an immutable callback", chord(0, quiet, add(1, 1), add(2, 3)), values{int64(3)})
	c.check("chord whose member fails", chord(0, multiply(), signature("fail_res_task", text("boom")), add(2)), failure("boom"))
}

func (c *checks) callbacks() {
	// add(1, 2) calls add(10), which calls multiply(2); and log_error, which fails.
	last := identified("multiply", ints(2)...)
	first := identified("add", ints(10)...)
	first.OnSuccess = []*tasks.Signature{last}
	second := identified("multiply", ints(5)...)
	root := signature("add", ints(1, 2)...)
	root.OnSuccess = []*tasks.Signature{first, second}
	found := []interface{}{c.send(root), c.result(first), c.result(last), c.result(second)}
	c.check("OnSuccess tree", found,
		[]interface{}{values{int64(3)}, values{int64(13)}, values{int64(26)}, values{int64(15)}})

	told := identified("log_error", text("x"), text("y"))
	deeper := identified("log_error", text("deeper"))
	told.OnSuccess = []*tasks.Signature{deeper}
	beside := identified("fail_task")
	beneath := identified("log_error")
	beside.OnError = []*tasks.Signature{beneath}
	failing := signature("fail_task", text("boom"))
	failing.OnError = []*tasks.Signature{told, beside}
	found = []interface{}{c.send(failing), c.result(told), c.result(deeper), c.result(beside), c.result(beneath)}
	c.check("OnError tree", found, []interface{}{
		failure("boom"), values{`got error "boom" rest [x y]`},
		values{`got error "deeper" rest [got error "boom" rest [x y]]`}, failure("boom"),
		values{`got error "boom" rest []`},
	})
}

// identified is a signature whose result can be waited for though somebody else sends it.
func identified(name string, args ...tasks.Arg) *tasks.Signature {
	sig, _ := tasks.NewSignature(name, args)
	return sig
}
