package policy

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may hold at most. The parser takes quadratic time in the number
// of tokens and in the depth of brackets: 64 KiB of "[" take 10 s, 8,000 tokens
// a few milliseconds. A policy with every key has some 300.
const (
	maxLines  = 4000
	maxTokens = 8000
	maxDepth  = 20
)

// place is a position in a policy file, from 1.
type place struct{ line, column int }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

func (p place) errorf(format string, args ...any) *Error {
	return &Error{Line: p.line, Column: p.column, Message: fmt.Sprintf(format, args...)}
}

// places tells where each key of a file stands: "checks.required[2]".
type places map[string]place

// parseYAML returns the only document of a file, nil when the file holds
// nothing but comments. What YAML has and a policy does not need is refused: a
// second document, anchors, aliases and tags (an alias bomb is a few hundred
// bytes).
func parseYAML(data string) (body ast.Node, err *Error) {
	defer func() {
		if recover() != nil { // the parser's own fault
			body, err = nil, &Error{Message: "the file cannot be read as YAML"}
		}
	}()
	if n := strings.Count(data, "\n"); n > maxLines {
		return nil, &Error{Message: fmt.Sprintf("the policy has %d lines; keep it under %d", n, maxLines)}
	}
	if strings.Count(data, ",")+strings.Count(data, "[")+strings.Count(data, "{")+strings.Count(data, "*") > maxTokens {
		return nil, tooMuch
	}
	tokens := lexer.Tokenize(data)
	if err := refuseTokens(tokens); err != nil {
		return nil, err
	}
	file, parseErr := parser.Parse(tokens, 0)
	if parseErr != nil {
		return nil, syntaxError(parseErr)
	}
	for _, doc := range file.Docs { // a directive is a document of its own here
		if _, directive := doc.Body.(*ast.DirectiveNode); !directive && doc.Body != nil {
			body = doc.Body
		}
	}
	return body, nil
}

var tooMuch = &Error{Message: "the policy holds far more keys and values than any policy needs"}

func refuseTokens(tokens token.Tokens) *Error {
	if len(tokens) > maxTokens {
		return tooMuch
	}
	flow, entries, line, directive := 0, 0, 0, 0
	begun, ended := false, false
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return placeOf(t).errorf("anchors and aliases (& and *) are not read; write the value out, in quotes if it is text")
		case token.TagType:
			return placeOf(t).errorf("tags (!) are not read; put the value in quotes if it is text")
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		}
		if max(flow, entries) > maxDepth {
			return placeOf(t).errorf("nested more than %d levels deep; a policy has three", maxDepth)
		}
		switch {
		case t.Type == token.DocumentHeaderType && begun, ended && t.Type != token.CommentType && t.Type != token.DocumentEndType:
			return placeOf(t).errorf("a second document (after ---) is not read; keep one")
		case t.Type == token.DocumentEndType:
			ended = true
		case t.Type == token.DirectiveType:
			directive = line
		case t.Type != token.CommentType && directive != line:
			begun = true
		}
	}
	return nil
}

// syntaxError words the parser's commonest complaints for people.
func syntaxError(err error) *Error {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return &Error{Message: firstLine(err.Error())}
	}
	message := firstLine(syntax.GetMessage())
	switch {
	case strings.Contains(message, "already defined"):
		key, _, _ := strings.Cut(strings.TrimPrefix(message, "mapping key "), " already")
		message = "the key " + key + " stands twice; keep one"
	case strings.Contains(message, "'\t'"):
		message = "a tab indents this line; YAML wants spaces"
	}
	return placeOf(syntax.GetToken()).errorf("%s", message)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// decode sets the keys of a file in a policy and tells where they stand. Keys
// that are left out stay as they are: inside of a block too, except that a
// role, a requirement and each list is set as a whole.
func decode(body ast.Node, p *Policy) (places, *Error) {
	d := decoder{at: places{}}
	if err := d.value("", body, reflect.ValueOf(p).Elem()); err != nil {
		return nil, err
	}
	return d.at, nil
}

type decoder struct{ at places }

