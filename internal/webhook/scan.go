package webhook

import (
	"errors"
	"hash/maphash"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting. GitHub's payloads reach about ten levels.
const maxDepth = 100

// fewKeys is how many keys of one object are compared one by one; an object
// with more gets a set, so that a hostile one costs no more per key.
const fewKeys = 128

var (
	errSyntax    = errors.New("not valid JSON")
	errDepth     = errors.New("nested too deep")
	errDuplicate = errors.New("a key appears twice in one object")
	errType      = errors.New("a field has another type than GitHub's")
)

// node is a place in the payload that is wanted, or on the way to one.
type node struct {
	name  string // the key, or "[]" for each element of an array
	kids  []*node
	enter func(*payload)             // an object or an array begins here
	text  func(*payload, string)     // a string stands here
	whole func(*payload, int64)      // a number stands here
	truth func(*payload, bool)       // a boolean stands here
	saw   func(*payload, byte, bool) // anything stands here: its first byte, and whether it is empty
}

func (n *node) kid(key []byte) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if string(key) == k.name {
			return k
		}
	}
	return nil
}

// scanner reads a JSON text in one pass: it checks the syntax, the depth and
// that no object has a key twice, and takes out what is wanted. Strings that
// are not valid UTF-8, or hold lone surrogates, are read with U+FFFD in these
// places, as encoding/json does.
type scanner struct {
	data []byte
	pos  int
	seed maphash.Seed
	keys []uint64 // hashes of the keys of all objects that are open
	out  *payload
}

func scan(data []byte, shape *node, out *payload) error {
	s := scanner{data: data, seed: maphash.MakeSeed(), keys: make([]uint64, 0, 256), out: out}
	s.space()
	if s.pos == len(data) || data[s.pos] != '{' {
		return errSyntax
	}
	if err := s.value(shape, 0); err != nil {
		return err
	}
	s.space()
	if s.pos != len(data) {
		return errSyntax
	}
	return nil
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) value(n *node, depth int) error {
	switch c := s.peek(); c {
	case '{', '[':
		if depth == maxDepth {
			return errDepth
		}
		if n != nil && (n.text != nil || n.whole != nil || n.truth != nil) {
			return errType
		}
		if c == '{' {
			return s.object(n, depth)
		}
		return s.array(n, depth)
	case '"':
		return s.stringValue(n)
	case 't', 'f', 'n':
		return s.word(n, c)
	default:
		return s.number(n)
	}
}

func (s *scanner) object(n *node, depth int) error {
	if n != nil && n.enter != nil {
		n.enter(s.out)
	}
	s.pos++
	mine := len(s.keys)
	defer func() { s.keys = s.keys[:mine] }()
	var many map[uint64]struct{}
	s.space()
	if s.peek() == '}' {
		s.pos++
		return s.mark(n, '{', true)
	}
	for {
		key, err := s.key()
		if err != nil {
			return err
		}
		if many, err = s.once(key, mine, many); err != nil {
			return err
		}
		if err := s.value(n.kid(key), depth+1); err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return errors.Join(err, s.mark(n, '{', false))
		}
	}
}

// once enters a key of the object whose keys begin at mine.
func (s *scanner) once(key []byte, mine int, many map[uint64]struct{}) (map[uint64]struct{}, error) {
	// The seed is new for each text, so nobody can make different keys collide;
	// for a million keys the chance of one is 1 in 10^7.
	h := maphash.Bytes(s.seed, key)
	if many != nil {
		if _, twice := many[h]; twice {
			return many, errDuplicate
		}
		many[h] = struct{}{}
		return many, nil
	}
	for _, other := range s.keys[mine:] {
		if other == h {
			return nil, errDuplicate
		}
	}
	s.keys = append(s.keys, h)
	if len(s.keys)-mine == fewKeys {
		many = make(map[uint64]struct{}, 2*fewKeys)
		for _, other := range s.keys[mine:] {
			many[other] = struct{}{}
		}
	}
	return many, nil
}

