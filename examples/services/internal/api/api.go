// Package api takes orders over HTTP.
package api

import (
	"encoding/json"
	"net/http"
	"sync"

	"example.com/services/internal/ledger"
	"example.com/services/internal/order"
)

// Handler serves POST /orders and GET /ledger.
func Handler() http.Handler {
	var mutex sync.Mutex
	book := ledger.Ledger{}
	mux := http.NewServeMux()
	mux.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "orders are posted", http.StatusMethodNotAllowed)
			return
		}
		o, err := order.Decode(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		book.Enter(o)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]int{"total": o.Total()})
	})
	mux.HandleFunc("/ledger", func(w http.ResponseWriter, _ *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		_ = book.Print(w)
	})
	return mux
}
