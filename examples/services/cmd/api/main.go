// Command api serves orders on -listen.
package main

import (
	"flag"
	"log"
	"net/http"

	"example.com/services/internal/api"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*listen, api.Handler()))
}
