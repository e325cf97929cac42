package count

import (
	"strings"
	"testing"
)

func TestWordsFoldsCase(t *testing.T) {
	words, err := Words(strings.NewReader("One two\ntwo, TWO."))
	if err != nil {
		t.Fatal(err)
	}
	if words["one"] != 1 || words["two"] != 3 || len(words) != 2 {
		t.Fatalf("got %v", words)
	}
}
