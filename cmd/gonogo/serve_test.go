package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonogo/internal/app"
	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// TestMain lets the test binary be the program itself, so that it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("GONOGO_TEST_BE") == "gonogo" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program returns the program as a process of its own with only the given
// environment.
func program(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{"GONOGO_TEST_BE=gonogo", "PATH=" + os.Getenv("PATH")}, env...)
	return cmd
}

func TestServeRefusesToStart(t *testing.T) {
	gh, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gh.Close() })
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, gh.PrivateKeyPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		"GONOGO_APP_ID": fmt.Sprint(gh.AppID()), "GONOGO_PRIVATE_KEY_FILE": key, "GONOGO_WEBHOOK_SECRET": strings.Repeat("s", 32),
		"GONOGO_GITHUB_URL": gh.URL() + "/", "GONOGO_LISTEN": "127.0.0.1:0", "GONOGO_DATABASE_URL": "sqlite:" + filepath.Join(dir, "g.db"),
	}
	tests := []struct {
		name       string
		key, value string
		says       string
	}{
		{"no App id", "GONOGO_APP_ID", "", "set GONOGO_APP_ID"},
		{"a name as App id", "GONOGO_APP_ID", "gonogo", "numeric id"},
		{"another App's id", "GONOGO_APP_ID", "99", "check GONOGO_APP_ID"},
		{"an empty secret", "GONOGO_WEBHOOK_SECRET", " , ", "set GONOGO_WEBHOOK_SECRET"},
		{"no key", "GONOGO_PRIVATE_KEY_FILE", "", "set GONOGO_PRIVATE_KEY_FILE"},
		{"a key file that is not there", "GONOGO_PRIVATE_KEY_FILE", filepath.Join(dir, "nope.pem"), "no such file"},
		{"a key file that holds no key", "GONOGO_PRIVATE_KEY_FILE", os.Args[0], "key"},
		{"another database", "GONOGO_DATABASE_URL", "mysql:x", "sqlite:"},
		{"a level that does not exist", "GONOGO_LOG_LEVEL", "loud", "debug, info, warn or error"},
		{"an interval without a unit", "GONOGO_RECONCILE_EVERY", "10", "such as 10m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var env []string
			for k, v := range good {
				if k != tt.key {
					env = append(env, k+"="+v)
				}
			}
			out, err := program(ctx, append(env, tt.key+"="+tt.value), "serve").CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.says) {
				t.Errorf("%v, does not say %q:\n%s", err, tt.says, out)
			}
			if strings.Contains(string(out), good["GONOGO_WEBHOOK_SECRET"]) {
				t.Error("the secret is shown")
			}
		})
	}
}

// server is a running `gonogo serve`.
type server struct {
	cmd *exec.Cmd
	url string
}

// serves starts the program and waits until it says where it listens.
func serves(ctx context.Context, t *testing.T, env []string) *server {
	t.Helper()
	s := &server{cmd: program(ctx, env, "serve")}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			s.url = line.URL
			go func() {
				for lines.Scan() { // so that the program never waits for us
				}
			}()
			return s
		}
	}
	t.Fatalf("the server did not start: %v", s.cmd.Wait())
	return nil
}

// kill ends the server as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // "signal: killed" is what was asked for
}

// TestKilledServerGoesOn: whatever was acknowledged is worked on after SIGKILL,
// at once, and every head ends with one right verdict.
func TestKilledServerGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	gh, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gh.Close() })
	dir := t.TempDir()
	secret := strings.Repeat("s", 32)
	env := []string{
		"GONOGO_APP_ID=" + fmt.Sprint(gh.AppID()), "GONOGO_PRIVATE_KEY=" + string(gh.PrivateKeyPEM()), "GONOGO_WEBHOOK_SECRET=" + secret,
		"GONOGO_GITHUB_URL=" + gh.URL() + "/", "GONOGO_LISTEN=127.0.0.1:0", "GONOGO_DATABASE_URL=sqlite:" + filepath.Join(dir, "g.db"),
	}
	repo := gh.Org("acme").Repo("shop")
	for login, role := range map[string]string{"kim": "write", "lee": "write", "dana": "maintain"} {
		repo.Grant(login, role)
	}
	s := serves(ctx, t, env)
	gh.SendWebhooks(s.url+app.HookPath, secret)
	var prs []*sandbox.PullRequest
	const rounds, each = 4, 5
	for round := range rounds {
		for i := range each {
			name := fmt.Sprintf("pr-%d-%d", round, i)
			pr := repo.Open("kim", sandbox.Change{
				Title: name, Branch: name, Body: record("checkout error rate > 2 % for 5 min"), Files: map[string]string{name + ".go": "package a\n"},
			})
			pr.Check("build", "success")
			pr.Approve("lee")
			pr.Comment("dana", "/go "+gate.Short(pr.Head()))
			prs = append(prs, pr)
		}
		if err := gh.Settle(ctx); err != nil { // all are acknowledged, few are worked on
			t.Fatal(err)
		}
		s.kill()
		s = serves(ctx, t, env)
		gh.SendWebhooks(s.url+app.HookPath, secret)
	}
	// What people did came while the server was there. News of its own check runs
	// may have come while it was not; nothing was promised for those.
	for _, d := range gh.Deliveries() {
		if people := d.Event == "pull_request" || d.Event == "pull_request_review"; people && !d.OK() {
			t.Fatalf("a delivery of %s was answered %d", d.Event, d.StatusCode)
		}
	}
	start := time.Now()
	for _, pr := range prs {
		if err := gh.Await(ctx, func() bool { return strings.HasPrefix(pr.Verdict(checkName).Title, "READY") }); err != nil {
			t.Fatalf("#%d ends as %q", pr.Number(), pr.Verdict(checkName).Title)
		}
	}
	t.Logf("all %d heads right %v after the last start", len(prs), time.Since(start))
	res, err := http.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("readyz: %d", res.StatusCode)
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}
