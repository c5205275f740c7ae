package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/invopop/jsonschema"

	"gonogo/config"
	"gonogo/internal/gate"
)

// Schema returns the JSON Schema of a policy file, made from [Policy] and the
// comments of the built-in one. It knows the shape of a file; what Parse refuses
// besides (a glob that is none, a role that is not defined) it lets pass.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true}
	s := r.Reflect(&Policy{})
	s.Title = "Gonogo policy"
	s.Description = "A repository's " + Path + ", or " + OrganizationPath + " in the organization's .github repository."
	for of, words := range closedSets() {
		name, key, _ := strings.Cut(of, ".")
		property, ok := s.Definitions[name].Properties.Get(key)
		if !ok {
			return nil, fmt.Errorf("make the schema: %s has no key %s", name, key)
		}
		if property.Items != nil {
			property = property.Items
		}
		property.Enum = words
	}
	root := s.Definitions["Policy"]
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		pair.Value.Description = commentOf(pair.Key)
	}
	if ids, ok := root.Properties.Get("requirements"); ok {
		ids.PropertyNames = &jsonschema.Schema{Enum: words(Requirements())}
	}
	enforced := *root
	s.Definitions["Enforced"] = &enforced
	whole := *root
	whole.Properties = jsonschema.NewProperties()
	for pair := root.Properties.Oldest(); pair != nil; pair = pair.Next() {
		whole.Properties.Set(pair.Key, pair.Value)
	}
	whole.Properties.Set(enforceKey, &jsonschema.Schema{
		Ref:         "#/$defs/Enforced",
		Description: "Only in the organization's file: what no repository can ask for less of. One key enforces the whole requirement that is judged by it; roles that it names are defined in the same file.",
	})
	s.Definitions["Policy"] = &whole
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make the schema: %w", err)
	}
	return out, nil
}

// closedSets lists the words that a key takes.
func closedSets() map[string][]any {
	classes := []any{gate.Low.String(), gate.Medium.String(), gate.High.String()}
	depths := append(classes[:len(classes):len(classes)], off)
	return map[string][]any{
		"Policy.ask":          {"comment", "none"},
		"Policy.mode":         append([]any{""}, words(gate.Modes[:])...),
		"Depth.blocks":        depths,
		"Depth.advises":       depths,
		"Floor.class":         classes,
		"Exemption.up_to":     classes,
		"Severity.sev2_from":  classes,
		"Signoff.from":        append([]any{""}, classes...),
		"Role.permission":     {"", "write", "maintain", "admin"},
		"Window.days":         {"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
		"Authorization.types": words(gate.ReleaseTypes[:]),
	}
}

func words[S ~string](list []S) []any {
	out := make([]any, 0, len(list))
	for _, w := range list {
		out = append(out, string(w))
	}
	return out
}

var commentedKey = regexp.MustCompile(`(?m)((?:^#.*\n)+)^([a-z_]+):`)

// commentOf returns what the built-in policy says of a key, as one line.
func commentOf(key string) string {
	for _, m := range commentedKey.FindAllStringSubmatch(string(config.Policy), -1) {
		if m[2] != key {
			continue
		}
		text, _, _ := strings.Cut(m[1], "Example:")
		return strings.Join(strings.Fields(strings.ReplaceAll(text, "#", "")), " ")
	}
	return ""
}
