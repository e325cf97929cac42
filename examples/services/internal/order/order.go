// Package order defines the orders that both programs share.
package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Line is one article of an order; prices are in cents.
type Line struct {
	Article string `json:"article"`
	Count   int    `json:"count"`
	Price   int    `json:"price"`
}

// Order is a customer's order.
type Order struct {
	Customer string `json:"customer"`
	Lines    []Line `json:"lines"`
}

// ErrEmpty reports an order without lines or without a customer.
var ErrEmpty = errors.New("an order needs a customer and a line")

// Decode reads one order and checks it.
func Decode(r io.Reader) (Order, error) {
	var o Order
	if err := json.NewDecoder(r).Decode(&o); err != nil {
		return Order{}, fmt.Errorf("not an order: %w", err)
	}
	if o.Customer == "" || len(o.Lines) == 0 {
		return Order{}, ErrEmpty
	}
	return o, nil
}

// Total is the price of all lines.
func (o Order) Total() int {
	sum := 0
	for _, line := range o.Lines {
		sum += line.Count * line.Price
	}
	return sum
}
