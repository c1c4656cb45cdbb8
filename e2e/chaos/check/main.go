// Command check decides from the journal of a run of the fault harness, which it is
// given the directory of, whether Parley kept its promises. Its last line is the
// run's; its exit code is 1 when a promise is broken, 2 when there is nothing to judge.
package main

import (
	"fmt"
	"os"
	"slices"

	"parley/e2e/chaos/journal"
	"parley/e2e/chaos/verdict"
)

// shown is how many violations are listed.
const shown = 60

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: check DIRECTORY")
		os.Exit(2)
	}
	j, err := journal.Read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	v := verdict.Of(j)
	table("fault", v.FaultsByKind)
	table("model", v.PromptsByOutcome)
	violations := v.Violations()
	slices.Sort(violations)
	for i, s := range violations {
		if i == shown {
			fmt.Printf("… and %d more\n", len(violations)-shown)
			break
		}
		fmt.Println(s)
	}
	fmt.Println(v.Line())
	if len(violations) > 0 {
		os.Exit(1)
	}
}

func table(name string, counts map[string]int) {
	var keys []string
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Printf("%-6s %-20s %5d\n", name, k, counts[k])
	}
}
