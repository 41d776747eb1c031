// Command lines is Go's producer for `celeriac interop`: it reads questions from standard input and writes answers to standard
// output, one JSON object a line each. The page CrossLanguageTests of the documentation has the protocol.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/RichardKnop/machinery/v2"
	"github.com/RichardKnop/machinery/v2/backends/result"
	"github.com/RichardKnop/machinery/v2/tasks"

	"celeriac.dev/interop/peer"
)

const poll = 20 * time.Millisecond

type object = map[string]interface{}

// get waits for a result.
type get func(timeout time.Duration) (interface{}, error)

type canvas struct {
	Task    string
	Args    []interface{}
	Kwargs  object
	Options object
	// Whether the task takes no result of the one before it, which Machinery says of that one.
	Immutable bool
	Chain     []*canvas
	Group     []*canvas
	Chord     []*canvas
	Body      *canvas
}

type question struct {
	canvas
	Op      string
	Canvas  *canvas
	ID      string
	Timeout float64
}

type unsupported struct{ reason string }

func (u unsupported) Error() string { return u.reason }

func main() {
	// What libraries print must not get among the answers. Machinery's loggers already have os.Stdout.
	output, err := syscall.Dup(1)
	if err == nil {
		err = syscall.Dup3(2, 1, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := os.NewFile(uintptr(output), "answers")
	server, err := peer.Server()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sent := map[string]get{}
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			text, _ := json.Marshal(answer(server, line, sent))
			fmt.Fprintf(answers, "%s\n", text)
		}
		if err != nil {
			return
		}
	}
}

func answer(server *machinery.Server, line []byte, sent map[string]get) object {
	asked := question{}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	err := decoder.Decode(&asked)
	if err == nil {
		switch asked.Op {
		case "send", "canvas":
			tree := &asked.canvas
			if asked.Canvas != nil {
				tree = asked.Canvas
			}
			var id string
			var wait get
			if id, wait, err = send(server, tree); err == nil {
				sent[id] = wait
				return object{"id": id}
			}
		case "get":
			if wait, known := sent[asked.ID]; known {
				return outcome(wait(time.Duration(asked.Timeout * float64(time.Second))))
			}
			err = errors.New("nothing of this id was sent here")
		default:
			err = unsupported{"Go's producer has no operation " + asked.Op}
		}
	}
	if reason, is := err.(unsupported); is {
		return object{"unsupported": reason.reason}
	}
	return object{"failed": object{"type": fmt.Sprintf("%T", err), "message": err.Error()}}
}

func outcome(value interface{}, err error) object {
	switch {
	case err == nil:
		return object{"state": "SUCCESS", "result": value}
	case errors.Is(err, result.ErrTimeoutReached):
		return object{"state": "PENDING", "timeout": true}
	default:
		return object{"state": "FAILURE", "error": object{"type": "error", "module": "", "args": []string{err.Error()}}}
	}
}

func send(server *machinery.Server, tree *canvas) (string, get, error) {
	switch {
	case tree.Task != "":
		made, err := signature(tree)
		if err != nil {
			return "", nil, err
		}
		sent, err := server.SendTask(made)
		if err != nil {
			return "", nil, err
		}
		return made.UUID, func(timeout time.Duration) (interface{}, error) {
			return values(sent.GetWithTimeout(timeout, poll))
		}, nil
	case tree.Chain != nil:
		steps, err := signatures(tree.Chain)
		if err != nil {
			return "", nil, err
		}
		chain, err := tasks.NewChain(steps...)
		if err != nil {
			return "", nil, err
		}
		sent, err := server.SendChain(chain)
		if err != nil {
			return "", nil, err
		}
		return steps[len(steps)-1].UUID, func(timeout time.Duration) (interface{}, error) {
			return values(sent.GetWithTimeout(timeout, poll))
		}, nil
	case tree.Group != nil || tree.Chord != nil:
		return sendGroup(server, tree)
	}
	return "", nil, unsupported{"a canvas is a task, a chain, a group, or a chord with its body"}
}

