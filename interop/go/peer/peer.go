// Package peer makes the Machinery server that worker and producer share, of the environment: BROKER and RESULT_BACKEND
// are URLs of redis:// or amqp://, the exchange is that of Machinery's own walkthrough.
package peer

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/RichardKnop/machinery/v2"
	amqpbackend "github.com/RichardKnop/machinery/v2/backends/amqp"
	backends "github.com/RichardKnop/machinery/v2/backends/iface"
	redisbackend "github.com/RichardKnop/machinery/v2/backends/redis"
	amqpbroker "github.com/RichardKnop/machinery/v2/brokers/amqp"
	brokers "github.com/RichardKnop/machinery/v2/brokers/iface"
	redisbroker "github.com/RichardKnop/machinery/v2/brokers/redis"
	"github.com/RichardKnop/machinery/v2/config"
	eagerlock "github.com/RichardKnop/machinery/v2/locks/eager"
	"github.com/RichardKnop/machinery/v2/tasks"
)

// Server makes the server and registers the tasks that the Swift side has too.
func Server() (*machinery.Server, error) {
	cnf := &config.Config{
		Broker:          os.Getenv("BROKER"),
		DefaultQueue:    "machinery_tasks",
		ResultBackend:   os.Getenv("RESULT_BACKEND"),
		ResultsExpireIn: 3600,
		AMQP: &config.AMQPConfig{
			Exchange:      "machinery_exchange",
			ExchangeType:  "direct",
			BindingKey:    "machinery_task",
			PrefetchCount: 3,
		},
		Redis: &config.RedisConfig{NormalTasksPollPeriod: 1000, DelayedTasksPollPeriod: 100},
	}
	broker, err := makeBroker(cnf)
	if err != nil {
		return nil, err
	}
	backend, err := makeBackend(cnf)
	if err != nil {
		return nil, err
	}
	server := machinery.NewServer(cnf, broker, backend, eagerlock.New())
	return server, server.RegisterTasks(Tasks)
}

func makeBroker(cnf *config.Config) (brokers.Broker, error) {
	if strings.HasPrefix(cnf.Broker, "amqp") {
		return amqpbroker.New(cnf), nil
	}
	host, database, err := redisAddress(cnf.Broker)
	return redisbroker.NewGR(cnf, []string{host}, database), err
}

func makeBackend(cnf *config.Config) (backends.Backend, error) {
	if strings.HasPrefix(cnf.ResultBackend, "amqp") {
		return amqpbackend.New(cnf), nil
	}
	host, database, err := redisAddress(cnf.ResultBackend)
	return redisbackend.NewGR(cnf, []string{host}, database), err
}

func redisAddress(text string) (string, int, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return "", 0, err
	}
	database, _ := strconv.Atoi(strings.Trim(parsed.Path, "/"))
	return parsed.Host, database, nil
}

// Tasks are those of Tests/LiveTests/Machinery/MachineryTasks.swift.
var Tasks = map[string]interface{}{
	"add":             func(numbers ...int64) (int64, error) { return sum(numbers), nil },
	"multiply":        func(numbers ...int64) (int64, error) { return product(numbers), nil },
	"echo_bool":       func(v bool) (bool, error) { return v, nil },
	"echo_int":        func(v int) (int, error) { return v, nil },
	"echo_int8":       func(v int8) (int8, error) { return v, nil },
	"echo_int64":      func(v int64) (int64, error) { return v, nil },
	"echo_uint64":     func(v uint64) (uint64, error) { return v, nil },
	"echo_float32":    func(v float32) (float32, error) { return v, nil },
	"echo_float64":    func(v float64) (float64, error) { return v, nil },
	"echo_string":     func(v string) (string, error) { return v, nil },
	"echo_bytes":      func(v []byte) ([]byte, error) { return v, nil },
	"echo_strings":    func(v []string) ([]string, error) { return v, nil },
	"echo_multi":      func(a string, b int64, c []string) (string, int64, []string, error) { return a, b, c, nil },
	"noresult":        func() error { return nil },
	"fail_task":       func(text string) error { return errors.New(text) },
	"panic_task":      func() (string, error) { panic(errors.New("oops")) },
	"log_error":       func(text string, rest ...string) (string, error) { return fmt.Sprintf("got error %q rest %v", text, rest), nil },
	"retry_later":     func() error { return tasks.NewErrRetryTaskLater("later", time.Second) },
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
