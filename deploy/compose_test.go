// Package deploy holds what runs Parley in containers, and the tests that hold it against what the program reads.
package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"parley/config"
)

// service is what the tests look at of a service of the compose file.
type service struct {
	Image           string            `yaml:"image"`
	Build           string            `yaml:"build"`
	User            string            `yaml:"user"`
	Restart         string            `yaml:"restart"`
	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	SecurityOpt     []string          `yaml:"security_opt"`
	StopGracePeriod string            `yaml:"stop_grace_period"`
	Environment     map[string]string `yaml:"environment"`
	Entrypoint      []string          `yaml:"entrypoint"`
	Command         []string          `yaml:"command"`
	Ports           []string          `yaml:"ports"`
	Volumes         []string          `yaml:"volumes"`
	DependsOn       map[string]any    `yaml:"depends_on"`
	Healthcheck     struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

type compose struct {
	raw      string
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

func load(t *testing.T) compose {
	t.Helper()
	raw, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	c := compose{raw: string(raw)}
	require.NoError(t, yaml.Unmarshal(raw, &c))
	require.NotEmpty(t, c.Services)
	return c
}

func (s service) ours() bool { return s.Build != "" }

func TestServicesArePinnedHealthyAndConfined(t *testing.T) {
	t.Parallel()
	c := load(t)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?$`)
	for name, s := range c.Services {
		if s.ours() {
			require.True(t, s.ReadOnly, name)
			require.Regexp(t, `^[1-9]\d*:`, s.User, name)
		} else {
			require.Regexp(t, pinned, s.Image, name)
		}
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		if name != "postgres" {
			require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		}
		if s.Restart != "no" && name != "temporal-ui" {
			require.NotEmpty(t, s.Healthcheck.Test, "%s has a health check", name)
		}
		for on := range s.DependsOn {
			require.Contains(t, c.Services, on, name)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(source, "./") {
				require.FileExists(t, "../"+source)
			} else {
				require.Contains(t, c.Volumes, source)
			}
		}
	}
	require.Equal(t, []string{"api"}, c.Services["api"].Command)
	require.Equal(t, []string{"worker"}, c.Services["worker"].Command)
}

// Nothing is reachable from outside until somebody says so.
func TestPortsAreOfThisMachine(t *testing.T) {
	t.Parallel()
	for name, s := range load(t).Services {
		if name == "api" || name == "worker" {
			require.Empty(t, s.Ports, "%s may run several times", name)
		}
		for _, port := range s.Ports {
			require.Regexp(t, `^(\$\{[A-Z_]+:-)?127\.0\.0\.1:`, port, name)
		}
	}
}

var reference = regexp.MustCompile(`\$\{([A-Z_]+)(:?[-?][^}]*)?\}`)

func TestEnvironmentIsWhatTheProgramReads(t *testing.T) {
	t.Parallel()
	c := load(t)
	known := map[string]bool{}
	for _, v := range config.Table() {
		known[v.Name] = true
	}
	for name, s := range c.Services {
		if !s.ours() {
			continue
		}
		environ := []string{}
		for variable, value := range s.Environment {
			if variable != "GOMEMLIMIT" {
				require.True(t, known[variable], "%s: %s is not read by anything", name, variable)
			}
			environ = append(environ, variable+"="+reference.ReplaceAllStringFunc(value, example))
		}
		cfg, err := config.Load(environ)
		require.NoError(t, err, name)
		require.NoError(t, cfg.Require("DATABASE_URL", "TEMPORAL_ADDRESS", "PARLEY_SECRET_KEY"))
		grace, err := time.ParseDuration(s.StopGracePeriod)
		require.NoError(t, err)
		require.Greater(t, grace, cfg.DrainDelay+cfg.StopTimeout+10*time.Second, "%s ends by itself before it is killed", name)
		require.NotEmpty(t, cfg.TrustedProxies)
		for _, proxy := range cfg.TrustedProxies {
			require.Contains(t, c.raw, "subnet: "+proxy, "the trusted proxy is the containers' own network")
		}
	}
}

// example is a value for a reference to a variable of .env: its default, or one that fits.
func example(ref string) string {
	m := reference.FindStringSubmatch(ref)
	if value, ok := strings.CutPrefix(m[2], ":-"); ok {
		return value
	}
	return map[string]string{
		"POSTGRES_PASSWORD": "secret", "PARLEY_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"PARLEY_ADMIN_EMAIL": "ann@example.com", "PARLEY_ADMIN_PASSWORD": "a good password",
	}[m[1]]
}

func TestExampleHoldsEveryVariableThatIsAskedFor(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("example.env")
	require.NoError(t, err)
	given := []string{}
	for _, line := range strings.Split(string(raw), "\n") {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			given = append(given, name)
		}
	}
	asked := []string{}
	for _, m := range reference.FindAllStringSubmatch(load(t).raw, -1) {
		asked = append(asked, m[1])
	}
	slices.Sort(given)
	slices.Sort(asked)
	require.Equal(t, slices.Compact(asked), given)
}

func TestScriptsAreShell(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, s := range load(t).Services {
		if len(s.Entrypoint) == 0 || s.Entrypoint[0] != "/bin/sh" {
			continue
		}
		require.Len(t, s.Command, 1, name)
		check := exec.CommandContext(t.Context(), "/bin/sh", "-n")
		check.Stdin = strings.NewReader(strings.ReplaceAll(s.Command[0], "$$", "$"))
		out, err := check.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		checked++
	}
	require.Equal(t, 2, checked)
}

func TestImageRunsAsNobodySpecial(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	_, last, ok := strings.Cut(string(raw), "FROM alpine:")
	require.True(t, ok)
	require.Regexp(t, `(?m)^USER 10001:10001$`, last)
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(raw), -1) {
		require.Regexp(t, `:\d+\.\d+`, from[1])
	}
}
