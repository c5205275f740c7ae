package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestStripKeepsNamesAndDropsTexts(t *testing.T) {
	c := cutter{kept: object{}, components: object{"schemas": object{
		"thing": object{"description": "a thing", "x-internal": true, "properties": object{
			"description": object{"type": "string", "description": "what it is", "example": "x"},
			"parent":      object{"$ref": "#/components/schemas/thing"},
		}},
	}}}
	got := c.strip(object{
		"summary": "s", "operationId": "o", "default": object{"example": "kept"},
		"responses": object{"200": object{"description": "d", "content": object{"application/json": object{
			"schema": object{"$ref": "#/components/schemas/thing"}, "examples": object{"a": "b"},
		}}}},
	})
	want := object{
		"default": object{"example": "kept"},
		"responses": object{"200": object{"description": "", "content": object{"application/json": object{
			"schema": object{"$ref": "#/components/schemas/thing"},
		}}}},
	}
	same(t, got, want)
	same(t, c.kept, object{"schemas": object{"thing": object{"properties": object{
		"description": object{"type": "string"}, "parent": object{"$ref": "#/components/schemas/thing"},
	}}}})
}

func same(t *testing.T, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestTwoOfEach(t *testing.T) {
	a := object{"action": "opened", "n": 1}
	b := object{"action": "opened", "n": 2}
	c := object{"action": "opened", "organization": 3}
	d := object{"action": "closed"}
	same(t, twoOfEach([]object{a, b, c, d}), []object{a, c, d})
	same(t, twoOfEach([]object{a, b, d}), []object{a, b, d})
}

func TestRunOnSmallPackages(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("package.json", `{"version":"1.2.3"}`)
	write("api.github.com/index.json", `[{"name":"ping","examples":[{"zen":"x"}]}]`)
	if err := run("", dir, out); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"webhooks/ping.json": "[{\"zen\":\"x\"}]\n", "webhooks/VERSION": "@octokit/webhooks-examples 1.2.3\n",
	} {
		if got, err := os.ReadFile(filepath.Join(out, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	write("generated/api.github.com.json", `{"openapi":"3.0.3","paths":{}}`)
	if err := run(dir, "", out); err == nil {
		t.Error("a description without the routes was cut")
	}
	if err := run(filepath.Join(dir, "nowhere"), "", out); err == nil {
		t.Error("a package that is not there was cut")
	}
}
