package report

import (
	"bytes"
	"testing"
)

func TestWriteOrdersAndCuts(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, map[string]int{"b": 2, "a": 2, "c": 1}, 2); err != nil {
		t.Fatal(err)
	}
	want := `[{"word":"a","count":2},{"word":"b","count":2}]` + "\n"
	if out.String() != want {
		t.Fatalf("got %s", out.String())
	}
}
