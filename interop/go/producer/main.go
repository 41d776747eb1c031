// Command producer sends a task of every shape to whoever serves the queue and prints one line for each result. It exits
// with status 1 where one is wrong.
package main

import (
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/RichardKnop/machinery/v2"
	"github.com/RichardKnop/machinery/v2/tasks"

	"celeriac.dev/interop/peer"
)

const poll, patience = 5 * time.Millisecond, 30 * time.Second

var failed bool

func check(name string, err error, found, expected interface{}) {
	if err == nil && reflect.DeepEqual(found, expected) {
		fmt.Printf("passed %s\n", name)
		return
	}
	failed = true
	fmt.Printf("FAILED %s: %v (%v) instead of %v\n", name, found, err, expected)
}

func values(results []reflect.Value) (list []interface{}) {
	for _, result := range results {
		list = append(list, result.Interface())
	}
	return list
}

func signature(name string, args ...tasks.Arg) *tasks.Signature {
	return &tasks.Signature{Name: name, Args: args}
}

func single(server *machinery.Server, sig *tasks.Signature, expected ...interface{}) {
	name := sig.Name
	result, err := server.SendTask(sig)
	if err != nil {
		check(name, err, nil, expected)
		return
	}
	found, err := result.GetWithTimeout(patience, poll)
	check(name, err, values(found), expected)
}

func ints(numbers ...int64) (args []tasks.Arg) {
	for _, number := range numbers {
		args = append(args, tasks.Arg{Type: "int64", Value: number})
	}
	return args
}

func main() {
	server, err := peer.Server()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	single(server, signature("add", ints(1, 2)...), int64(3))
	single(server, signature("echo_bool", tasks.Arg{Type: "bool", Value: true}), true)
	single(server, signature("echo_int", tasks.Arg{Type: "int", Value: -5}), -5)
	single(server, signature("echo_int8", tasks.Arg{Type: "int8", Value: -128}), int8(-128))
	single(server, signature("echo_uint64", tasks.Arg{Type: "uint64", Value: uint64(1<<64 - 1)}), uint64(1<<64-1))
	single(server, signature("echo_float32", tasks.Arg{Type: "float32", Value: float32(0.1)}), float32(0.1))
	single(server, signature("echo_float64", tasks.Arg{Type: "float64", Value: 1e21}), 1e21)
	single(server, signature("echo_string", tasks.Arg{Type: "string", Value: "<é😀\u2028>"}), "<é😀\u2028>")
	single(server, signature("echo_bytes", tasks.Arg{Type: "[]byte", Value: []byte{0, 255}}), []byte{0, 255})
	single(server, signature("echo_strings", tasks.Arg{Type: "[]string", Value: []string{"a", "b"}}), []string{"a", "b"})
	single(server, signature("echo_multi", tasks.Arg{Type: "string", Value: "a"}, tasks.Arg{Type: "int64", Value: 2},
		tasks.Arg{Type: "[]string", Value: []string{"x"}}), "a", int64(2), []string{"x"})

	result, err := server.SendTask(signature("fail_task", tasks.Arg{Type: "string", Value: "boom"}))
	if err == nil {
		_, err = result.GetWithTimeout(patience, poll)
	}
	check("fail_task", nil, fmt.Sprint(err), "boom")

	eta := time.Now().UTC().Add(time.Second)
	delayed := signature("add", ints(4, 5)...)
	delayed.ETA = &eta
	single(server, delayed, int64(9))

	chain, _ := tasks.NewChain(signature("add", ints(1, 1)...), signature("add", ints(5, 5)...), signature("multiply", ints(4)...))
	chained, err := server.SendChain(chain)
	if err == nil {
		found, err := chained.GetWithTimeout(patience, poll)
		check("chain", err, values(found), []interface{}{int64(48)})
	} else {
		check("chain", err, nil, nil)
	}

	group, _ := tasks.NewGroup(signature("add", ints(1, 1)...), signature("add", ints(2, 3)...))
	chord, _ := tasks.NewChord(group, signature("multiply"))
	joined, err := server.SendChord(chord, 0)
	if err == nil {
		found, err := joined.GetWithTimeout(patience, poll)
		check("chord", err, values(found), []interface{}{int64(10)})
	} else {
		check("chord", err, nil, nil)
	}
	if failed {
		os.Exit(1)
	}
}
