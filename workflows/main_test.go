package workflows_test

import (
	"testing"

	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