func sendGroup(server *machinery.Server, tree *canvas) (string, get, error) {
	parts := tree.Group
	if tree.Chord != nil {
		parts = tree.Chord
	}
	members, err := signatures(parts)
	if err != nil {
		return "", nil, err
	}
	group, err := tasks.NewGroup(members...)
	if err != nil {
		return "", nil, err
	}
	if tree.Chord == nil {
		sent, err := server.SendGroup(group, 0)
		if err != nil {
			return "", nil, err
		}
		return group.GroupUUID, func(timeout time.Duration) (interface{}, error) {
			list := []interface{}{}
			for _, member := range sent {
				value, err := values(member.GetWithTimeout(timeout, poll))
				if err != nil {
					return nil, err
				}
				list = append(list, value)
			}
			return list, nil
		}, nil
	}
	if tree.Body == nil {
		return "", nil, unsupported{"a chord has a body"}
	}
	body, err := signature(tree.Body)
	if err != nil {
		return "", nil, err
	}
	chord, err := tasks.NewChord(group, body)
	if err != nil {
		return "", nil, err
	}
	sent, err := server.SendChord(chord, 0)
	if err != nil {
		return "", nil, err
	}
	// Its GetWithTimeout returns neither result nor error where a member fails; who asks ends a wait that is too long.
	return body.UUID, func(time.Duration) (interface{}, error) { return values(sent.Get(poll)) }, nil
}

// values is what a task returned: nothing, a value, or a list of several.
func values(results []reflect.Value, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	list := []interface{}{}
	for _, result := range results {
		list = append(list, result.Interface())
	}
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	}
	return list, nil
}

func signatures(trees []*canvas) ([]*tasks.Signature, error) {
	made := []*tasks.Signature{}
	for index, tree := range trees {
		one, err := signature(tree)
		if err != nil {
			return nil, err
		}
		if tree.Immutable && index > 0 {
			made[index-1].Immutable = true
		}
		made = append(made, one)
	}
	return made, nil
}

func signature(tree *canvas) (*tasks.Signature, error) {
	if tree.Task == "" {
		return nil, unsupported{"Machinery has no workflows inside of others"}
	}
	if len(tree.Kwargs) > 0 {
		return nil, unsupported{"Machinery has positional arguments only"}
	}
	args := []tasks.Arg{}
	for _, value := range tree.Args {
		arg, err := argument(value)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	made, err := tasks.NewSignature(tree.Task, args)
	if err != nil {
		return nil, err
	}
	for name, value := range tree.Options {
		switch name {
		case "retry_count":
			number, _ := value.(json.Number)
			count, err := number.Int64()
			if err != nil {
				return nil, err
			}
			made.RetryCount = int(count)
		case "eta":
			eta, err := time.Parse(time.RFC3339, fmt.Sprint(value))
			if err != nil {
				return nil, err
			}
			eta = eta.UTC()
			made.ETA = &eta
		default:
			return nil, unsupported{"Go's producer has no option " + name}
		}
	}
	return made, nil
}

// argument has the type that the file names, or else that of the value: integers are int64.
func argument(value interface{}) (tasks.Arg, error) {
	switch given := value.(type) {
	case bool:
		return tasks.Arg{Type: "bool", Value: given}, nil
	case string:
		return tasks.Arg{Type: "string", Value: given}, nil
	case json.Number:
		if strings.ContainsAny(given.String(), ".eE") {
			return tasks.Arg{Type: "float64", Value: given}, nil
		}
		return tasks.Arg{Type: "int64", Value: given}, nil
	case object:
		if kind, is := given["Type"].(string); is {
			return tasks.Arg{Type: kind, Value: given["Value"]}, nil
		}
	case []interface{}:
		if len(given) > 0 {
			first, err := argument(given[0])
			return tasks.Arg{Type: "[]" + first.Type, Value: given}, err
		}
	}
	return tasks.Arg{}, unsupported{fmt.Sprintf("Machinery has no type for %v", value)}
}
