package main

import (
	"fmt"
	"reflect"
	"time"

	"github.com/RichardKnop/machinery/v2"
	"github.com/RichardKnop/machinery/v2/backends/result"
	"github.com/RichardKnop/machinery/v2/tasks"
)

const poll, patience = 20 * time.Millisecond, 60 * time.Second

// values is what a task returned; a failure is the text of its error.
type values []interface{}
type failure string

type checks struct {
	server *machinery.Server
	failed int
}

func (c *checks) check(name string, found, expected interface{}) {
	if reflect.DeepEqual(found, expected) {
		fmt.Printf("passed %s\n", name)
		return
	}
	c.failed++
	fmt.Printf("FAILED %s: %#v instead of %#v\n", name, found, expected)
}

func outcome(results []reflect.Value, err error) interface{} {
	if err != nil {
		return failure(err.Error())
	}
	list := values{}
	for _, result := range results {
		list = append(list, result.Interface())
	}
	return list
}

func (c *checks) send(sig *tasks.Signature) interface{} {
	sent, err := c.server.SendTask(sig)
	if err != nil {
		return failure(err.Error())
	}
	return outcome(sent.GetWithTimeout(patience, poll))
}

// result waits for a task that somebody else sends.
func (c *checks) result(sig *tasks.Signature) interface{} {
	return outcome(result.NewAsyncResult(sig, c.server.GetBackend()).GetWithTimeout(patience, poll))
}

func signature(name string, args ...tasks.Arg) *tasks.Signature {
	return &tasks.Signature{Name: name, Args: args}
}

func arg(kind string, value interface{}) tasks.Arg { return tasks.Arg{Type: kind, Value: value} }

func text(value string) tasks.Arg { return arg("string", value) }

func ints(numbers ...int64) (args []tasks.Arg) {
	for _, number := range numbers {
		args = append(args, arg("int64", number))
	}
	return args
}
