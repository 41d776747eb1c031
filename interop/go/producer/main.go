// Command producer sends a task of every shape to whoever serves the queue and prints one line for each result. It exits
// with status 1 where one is wrong. `producer periodic` sends a task to the queue `ticks` each second until it is ended.
package main

import (
	"fmt"
	"os"

	"github.com/RichardKnop/machinery/v2/tasks"

	"celeriac.dev/interop/peer"
)

func main() {
	server, err := peer.Server()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == "periodic" {
		tick := &tasks.Signature{Name: "add", RoutingKey: "ticks"}
		if err := server.RegisterPeriodicTask("@every 1s", "tick", tick); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	checks := &checks{server: server}
	checks.arguments()
	checks.failures()
	checks.delaysAndRetries()
	checks.workflows()
	checks.callbacks()
	if checks.failed > 0 {
		os.Exit(1)
	}
}
