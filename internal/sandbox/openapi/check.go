package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

func (e exchange) checkParameters(item *openapi3.PathItem, op *openapi3.Operation, path map[string]string, r *http.Request) {
	all := slices.Concat(item.Parameters, op.Parameters)
	known := map[string]*openapi3.Parameter{}
	for _, ref := range all {
		p := ref.Value
		switch p.In {
		case openapi3.ParameterInPath:
			e.checkParameter(p, path[p.Name])
		case openapi3.ParameterInQuery:
			known[p.Name] = p
		}
	}
	for name, values := range r.URL.Query() {
		p := known[name]
		if p == nil {
			e.report("?"+name, "GitHub has no such query parameter here")
			continue
		}
		for _, value := range values {
			e.checkParameter(p, value)
		}
	}
	for name, p := range known {
		if p.Required && !r.URL.Query().Has(name) {
			e.report("?"+name, "a required query parameter is missing")
		}
	}
}

func (e exchange) checkParameter(p *openapi3.Parameter, text string) {
	if p.Schema == nil || p.Schema.Value == nil {
		return
	}
	schema := p.Schema.Value
	value, err := typed(schema, text)
	if err != nil {
		e.report(p.Name, err.Error())
		return
	}
	e.visit(p.Name, schema, value)
}

// typed reads a parameter as the type that its schema asks for.
func typed(schema *openapi3.Schema, text string) (any, error) {
	switch {
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return n, nil
	case schema.Type.Is("boolean"):
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return b, nil
	case schema.Type.Is("array"):
		var list []any
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, part)
		}
		return list, nil
	default:
		return text, nil
	}
}

func (e exchange) checkBody(op *openapi3.Operation, body []byte) {
	has := len(bytes.TrimSpace(body)) > 0
	if op.RequestBody == nil {
		if has {
			e.report("/", "GitHub takes no body here")
		}
		return
	}
	if !has {
		if op.RequestBody.Value.Required {
			e.report("/", "the body is missing")
		}
		return
	}
	media := op.RequestBody.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return
	}
	value, err := decode(body)
	if err != nil {
		e.report("/", "the body is no JSON: "+err.Error())
		return
	}
	e.visit("", media.Schema.Value, value)
	e.unknown("", media.Schema.Value, value)
}

// unknown reports properties of value that the schema does not name.
func (e exchange) unknown(pointer string, schema *openapi3.Schema, value any) {
	switch value := value.(type) {
	case []any:
		if schema.Items != nil {
			for i, item := range value {
				e.unknown(pointer+"/"+strconv.Itoa(i), schema.Items.Value, item)
			}
		}
	case map[string]any:
		named := properties(schema)
		if len(named) == 0 {
			return
		}
		for name, inner := range value {
			if named[name] == nil {
				e.report(pointer+"/"+name, "GitHub does not know this property")
				continue
			}
			e.unknown(pointer+"/"+name, named[name], inner)
		}
	}
}

// properties gathers the properties that a schema and its parts name.
func properties(schema *openapi3.Schema) map[string]*openapi3.Schema {
	named := map[string]*openapi3.Schema{}
	for _, part := range slices.Concat(schema.AllOf, schema.AnyOf, schema.OneOf) {
		for name, inner := range properties(part.Value) {
			named[name] = inner
		}
	}
	for name, inner := range schema.Properties {
		named[name] = inner.Value
	}
	return named
}

// usual are the statuses that any route may answer, listed or not.
func usual(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusNotModified, http.StatusBadRequest,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests:
		return true
	}
	return false
}

func (e exchange) checkResponse(op *openapi3.Operation, status int, header http.Header, text []byte) {
	if status >= http.StatusInternalServerError {
		return // what comes from a broken server has no shape
	}
	listed := op.Responses.Status(status)
	if listed == nil {
		if !usual(status) {
			e.report("status", fmt.Sprintf("GitHub does not answer %d here", status))
		} else if len(text) > 0 {
			e.checkJSON(e.v.doc.Components.Schemas["basic-error"].Value, header, text)
		}
		return
	}
	content := listed.Value.Content
	if len(content) == 0 {
		if len(text) > 0 && status < http.StatusMultipleChoices && strings.TrimSpace(string(text)) != "{}" {
			e.report("/", fmt.Sprintf("GitHub answers %d without a body here", status))
		}
		return
	}
	media := content.Get("application/json")
	if media == nil || media.Schema == nil || status == http.StatusNotModified {
		return
	}
	e.checkJSON(media.Schema.Value, header, text)
}

func (e exchange) checkJSON(schema *openapi3.Schema, header http.Header, text []byte) {
	kind := header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/json") {
		if !strings.Contains(kind, "raw") {
			e.report("Content-Type", kind+" is not JSON")
		}
		return
	}
	value, err := decode(text)
	if err != nil {
		e.report("/", "the answer is no JSON: "+err.Error())
		return
	}
	e.visit("", schema, value)
}

func (e exchange) visit(pointer string, schema *openapi3.Schema, value any) {
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		e.flatten(pointer, err)
	}
}

// flatten reports each of several errors with its own pointer.
func (e exchange) flatten(pointer string, err error) {
	var several openapi3.MultiError
	if errors.As(err, &several) {
		for _, one := range several {
			e.flatten(pointer, one)
		}
		return
	}
	var schema *openapi3.SchemaError
	if !errors.As(err, &schema) {
		e.report(pointer, err.Error())
		return
	}
	reason := schema.Reason
	if schema.Origin != nil {
		reason += " (" + firstLine(schema.Origin.Error()) + ")"
	}
	at := pointer
	if parts := schema.JSONPointer(); len(parts) > 0 {
		at += "/" + strings.Join(parts, "/")
	}
	e.report(at, reason)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
