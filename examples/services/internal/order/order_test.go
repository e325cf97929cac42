package order

import (
	"errors"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	o, err := Decode(strings.NewReader(`{"customer":"ann","lines":[{"article":"tea","count":3,"price":250}]}`))
	if err != nil || o.Total() != 750 {
		t.Errorf("got %v, %v", o, err)
	}
}

func TestDecodeRefusesNothing(t *testing.T) {
	if _, err := Decode(strings.NewReader(`{"customer":"ann"}`)); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v", err)
	}
}
