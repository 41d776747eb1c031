package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/RichardKnop/machinery/v2/tasks"
)

// Tasks are those of the Swift peer.
var Tasks = map[string]interface{}{
	"add":      func(numbers ...int64) (int64, error) { return sum(numbers), nil },
	"multiply": func(numbers ...int64) (int64, error) { return product(numbers), nil },

	"echo_bool":     echo[bool],
	"echo_int":      echo[int],
	"echo_int8":     echo[int8],
	"echo_int16":    echo[int16],
	"echo_int32":    echo[int32],
	"echo_int64":    echo[int64],
	"echo_uint":     echo[uint],
	"echo_uint8":    echo[uint8],
	"echo_uint16":   echo[uint16],
	"echo_uint32":   echo[uint32],
	"echo_uint64":   echo[uint64],
	"echo_float32":  echo[float32],
	"echo_float64":  echo[float64],
	"echo_string":   echo[string],
	"echo_bytes":    echo[[]byte],
	"echo_bools":    echo[[]bool],
	"echo_ints":     echo[[]int],
	"echo_int8s":    echo[[]int8],
	"echo_int16s":   echo[[]int16],
	"echo_int32s":   echo[[]int32],
	"echo_int64s":   echo[[]int64],
	"echo_uints":    echo[[]uint],
	"echo_uint8s":   echo[[]uint8],
	"echo_uint16s":  echo[[]uint16],
	"echo_uint32s":  echo[[]uint32],
	"echo_uint64s":  echo[[]uint64],
	"echo_float32s": echo[[]float32],
	"echo_float64s": echo[[]float64],
	"echo_strings":  echo[[]string],

	"echo_multi":  func(a string, b int64, c []string) (string, int64, []string, error) { return a, b, c, nil },
	"echo_header": echoHeader,
	"noresult":    func() error { return nil },

	"fail_task":     func(text string) error { return errors.New(text) },
	"fail_res_task": func(text string) (int64, error) { return 0, errors.New(text) },
	"panic_task":    func() (string, error) { panic(errors.New("oops")) },
	"panic_string":  func() error { panic("string panic") },
	"panic_int":     func() error { panic(5) },
	"log_error": func(text string, rest ...string) (string, error) {
		return fmt.Sprintf("got error %q rest %v", text, rest), nil
	},

	"retry_task":       func(text string) error { return errors.New(text) },
	"fail_once":        failOnce,
	"retry_later_once": retryLaterOnce,
}

func echo[T any](value T) (T, error) { return value, nil }

func echoHeader(ctx context.Context, name string) (string, error) {
	return fmt.Sprint(tasks.SignatureFromContext(ctx).Headers[name]), nil
}

// A task comes with a time only when it comes again.
func failOnce(ctx context.Context, text string) (string, error) {
	if tasks.SignatureFromContext(ctx).ETA == nil {
		return "", errors.New(text)
	}
	return "done", nil
}

func retryLaterOnce(ctx context.Context, milliseconds int64) (string, error) {
	if tasks.SignatureFromContext(ctx).ETA == nil {
		return "", tasks.NewErrRetryTaskLater("later", time.Duration(milliseconds)*time.Millisecond)
	}
	return "done", nil
}

func sum(numbers []int64) (total int64) {
	for _, number := range numbers {
		total += number
	}
	return total
}

func product(numbers []int64) int64 {
	total := int64(1)
	for _, number := range numbers {
		total *= number
	}
	return total
}
