// Command cut makes the test data that the sandbox and the webhook door are
// held against, from two npm packages that GitHub publishes:
//
//   - @octokit/openapi: the routes of [routes], without texts and examples, and
//     all that they refer to, as testdata/openapi/github.json;
//   - @octokit/webhooks-examples: one compact file per event type, as
//     testdata/webhooks/EVENT.json, a list of payloads: two of each action, the
//     first and one whose top-level keys differ from it, where there is one.
//
// The packages are large (the first unpacks to 400 MB), so this runs by hand:
// "make openapi". The versions are noted in the outputs: in info.version, and
// in testdata/webhooks/VERSION.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	api := flag.String("openapi", "", "directory of the unpacked @octokit/openapi package")
	hooks := flag.String("webhooks", "", "directory of the unpacked @octokit/webhooks-examples package")
	out := flag.String("out", "testdata", "directory to write to")
	flag.Parse()
	if err := run(*api, *hooks, *out); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

func run(api, hooks, out string) error {
	if api != "" {
		if err := cutAPI(api, filepath.Join(out, "openapi", "github.json")); err != nil {
			return err
		}
	}
	if hooks != "" {
		return cutHooks(hooks, filepath.Join(out, "webhooks"))
	}
	return nil
}

// object is a JSON object.
type object = map[string]any

func cutAPI(dir, to string) error {
	var whole object
	if err := load(filepath.Join(dir, "generated", "api.github.com.json"), &whole); err != nil {
		return err
	}
	version, err := packageVersion(dir)
	if err != nil {
		return err
	}
	mend(whole)
	c := cutter{components: child(whole, "components"), kept: object{}}
	paths := object{}
	for _, route := range strings.Fields(routes) {
		method, path, _ := strings.Cut(route, ":")
		item := child(child(whole, "paths"), path)
		operation, ok := item[strings.ToLower(method)].(object)
		if !ok {
			return fmt.Errorf("%s %s: GitHub describes no such route", method, path)
		}
		kept := child(paths, path)
		if shared, ok := item["parameters"]; ok {
			kept["parameters"] = c.strip(shared)
		}
		kept[strings.ToLower(method)] = c.strip(operation)
		paths[path] = kept
	}
	return save(to, object{
		"openapi":    whole["openapi"],
		"info":       object{"title": "GitHub REST, cut from @octokit/openapi", "version": version},
		"paths":      paths,
		"components": c.kept,
	})
}

// mend sets right what the description says wrongly of GitHub. The accounts in
// the list of installations would be a user and an enterprise at once; a single
// installation is described well. A pull request's head has no repository any
// more when the fork was deleted. And check runs become stale, as suites do.
func mend(whole object) {
	list := below(whole, "paths", "/app/installations", "get", "responses", "200", "content", "application/json", "schema")
	list["items"] = object{"$ref": "#/components/schemas/installation"}
	for _, name := range []string{"pull-request", "pull-request-simple"} {
		head := below(whole, "components", "schemas", name, "properties", "head", "properties")
		head["repo"] = object{"nullable": true, "allOf": []any{object{"$ref": "#/components/schemas/repository"}}}
	}
	conclusion := below(whole, "components", "schemas", "check-run", "properties", "conclusion")
	if enum, ok := conclusion["enum"].([]any); ok {
		conclusion["enum"] = append(enum, "stale")
	}
}

func below(node object, keys ...string) object {
	for _, key := range keys {
		node = child(node, key)
	}
	return node
}

// cutter keeps the components that stripped nodes refer to.
type cutter struct {
	components, kept object
}

var texts = map[string]bool{
	"description": true, "summary": true, "example": true, "examples": true, "externalDocs": true,
	"discriminator": true, "tags": true, "operationId": true, "title": true, "deprecated": true,
}

// strip returns node without texts, examples and extensions.
func (c cutter) strip(node any) any {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i, item := range node {
			list[i] = c.strip(item)
		}
		return list
	case object:
		return c.stripObject(node)
	default:
		return node
	}
}

func (c cutter) stripObject(node object) object {
	if ref, ok := node["$ref"].(string); ok {
		c.keep(ref)
		return object{"$ref": ref}
	}
	kept := object{}
	for key, value := range node {
		if texts[key] || strings.HasPrefix(key, "x-") {
			continue
		}
		// The keys of these are names of GitHub's, not words of OpenAPI.
		if named, ok := value.(object); ok && (key == "properties" || key == "patternProperties" || key == "headers") {
			kept[key] = c.stripEach(named)
			continue
		}
		if key == "enum" || key == "default" || key == "required" {
			kept[key] = value
			continue
		}
		kept[key] = c.strip(value)
	}
	if _, ok := node["content"]; ok && node["description"] != nil {
		kept["description"] = ""
	}
	return kept
}

func (c cutter) stripEach(named object) object {
	kept := object{}
	for name, value := range named {
		kept[name] = c.strip(value)
	}
	return kept
}

func (c cutter) keep(ref string) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	group := child(c.kept, kind)
	if _, ok := group[name]; ok {
		return
	}
	group[name] = object{} // ends the recursion of schemas that hold themselves
	group[name] = c.strip(child(c.components, kind)[name])
}

func cutHooks(dir, to string) error {
	var events []struct {
		Name     string   `json:"name"`
		Examples []object `json:"examples"`
	}
	if err := load(filepath.Join(dir, "api.github.com", "index.json"), &events); err != nil {
		return err
	}
	version, err := packageVersion(dir)
	if err != nil {
		return err
	}
	for _, event := range events {
		if err := save(filepath.Join(to, event.Name+".json"), twoOfEach(event.Examples)); err != nil {
			return err
		}
	}
	text := "@octokit/webhooks-examples " + version + "\n"
	if err := os.WriteFile(filepath.Join(to, "VERSION"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("note the version: %w", err)
	}
	return nil
}

// twoOfEach keeps two payloads of each action, as unlike as there are.
func twoOfEach(examples []object) []object {
	byAction := map[any][]object{}
	var actions []any
	for _, e := range examples {
		action := e["action"]
		if byAction[action] == nil {
			actions = append(actions, action)
		}
		byAction[action] = append(byAction[action], e)
	}
	var kept []object
	for _, action := range actions {
		list := byAction[action]
		kept = append(kept, list[0])
		if len(list) == 1 {
			continue
		}
		second := list[1]
		for _, e := range list[1:] {
			if keysOf(e) != keysOf(list[0]) {
				second = e
				break
			}
		}
		kept = append(kept, second)
	}
	return kept
}

func keysOf(o object) string {
	return strings.Join(slices.Sorted(maps.Keys(o)), " ")
}

func packageVersion(dir string) (string, error) {
	var manifest struct {
		Version string `json:"version"`
	}
	err := load(filepath.Join(dir, "package.json"), &manifest)
	return manifest.Version, err
}

// child returns the object under key, adding an empty one where there is none.
func child(node object, key string) object {
	if value, ok := node[key].(object); ok {
		return value
	}
	value := object{}
	node[key] = value
	return value
}

func load(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	return nil
}

func save(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}