func (d decoder) value(path string, n ast.Node, into reflect.Value) *Error {
	at := placeOf(n.GetToken())
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		at = placeOf(m.Values[0].Key.GetToken()) // a block's own token is a colon
	}
	if _, seen := d.at[path]; !seen {
		d.at[path] = at
	}
	if _, null := n.(*ast.NullNode); null {
		return d.at[path].errorf("%s has no value; leave the key out to keep the built-in value", describe(path))
	}
	switch into.Kind() {
	case reflect.Struct:
		return d.entries(path, n, at, func(key string, keyAt place, value ast.Node) *Error {
			field, ok := fieldOf(into, key)
			if !ok {
				return keyAt.errorf("%s is no key %s%s", strconv.Quote(key), inside(path), suggest(key, keysOf(into.Type())))
			}
			return d.value(join(path, key), value, field)
		})
	case reflect.Map:
		own := reflect.MakeMap(into.Type()) // the built-in policy's maps are not ours to change
		for _, key := range into.MapKeys() {
			own.SetMapIndex(key, into.MapIndex(key))
		}
		into.Set(own)
		return d.entries(path, n, at, func(key string, _ place, value ast.Node) *Error {
			element := reflect.New(into.Type().Elem()).Elem()
			if err := d.value(join(path, key), value, element); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), element)
			return nil
		})
	case reflect.Slice:
		return d.list(path, n, at, into)
	default:
		return d.scalar(path, n, at, into)
	}
}

// entries calls set for each key of a mapping. The parser has refused keys that
// stand twice.
func (d decoder) entries(path string, n ast.Node, at place, set func(key string, at place, value ast.Node) *Error) *Error {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return at.errorf("%s wants keys and values, not %s", describe(path), kindOf(n))
	}
	for _, v := range values {
		keyAt := placeOf(v.Key.GetToken())
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			return keyAt.errorf("%s is no key %s", strconv.Quote(v.Key.String()), inside(path))
		}
		d.at[join(path, key.Value)] = keyAt
		if err := set(key.Value, keyAt, v.Value); err != nil {
			return err
		}
	}
	return nil
}

func (d decoder) list(path string, n ast.Node, at place, into reflect.Value) *Error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		example := ""
		if s, ok := n.(*ast.StringNode); ok {
			example = fmt.Sprintf("; write [%s]", s.Value)
		}
		return at.errorf("%s wants a list, not %s%s", describe(path), kindOf(n), example)
	}
	list := reflect.MakeSlice(into.Type(), len(seq.Values), len(seq.Values))
	for i, v := range seq.Values {
		if err := d.value(fmt.Sprintf("%s[%d]", path, i), v, list.Index(i)); err != nil {
			return err
		}
	}
	into.Set(list)
	return nil
}

func (d decoder) scalar(path string, n ast.Node, at place, into reflect.Value) *Error {
	wants := map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Bool: "true or false", reflect.String: "a text"}[into.Kind()]
	switch v := n.(type) {
	case *ast.StringNode:
		if into.Kind() == reflect.String {
			into.SetString(v.Value)
			return nil
		}
	case *ast.LiteralNode:
		if into.Kind() == reflect.String {
			into.SetString(strings.TrimRight(v.Value.Value, "\n"))
			return nil
		}
	case *ast.IntegerNode:
		if i, err := strconv.Atoi(v.Token.Value); err == nil && into.Kind() == reflect.Int {
			into.SetInt(int64(i))
			return nil
		}
	case *ast.BoolNode:
		if into.Kind() == reflect.Bool {
			into.SetBool(v.Value)
			return nil
		}
	}
	hint := ""
	if _, isScalar := n.(ast.ScalarNode); isScalar && into.Kind() == reflect.String {
		hint = "; put it in quotes"
	}
	return at.errorf("%s wants %s, not %s%s", describe(path), wants, kindOf(n), hint)
}

// kindOf names what stands where something else was wanted.
func kindOf(n ast.Node) string {
	switch v := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		if _, err := strconv.ParseFloat(v.Value, 64); err == nil {
			return v.Value
		}
		return "the text " + strconv.Quote(v.Value)
	default:
		return n.GetToken().Value
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func describe(path string) string { return cmp.Or(path, "a policy") }

func inside(path string) string {
	if path == "" {
		return "of a policy"
	}
	return "of " + path
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag == key && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "-" {
			keys = append(keys, tag)
		}
	}
	return keys
}

// suggest says which of the known words was meant, or which there are.
func suggest(word string, known []string) string {
	known = slices.Sorted(slices.Values(known))
	if len(word) <= 100 {
		best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(distance(word, a), distance(word, b)) })
		if d := distance(word, best); d <= max(1, len(best)/3) {
			return fmt.Sprintf("; did you mean %q?", best)
		}
	}
	return "; there are " + strings.Join(known, ", ")
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
