// Package e2e tests a running service.
package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/services/internal/api"
)

func TestOrderToLedger(t *testing.T) {
	server := httptest.NewServer(api.Handler())
	defer server.Close()
	for _, price := range []string{"250", "199"} {
		body := `{"customer":"ann","lines":[{"article":"tea","count":2,"price":` + price + `}]}`
		answer, err := http.Post(server.URL+"/orders", "application/json", strings.NewReader(body))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v", answer, err)
		}
		answer.Body.Close()
	}
	answer, err := http.Get(server.URL + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "ann 8.98\n" {
		t.Errorf("got %q", text)
	}
}
