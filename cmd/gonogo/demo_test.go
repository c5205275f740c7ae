package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"gonogo/internal/sandbox"
)

// Case 98: the whole story plays with exactly the permissions that the App's
// manifest asks for.
func TestDemoPlaysWithTheManifestsPermissions(t *testing.T) {
	data, err := os.ReadFile("../../app.yml")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Permissions map[string]string `yaml:"default_permissions"`
	}
	if err := yaml.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := demo(ctx, &out, sandbox.Config{Permissions: manifest.Permissions}, "127.0.0.1:0", true); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	at := 0
	for _, title := range []string{
		"NOT READY · secret-found", "WAITING · no-block", "WAITING · trigger-vague", "WAITING · approvals-missing",
		"WAITING · go-missing", "NOT READY · nogo-stands", "READY · medium", "WAITING · review-not-on-head",
		"GitHub refuses to merge", "READY · medium", "READY · release v1.1.0",
	} {
		i := strings.Index(out.String()[at:], title)
		if i < 0 {
			t.Fatalf("the story does not come to %q:\n%s", title, out.String())
		}
		at += i + len(title)
	}
	for _, p := range []string{"cannot be read", "could not be read", "lacks the permission"} {
		if strings.Contains(out.String(), p) {
			t.Errorf("something %s:\n%s", p, out.String())
		}
	}
}
