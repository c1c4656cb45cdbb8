package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/testenv"
)

// previousRelease is the commit that was released last. The next release sets it.
const previousRelease = "e76435652c39a06d1974f1de2617d18cd73d04cc"

// previousBinary builds the program of the previous release, once.
var previousBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "parley-previous-")
	if err != nil {
		return "", err
	}
	archive := exec.Command("sh", "-c", "git -C .. archive "+previousRelease+" | tar -x -C "+dir)
	if err := archive.Run(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "parley-previous")
	build := exec.Command("go", "build", "-o", path, "./cmd/parley")
	build.Dir = dir
	return path, build.Run()
})

// During an upgrade the nodes of the previous release go on beside those of this one,
// on a database that is migrated already: each customer is answered once, whichever
// node takes the message and whichever answers, and operators work on both.
func TestThePreviousReleaseRunsBesideThisOne(t *testing.T) {
	t.Parallel()
	if exec.Command("git", "-C", "..", "cat-file", "-e", previousRelease+"^{commit}").Run() != nil {
		require.Empty(t, os.Getenv("CI"), "the previous release is not in this clone's history: fetch all of it")
		t.Skip("the previous release is not in this clone's history")
	}
	previous, err := previousBinary()
	require.NoError(t, err)
	s := newSystem(t, testenv.OwnTemporal(t), newModel(t, saying("Answer.")))

	// The database is this release's; at first only the previous release runs on it.
	_, oldBase := s.startAPIOf(previous)
	startProgram(t, previous, s.env, "worker")
	before := s.newCustomer()
	before.write("What is the price of apples?")
	before.awaitAnswers(1)
	o := s.login(adminEmail)
	require.Equal(t, dialogue.StatusOpen, o.dialogue(before.dialogueID()).Status)

	// This release joins it.
	_, newBase := s.startAPI()
	newWorker := s.startWorker()
	customers := []*customer{before}
	for range 6 {
		customers = append(customers, s.newCustomer())
	}
	for round := range 3 {
		for i, c := range customers {
			s.base = []string{oldBase, newBase}[(i+round)%2]
			answers := len(c.from("bot"))
			c.write("And what about delivery?")
			c.awaitAnswers(answers + 1)
			require.Len(t, c.from("bot"), answers+1)
		}
	}

	// An operator takes over at one, and hands back at the other.
	s.base = oldBase
	o.setMode(before.dialogueID(), "operator")
	o.reply(before.dialogueID(), "A human here.")
	s.base = newBase
	o.setMode(before.dialogueID(), "bot")
	answers := len(before.from("bot"))
	before.write("And of bananas?")
	before.awaitAnswers(answers + 1)

	// The previous release goes back to being alone, as in an upgrade that is taken back.
	code, _ := newWorker.terminate()
	require.Zero(t, code)
	s.base = oldBase
	for _, c := range customers {
		answers := len(c.from("bot"))
		c.write("And on Sundays?")
		c.awaitAnswers(answers + 1)
	}
	s.settled()
	var twice int
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FROM turns x JOIN turns y ON x.id < y.id AND x.dialogue_id = y.dialogue_id
		AND x.state = 'answered' AND y.state = 'answered' AND x.from_seq < y.to_seq AND y.from_seq < x.to_seq`).Scan(&twice))
	require.Zero(t, twice)
}
