package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Monday is a simulated Monday.com: boards with items, their columns and updates,
// behind the GraphQL API. It knows the fields of the published schema that are
// asked for, and answers a query with any other field with an error, as Monday.com
// does: with status 200. It is safe for concurrent use.
//
// https://developer.monday.com/api-reference/reference/items
// https://developer.monday.com/api-reference/reference/updates
type Monday struct {
	Token string // that is asked for
	User  string // the id of whose token it is

	mu     sync.Mutex
	items  []*mondayItem
	nextID int
	answer func(w http.ResponseWriter) bool
	seen   []MondayRequest
}

// MondayRequest is a request as it came.
type MondayRequest struct{ Version, Body string }

type mondayItem struct {
	id, board, name, state string
	columns                map[string]string
	updates                []MondayUpdate
}

// MondayUpdate is an update of an item.
type MondayUpdate struct{ ID, Creator, Body string }

// NewMonday returns an empty Monday.com.
func NewMonday(token string) *Monday { return &Monday{Token: token, User: "7001", nextID: 500} }

// Item puts an item on a board, or changes it: columns are texts by their ids.
func (m *Monday) Item(id, board int64, name string, columns map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(strconv.FormatInt(id, 10))
	if i == nil {
		i = &mondayItem{id: strconv.FormatInt(id, 10), state: "active"}
		m.items = append(m.items, i)
	}
	i.board, i.name, i.columns = strconv.FormatInt(board, 10), name, columns
}

// State sets an item's state: active, archived or deleted.
func (m *Monday) State(id int64, state string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.find(strconv.FormatInt(id, 10)).state = state
}

// Say writes an update into an item as somebody.
func (m *Monday) Say(id int64, creator, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(strconv.FormatInt(id, 10))
	m.nextID++
	i.updates = append(i.updates, MondayUpdate{strconv.Itoa(m.nextID), creator, body})
}

// Updates lists an item's updates.
func (m *Monday) Updates(id int64) []MondayUpdate {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.find(strconv.FormatInt(id, 10)).updates)
}

// Answer lets f answer requests; it reports whether it did. nil: nobody does.
func (m *Monday) Answer(f func(http.ResponseWriter) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer = f
}

// Requests lists the requests as they came.
func (m *Monday) Requests() []MondayRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen)
}

func (m *Monday) find(id string) *mondayItem {
	for _, i := range m.items {
		if i.id == id {
			return i
		}
	}
	return nil
}

// ServeHTTP answers a request to the API.
func (m *Monday) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, MondayRequest{r.Header.Get("API-Version"), string(body)})
	if m.answer != nil && m.answer(w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != m.Token {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"errors":["Not Authenticated"]}`)
		return
	}
	data, err := m.resolve(body)
	if err != nil {
		fault, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"message": err.Error(), "extensions": map[string]any{"code": "undefinedField", "status_code": 200}}}})
		_, _ = w.Write(fault)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data, "account_id": 1})
}

// mondaySchema is the part of the published schema that is known here.
var mondaySchema = map[string]map[string]string{
	"query":    {"me": "user", "items": "item"},
	"mutation": {"create_update": "update"},
	"user":     {"id": ""},
	"item":     {"id": "", "name": "", "url": "", "state": "", "board": "board", "column_values": "column", "updates": "update"},
	"board":    {"id": ""},
	"column":   {"id": "", "text": "", "type": ""},
	"update":   {"id": "", "body": "", "text_body": "", "creator_id": ""},
}

var mondayWord = regexp.MustCompile(`"[^"]*"|\$?[A-Za-z_]\w*|\d+|[{}()\[\]:!,]`)

// field is a field of a query with what is selected of it.
type field struct {
	name string
	args map[string]string // as they stand: "$ids", "100"
	of   []field
}

// parseMonday reads a query of one operation.
func parseMonday(query string) (kind string, of []field, err error) {
	words := mondayWord.FindAllString(query, -1)
	if len(words) == 0 || words[0] != "query" && words[0] != "mutation" {
		return "", nil, errors.New("an operation is expected")
	}
	kind, words = words[0], words[1:]
	if len(words) > 0 && words[0] == "(" {
		end := slices.Index(words, ")")
		if end < 0 {
			return "", nil, errors.New("variables do not end")
		}
		words = words[end+1:]
	}
	of, rest, err := selection(words, kind)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("what is %q?", rest[0])
	}
	return kind, of, err
}

