// Package peer makes the Machinery server that worker and producer share, of the environment: BROKER and RESULT_BACKEND
// are URLs of redis:// or amqp://, LOCK is one of redis:// or empty, REDIS_DRIVER is redigo or goredis. The exchange is
// that of Machinery's own walkthrough.
package peer

import (
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/RichardKnop/machinery/v2"
	amqpbackend "github.com/RichardKnop/machinery/v2/backends/amqp"
	backends "github.com/RichardKnop/machinery/v2/backends/iface"
	redisbackend "github.com/RichardKnop/machinery/v2/backends/redis"
	amqpbroker "github.com/RichardKnop/machinery/v2/brokers/amqp"
	brokers "github.com/RichardKnop/machinery/v2/brokers/iface"
	redisbroker "github.com/RichardKnop/machinery/v2/brokers/redis"
	"github.com/RichardKnop/machinery/v2/config"
	eagerlock "github.com/RichardKnop/machinery/v2/locks/eager"
	locks "github.com/RichardKnop/machinery/v2/locks/iface"
	redislock "github.com/RichardKnop/machinery/v2/locks/redis"
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
	lock, err := makeLock(cnf)
	if err != nil {
		return nil, err
	}
	server := machinery.NewServer(cnf, broker, backend, lock)
	return server, server.RegisterTasks(Tasks)
}

func makeBroker(cnf *config.Config) (brokers.Broker, error) {
	if strings.HasPrefix(cnf.Broker, "amqp") {
		return amqpbroker.New(cnf), nil
	}
	host, database, err := redisAddress(cnf.Broker)
	if usesRedigo() {
		return redisbroker.New(cnf, host, "", "", "", database), err
	}
	return redisbroker.NewGR(cnf, []string{host}, database), err
}

func makeBackend(cnf *config.Config) (backends.Backend, error) {
	if strings.HasPrefix(cnf.ResultBackend, "amqp") {
		return amqpbackend.New(cnf), nil
	}
	host, database, err := redisAddress(cnf.ResultBackend)
	if usesRedigo() {
		return redisbackend.New(cnf, host, "", "", "", database), err
	}
	return redisbackend.NewGR(cnf, []string{host}, database), err
}

func makeLock(cnf *config.Config) (locks.Lock, error) {
	if os.Getenv("LOCK") == "" {
		return eagerlock.New(), nil
	}
	host, database, err := redisAddress(os.Getenv("LOCK"))
	return redislock.New(cnf, []string{host}, database, 3), err
}

func usesRedigo() bool { return os.Getenv("REDIS_DRIVER") == "redigo" }

func redisAddress(text string) (string, int, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return "", 0, err
	}
	database, _ := strconv.Atoi(strings.Trim(parsed.Path, "/"))
	return parsed.Host, database, nil
}
