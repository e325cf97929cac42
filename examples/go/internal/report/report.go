// Package report prints counts.
package report

import (
	"encoding/json"
	"io"
	"sort"
)

type line struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

// Write prints the most frequent words as JSON, at most top of them; equal counts are in alphabetical order.
func Write(out io.Writer, words map[string]int, top int) error {
	lines := make([]line, 0, len(words))
	for word, count := range words {
		lines = append(lines, line{word, count})
	}
	sort.Slice(lines, func(a, b int) bool {
		if lines[a].Count != lines[b].Count {
			return lines[a].Count > lines[b].Count
		}
		return lines[a].Word < lines[b].Word
	})
	if len(lines) > top {
		lines = lines[:top]
	}
	return json.NewEncoder(out).Encode(lines)
}
