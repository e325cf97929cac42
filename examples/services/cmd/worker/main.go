// Command worker reads orders, one per line, and prints what each customer owes.
package main

import (
	"bufio"
	"log"
	"os"
	"strings"

	"example.com/services/internal/ledger"
	"example.com/services/internal/order"
)

func main() {
	book := ledger.Ledger{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		o, err := order.Decode(strings.NewReader(lines.Text()))
		if err != nil {
			log.Fatal(err)
		}
		book.Enter(o)
	}
	if err := book.Print(os.Stdout); err != nil {
		log.Fatal(err)
	}
}
