// Command words counts the words of its input and prints a report as JSON.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"example.com/words/internal/count"
	"example.com/words/internal/report"
)

func run(in io.Reader, out io.Writer, top int) error {
	words, err := count.Words(in)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return report.Write(out, words, top)
}

func main() {
	top := flag.Int("top", 10, "how many words to print")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *top); err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(1)
	}
}
