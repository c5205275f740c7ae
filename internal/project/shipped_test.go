package project_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"gonogo/config"
	"gonogo/internal/app"
	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

var update = flag.Bool("update", false, "rewrite the files and blocks that are made from code")

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// serverExample is config/server.example.yml as the settings make it.
func serverExample() string {
	var b strings.Builder
	b.WriteString(`# The server's configuration, for gonogo serve --config FILE (or GONOGO_CONFIG).
# Every setting can also be given by the environment variable or the flag that
# stands with it: a flag goes before the environment, that before this file.
# What is left empty has its default. app_id, private_key_file (or private_key)
# and webhook_secret must be given somewhere; secrets are better off in the
# environment than in a file.
`)
	for _, s := range app.Settings() {
		value := s.Default
		if value != "" {
			value = " " + strconv.Quote(value)
		}
		fmt.Fprintf(&b, "\n# %s\n# %s, --%s\n%s:%s\n", s.Help, s.Env(), s.Flag(), s.Key, value)
	}
	return b.String()
}

func TestServerExample(t *testing.T) {
	const name = "config/server.example.yml"
	if *update {
		if err := os.WriteFile(name, []byte(serverExample()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	example := read(t, name)
	if diff := cmp.Diff(serverExample(), example); diff != "" {
		t.Errorf("%s differs from the settings; run: make golden\n%s", name, diff)
	}
	if string(config.Server) != example && !*update {
		t.Error("the embedded example is another file")
	}
	filled := strings.NewReplacer("\napp_id:\n", "\napp_id: 7\n", "\nprivate_key:\n", "\nprivate_key: KEY\n",
		"\nwebhook_secret:\n", "\nwebhook_secret: [one, two]\n").Replace(example)
	none := func(string) string { return "" }
	cfg, err := app.Load(func(app.Setting) string { return "" }, none, []byte(filled))
	if err != nil {
		t.Fatalf("the filled-in example does not load: %v", err)
	}
	if cfg.AppID != 7 || string(cfg.PrivateKey) != "KEY" || len(cfg.WebhookSecrets) != 2 || cfg.Listen != ":8080" {
		t.Errorf("the filled-in example loads as %+v", cfg)
	}
}

// manifest is app.yml.
type manifest struct {
	Name           string `yaml:"name"`
	URL            string `yaml:"url"`
	Description    string `yaml:"description"`
	Public         bool   `yaml:"public"`
	HookAttributes struct {
		URL    string `yaml:"url"`
		Active bool   `yaml:"active"`
	} `yaml:"hook_attributes"`
	Permissions map[string]string `yaml:"default_permissions"`
	Events      []string          `yaml:"default_events"`
}

func appManifest(t *testing.T) manifest {
	t.Helper()
	var m manifest
	if err := yaml.UnmarshalWithOptions([]byte(read(t, "app.yml")), &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return m
}

// Case 98: nothing is asked for that is not used.
func TestManifestAsksForWhatIsUsed(t *testing.T) {
	m := appManifest(t)
	if m.Name == "" || m.URL == "" || m.Public || !m.HookAttributes.Active || !strings.HasSuffix(m.HookAttributes.URL, app.HookPath) {
		t.Errorf("app.yml: %+v", m)
	}
	if diff := cmp.Diff(permissionsUsed(t), m.Permissions); diff != "" {
		t.Errorf("app.yml's permissions (+) are not those of the requests in internal/hub (-):\n%s", diff)
	}
	for name, level := range m.Permissions {
		if granted := sandbox.DefaultPermissions()[name]; granted != level && granted != "write" {
			t.Errorf("app.yml asks for %s: %s, the simulated GitHub grants %q", name, level, granted)
		}
	}
}

// permissionsUsed collects the permissions that the acts of internal/hub name, and
// that of the one event which needs another.
func permissionsUsed(t *testing.T) map[string]string {
	t.Helper()
	used := map[string]string{"merge_queues": "read"} // for merge_group
	for _, file := range sources(t, "internal/hub") {
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 3 {
				return true
			}
			if typ, ok := lit.Type.(*ast.Ident); !ok || typ.Name != "act" {
				return true
			}
			name, level, found := strings.Cut(literal(t, lit.Elts[2]), ": ")
			name = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "Commit ")), " ", "_")
			if found && used[name] != "write" {
				used[name] = level
			}
			return true
		})
	}
	return used
}

// withoutAsking are the events that every App gets; a manifest that lists them
// is refused.
var withoutAsking = []string{"installation", "installation_repositories"}

func TestManifestListensToWhatTheDoorKnows(t *testing.T) {
	m := appManifest(t)
	door := slices.DeleteFunc(doorEvents(t), func(e string) bool { return slices.Contains(withoutAsking, e) })
	if diff := cmp.Diff(door, m.Events); diff != "" {
		t.Errorf("app.yml's events (+) are not those of internal/webhook (-):\n%s", diff)
	}
	if diff := cmp.Diff(doorEvents(t), dispatchedEvents(t)); diff != "" {
		t.Errorf("the dispatcher's events (+) are not those of the door (-):\n%s", diff)
	}
}