// selection reads "{ field(args) { … } … }" of a type.
func selection(words []string, of string) (fields []field, rest []string, err error) {
	known := mondaySchema[of]
	if len(words) == 0 || words[0] != "{" {
		return nil, words, fmt.Errorf("fields of %s must be selected", of)
	}
	for words = words[1:]; len(words) > 0 && words[0] != "}"; {
		f := field{name: words[0], args: map[string]string{}}
		leads, ok := known[f.name]
		if !ok {
			return nil, words, fmt.Errorf("field %q does not exist on type %q", f.name, of)
		}
		words = words[1:]
		if len(words) > 0 && words[0] == "(" {
			end := slices.Index(words, ")")
			if end < 0 {
				return nil, words, errors.New("arguments do not end")
			}
			args := slices.DeleteFunc(slices.Clone(words[1:end]), func(w string) bool { return w == "," })
			for ; len(args) >= 3 && args[1] == ":"; args = args[3:] {
				f.args[args[0]] = args[2]
			}
			words = words[end+1:]
		}
		if leads != "" {
			if f.of, words, err = selection(words, leads); err != nil {
				return nil, words, err
			}
		}
		fields = append(fields, f)
	}
	if len(words) == 0 {
		return nil, nil, errors.New("a selection does not end")
	}
	return fields, words[1:], nil
}

func (m *Monday) resolve(body []byte) (map[string]any, error) {
	var asked struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	_, fields, err := parseMonday(asked.Query)
	if err != nil {
		return nil, err
	}
	data := map[string]any{}
	for _, f := range fields {
		switch f.name {
		case "me":
			data["me"] = map[string]any{"id": m.User}
		case "items":
			data["items"] = m.list(f, asked.Variables)
		case "create_update":
			made, err := m.createUpdate(f, asked.Variables)
			if err != nil {
				return nil, err
			}
			data["create_update"] = made
		}
	}
	return data, nil
}

func (m *Monday) list(f field, variables map[string]any) []any {
	all := []any{}
	for _, id := range textsOf(variables[strings.TrimPrefix(f.args["ids"], "$")]) {
		i := m.find(id)
		if i == nil || i.state != "active" && f.args["exclude_nonactive"] == "true" {
			continue
		}
		all = append(all, m.show(i, f.of, variables))
	}
	return all
}

// textsOf are the texts of a list of variables.
func textsOf(list any) []string {
	var all []string
	values, _ := list.([]any)
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

func (m *Monday) show(i *mondayItem, of []field, variables map[string]any) map[string]any {
	shown := map[string]any{}
	for _, f := range of {
		switch f.name {
		case "id":
			shown["id"] = i.id
		case "name":
			shown["name"] = i.name
		case "url":
			shown["url"] = "https://acme.monday.com/boards/" + i.board + "/pulses/" + i.id
		case "state":
			shown["state"] = i.state
		case "board":
			shown["board"] = map[string]any{"id": i.board}
		case "column_values":
			columns := []any{}
			for _, id := range textsOf(variables[strings.TrimPrefix(f.args["ids"], "$")]) {
				if text, ok := i.columns[id]; ok {
					columns = append(columns, map[string]any{"id": id, "text": text})
				}
			}
			shown["column_values"] = columns
		case "updates":
			updates := []any{}
			for _, u := range slices.Backward(i.updates) { // the newest first
				updates = append(updates, map[string]any{"id": u.ID, "creator_id": u.Creator, "text_body": mondayText(u.Body)})
			}
			shown["updates"] = updates
		}
	}
	return shown
}

var mondayTag = regexp.MustCompile(`<[^>]*>`)

// mondayText is the text of an update's HTML.
func mondayText(body string) string {
	body = strings.ReplaceAll(body, "<br>", "\n")
	body = mondayTag.ReplaceAllString(body, "")
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(body)
}

func (m *Monday) createUpdate(f field, variables map[string]any) (any, error) {
	i := m.find(fmt.Sprint(variables[strings.TrimPrefix(f.args["item_id"], "$")]))
	if i == nil || i.state == "deleted" {
		return nil, errors.New("item not found")
	}
	m.nextID++
	u := MondayUpdate{strconv.Itoa(m.nextID), m.User, fmt.Sprint(variables[strings.TrimPrefix(f.args["body"], "$")])}
	i.updates = append(i.updates, u)
	return map[string]any{"id": u.ID}, nil
}
