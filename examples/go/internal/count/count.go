// Package count counts words.
package count

import (
	"bufio"
	"io"
	"regexp"
	"strings"
)

var word = regexp.MustCompile(`\pL+`)

// Words says how often each word occurs, in lower case.
func Words(in io.Reader) (map[string]int, error) {
	words := map[string]int{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		for _, found := range word.FindAllString(lines.Text(), -1) {
			words[strings.ToLower(found)]++
		}
	}
	return words, lines.Err()
}
