// Package ledger adds up what customers owe.
package ledger

import (
	"fmt"
	"io"
	"sort"

	"example.com/services/internal/order"
)

// Ledger is safe for one user at a time.
type Ledger map[string]int

// Enter adds an order.
func (l Ledger) Enter(o order.Order) { l[o.Customer] += o.Total() }

// Print writes one line for each customer, by name.
func (l Ledger) Print(w io.Writer) error {
	names := make([]string, 0, len(l))
	for name := range l {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(w, "%s %d.%02d\n", name, l[name]/100, l[name]%100); err != nil {
			return err
		}
	}
	return nil
}