// doorEvents returns the keys of webhook's list of events, sorted.
func doorEvents(t *testing.T) []string {
	t.Helper()
	var names []string
	ast.Inspect(sources(t, "internal/webhook")["internal/webhook/event.go"], func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "events" {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			names = append(names, literal(t, e.(*ast.KeyValueExpr).Key))
		}
		return false
	})
	slices.Sort(names)
	return names
}

// dispatchedEvents returns the cases of the dispatcher's switch, sorted.
func dispatchedEvents(t *testing.T) []string {
	t.Helper()
	var names []string
	ast.Inspect(sources(t, "internal/dispatch")["internal/dispatch/mapping.go"], func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if !ok {
			return true
		}
		if f.Name.Name == "lead" {
			ast.Inspect(f, func(n ast.Node) bool {
				if c, ok := n.(*ast.CaseClause); ok {
					for _, e := range c.List {
						names = append(names, literal(t, e))
					}
				}
				return true
			})
		}
		return false
	})
	slices.Sort(names)
	return names
}

func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		t.Fatalf("%T is no string literal", e)
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDockerfile(t *testing.T) {
	stages := strings.Split(read(t, "Dockerfile"), "\nFROM ")
	if len(stages) != 3 {
		t.Fatalf("%d stages, want one that builds and one that runs", len(stages)-1)
	}
	build, run := stages[1], stages[2]
	for stage, lines := range map[string][]string{
		build: {`^golang:`, `CGO_ENABLED=0 go build -trimpath`, `-X main\.release=\$\{VERSION\}`, `^ARG VERSION$`, `\./cmd/gonogo$`},
		run: {`^gcr\.io/distroless/static`, `^USER [1-9][0-9]*(:[1-9][0-9]*)?$`, `^VOLUME /data$`, `^EXPOSE 8080$`,
			`^ENV GONOGO_DATABASE_URL=sqlite:/data/`, `^ENTRYPOINT \["/usr/bin/gonogo"\]$`, `^CMD \["serve"\]$`, `^COPY --from=build --chown=65532:65532 .* /data$`},
	} {
		for _, line := range lines {
			if !regexp.MustCompile("(?m)" + line).MatchString(stage) {
				t.Errorf("the Dockerfile has no line like %s in\n%s", line, stage)
			}
		}
	}
	if want := "golang:" + goVersion(t); !strings.HasPrefix(build, want+" ") {
		t.Errorf("the Dockerfile does not build with %s, which go.mod asks for", want)
	}
	if regexp.MustCompile(`(?m)^(RUN|ADD|HEALTHCHECK) `).MatchString(run) {
		t.Error("the final stage has no shell to run anything in")
	}
}

// goVersion returns go.mod's version of Go without its patch level.
func goVersion(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if m == nil {
		t.Fatal("go.mod asks for no version of Go")
	}
	return m[1]
}

func TestPullRequestTemplate(t *testing.T) {
	r := decision.Parse(read(t, ".github/pull_request_template.md"))
	if !r.Found {
		t.Fatalf("no record is found: %+v", r.Problems)
	}
	for _, p := range r.Problems {
		if p.Code != "placeholder" {
			t.Errorf("line %d: %s: %s", p.Line, p.Code, p.Message)
		}
	}
}

// The workflows may read the repository and nothing else, and use released
// actions.
func TestWorkflow(t *testing.T) {
	var w struct {
		Permissions map[string]string `yaml:"permissions"`
		Jobs        map[string]struct {
			Permissions map[string]string `yaml:"permissions"`
			Steps       []struct {
				Uses string `yaml:"uses"`
				Run  string `yaml:"run"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/ci.yml")), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"contents": "read"}, w.Permissions); diff != "" {
		t.Errorf("permissions:\n%s", diff)
	}
	pinned := regexp.MustCompile(`^actions/[a-z-]+@v\d+$`)
	var runs []string
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		job := w.Jobs[name]
		if job.Permissions != nil {
			t.Errorf("job %s asks for permissions of its own", name)
		}
		for _, step := range job.Steps {
			if step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("job %s uses %s", name, step.Uses)
			}
			runs = append(runs, step.Run)
		}
	}
	targets := read(t, "Makefile")
	for _, want := range []string{"make test", "make lint", "make build"} {
		if !slices.Contains(runs, want) {
			t.Errorf("the workflow does not run %q", want)
		}
		if !strings.Contains(targets, "\n"+strings.TrimPrefix(want, "make ")+":") {
			t.Errorf("the Makefile has no target for %q", want)
		}
	}
}

// Case 48: whoever changes the policy decides at high risk.
func TestPolicyFileIsHigh(t *testing.T) {
	files := gate.Read([]gate.File{{Path: policy.Path, Status: "modified"}}, time.Time{})
	if c := policy.ClassOf(policy.BuiltIn(), gate.PullRequest{}, gate.Record{Class: gate.Low}, files); c != gate.High {
		t.Errorf("a change of %s is judged as %s", policy.Path, c)
	}
}
