// A worker of the real Machinery, until SIGTERM. The environment says what it serves: BENCH_BROKER, BENCH_RESULTS (none: nothing
// is stored), BENCH_QUEUE, BENCH_CONCURRENCY; its tasks are counted in the file BENCH_COUNT.
package main

import (
	"io"
	stdlog "log"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/RichardKnop/machinery/v2"
	backends "github.com/RichardKnop/machinery/v2/backends/iface"
	nullbackend "github.com/RichardKnop/machinery/v2/backends/null"
	redisbackend "github.com/RichardKnop/machinery/v2/backends/redis"
	amqpbroker "github.com/RichardKnop/machinery/v2/brokers/amqp"
	brokers "github.com/RichardKnop/machinery/v2/brokers/iface"
	redisbroker "github.com/RichardKnop/machinery/v2/brokers/redis"
	"github.com/RichardKnop/machinery/v2/config"
	eagerlock "github.com/RichardKnop/machinery/v2/locks/eager"
	"github.com/RichardKnop/machinery/v2/log"
)

// The first of 64 numbers of 8 bytes, which the benchmark maps too.
var slot *uint64

func mapSlot() error {
	file, err := os.OpenFile(os.Getenv("BENCH_COUNT"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	memory, err := syscall.Mmap(int(file.Fd()), 0, 65*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	slot = (*uint64)(unsafe.Pointer(&memory[0]))
	return nil
}

func add(x, y int64) (int64, error) {
	atomic.AddUint64(slot, 1)
	return x + y, nil
}

func length(text string) (int64, error) {
	atomic.AddUint64(slot, 1)
	return int64(len(text)), nil
}

func redisAddress(text string) (string, int, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return "", 0, err
	}
	database, _ := strconv.Atoi(strings.Trim(parsed.Path, "/"))
	return parsed.Host, database, nil
}

func makeBroker(cnf *config.Config) (brokers.Broker, error) {
	if strings.HasPrefix(cnf.Broker, "amqp") {
		return amqpbroker.New(cnf), nil
	}
	host, database, err := redisAddress(cnf.Broker)
	return redisbroker.New(cnf, host, "", "", "", database), err
}

func makeBackend(cnf *config.Config) (backends.Backend, error) {
	if cnf.ResultBackend == "" {
		return nullbackend.New(), nil
	}
	host, database, err := redisAddress(cnf.ResultBackend)
	return redisbackend.New(cnf, host, "", "", "", database), err
}

func run() error {
	if err := mapSlot(); err != nil {
		return err
	}
	concurrency, err := strconv.Atoi(os.Getenv("BENCH_CONCURRENCY"))
	if err != nil {
		return err
	}
	silent := stdlog.New(io.Discard, "", 0)
	log.SetDebug(silent)
	log.SetInfo(silent)
	queue := os.Getenv("BENCH_QUEUE")
	cnf := &config.Config{
		Broker:          os.Getenv("BENCH_BROKER"),
		DefaultQueue:    queue,
		ResultBackend:   os.Getenv("BENCH_RESULTS"),
		ResultsExpireIn: 86400,
		AMQP: &config.AMQPConfig{
			Exchange:      "machinery_exchange",
			ExchangeType:  "direct",
			BindingKey:    queue,
			PrefetchCount: 100,
		},
		Redis: &config.RedisConfig{NormalTasksPollPeriod: 1000, DelayedTasksPollPeriod: 500},
	}
	broker, err := makeBroker(cnf)
	if err != nil {
		return err
	}
	backend, err := makeBackend(cnf)
	if err != nil {
		return err
	}
	server := machinery.NewServer(cnf, broker, backend, eagerlock.New())
	tasks := map[string]interface{}{"bench.add": add, "bench.length": length}
	if err := server.RegisterTasks(tasks); err != nil {
		return err
	}
	return server.NewWorker("bench", concurrency).Launch()
}

func main() {
	if err := run(); err != nil {
		stdlog.Fatal(err)
	}
}