// key reads a key and its colon.
func (s *scanner) key() ([]byte, error) {
	s.space()
	if s.peek() != '"' {
		return nil, errSyntax
	}
	raw, plain, err := s.quoted()
	if err != nil {
		return nil, err
	}
	if !plain {
		raw = []byte(unquote(raw))
	}
	s.space()
	if s.peek() != ':' {
		return nil, errSyntax
	}
	s.pos++
	s.space()
	return raw, nil
}

// next goes to the next element, or past the end of the array or object.
func (s *scanner) next(end byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return false, nil
	case end:
		s.pos++
		return true, nil
	default:
		return false, errSyntax
	}
}

func (s *scanner) array(n *node, depth int) error {
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return s.mark(n, '[', true)
	}
	each := n.kid([]byte("[]"))
	for {
		if err := s.value(each, depth+1); err != nil {
			return err
		}
		if done, err := s.next(']'); done || err != nil {
			return errors.Join(err, s.mark(n, '[', false))
		}
	}
}

func (s *scanner) mark(n *node, c byte, empty bool) error {
	if n != nil && n.saw != nil {
		n.saw(s.out, c, empty)
	}
	return nil
}

func (s *scanner) stringValue(n *node) error {
	raw, plain, err := s.quoted()
	if err != nil || n == nil {
		return err
	}
	switch {
	case n.text != nil && plain && utf8.Valid(raw):
		n.text(s.out, string(raw))
	case n.text != nil:
		n.text(s.out, unquote(raw))
	case n.whole != nil, n.truth != nil, n.enter != nil, n.kids != nil:
		return errType
	}
	return s.mark(n, '"', len(raw) == 0)
}

// quoted returns what stands between the quotation marks, and whether it has
// no escapes.
func (s *scanner) quoted() (raw []byte, plain bool, err error) {
	s.pos++
	start, pos, data := s.pos, s.pos, s.data
	plain = true
	for pos < len(data) {
		c := data[pos]
		if c >= ' ' && c != '"' && c != '\\' {
			pos++
			continue
		}
		s.pos = pos
		switch {
		case c == '"':
			s.pos++
			return data[start:pos], plain, nil
		case c == '\\' && s.escape():
			plain, pos = false, s.pos
		default:
			return nil, false, errSyntax
		}
	}
	return nil, false, errSyntax
}

// escape goes past one escape, if it is one.
func (s *scanner) escape() bool {
	rest := s.data[s.pos+1:]
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		if len(rest) < 5 || hex4(rest[1:5]) < 0 {
			return false
		}
		s.pos += 6
		return true
	default:
		return false
	}
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unquote reads the inside of a string whose escapes were checked.
func unquote(raw []byte) string {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		if raw[0] != '\\' {
			r, size := utf8.DecodeRune(raw)
			out = utf8.AppendRune(out, r) // U+FFFD for a bad byte
			raw = raw[size:]
			continue
		}
		if raw[1] != 'u' {
			out = append(out, unescaped[raw[1]])
			raw = raw[2:]
			continue
		}
		r := hex4(raw[2:6])
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				pair = utf16.DecodeRune(r, hex4(raw[2:6]))
			}
			if r = pair; r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *scanner) word(n *node, c byte) error {
	word := "null"
	switch c {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return errSyntax
	}
	s.pos += len(word)
	if n == nil || c == 'n' {
		return s.mark(n, c, true)
	}
	switch {
	case n.truth != nil:
		n.truth(s.out, c == 't')
	case n.text != nil, n.whole != nil, n.enter != nil, n.kids != nil:
		return errType
	}
	return s.mark(n, c, false)
}

func (s *scanner) number(n *node) error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	whole := true
	switch lead := s.peek(); {
	case lead == '0':
		s.pos++
	case !s.digits():
		return errSyntax
	}
	if s.peek() == '.' {
		whole = false
		s.pos++
		if !s.digits() {
			return errSyntax
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		whole = false
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return errSyntax
		}
	}
	if n == nil {
		return nil
	}
	switch {
	case n.whole != nil:
		v, err := strconv.ParseInt(string(s.data[start:s.pos]), 10, 64)
		if err != nil || !whole {
			return errType
		}
		n.whole(s.out, v)
	case n.text != nil, n.truth != nil, n.enter != nil, n.kids != nil:
		return errType
	}
	return s.mark(n, '0', false)
}

// digits goes past at least one digit.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}
