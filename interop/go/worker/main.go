// Command worker serves the peer's tasks until SIGINT or SIGTERM.
package main

import (
	"log"

	"celeriac.dev/interop/peer"
)

func main() {
	server, err := peer.Server()
	if err != nil {
		log.Fatal(err)
	}
	log.Print(server.NewWorker("go_worker", 4).Launch())
}
