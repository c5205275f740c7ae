package decision

import (
	"regexp"
	"strings"
	"unicode"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// maxOwner is the number of bytes in which somebody can be named, remark
// included.
const maxOwner = 400

// maxWords is the number of words of the longest role name.
const maxWords = 10

// nobody are answers to "who?" that name no one.
var nobody = map[string]bool{
	"": true, "team": true, "the team": true, "our team": true, "whole team": true, "the whole team": true, "my team": true,
	"everyone": true, "everybody": true, "anyone": true, "anybody": true, "someone": true, "somebody": true,
	"all": true, "all of us": true, "us": true, "we": true, "you": true, "them": true, "they": true, "people": true,
	"tbd": true, "tba": true, "todo": true, "t.b.d.": true, "tbc": true, "to be defined": true, "to be determined": true,
	"to be decided": true, "to be announced": true, "to be confirmed": true, "n/a": true, "na": true, "none": true, "nobody": true, "no one": true, "noone": true,
	"unknown": true, "not known": true, "not defined": true, "not needed": true, "not applicable": true, "unassigned": true,
	"owner": true, "the owner": true, "name": true, "person": true, "role": true, "person/role": true, "person / role": true,
	"whoever": true, "somebody else": true, "later": true, "pending": true, "see above": true, "see below": true, "same": true, "as usual": true,
	"n.a.": true, "n.a": true, "none yet": true, "nobody yet": true, "no one yet": true, "no owner": true, "no owner yet": true, "no response": true, "no answer": true,
	"me": true, "myself": true, "i": true, "as above": true, "ditto": true, "depends": true, "devs": true, "the devs": true, "dev": true,
	"developers": true, "the developers": true, "to be filled": true, "to be filled in": true, "to be added": true,
	"@here": true, "@channel": true, "@everyone": true, "@all": true, "@team": true,
}

// standIns are accounts that examples are written with.
var standIns = map[string]bool{
	"@username": true, "@user": true, "@user-name": true, "@user_name": true, "@your-name": true, "@yourname": true, "@your_name": true, "@your-username": true,
	"@your-handle": true, "@handle": true, "@github-handle": true, "@github-username": true, "@name": true, "@owner": true, "@account": true, "@me": true,
	"@myself": true, "@someone": true, "@somebody": true, "@nobody": true, "@tbd": true, "@todo": true, "@person": true,
	"@org/team": true, "@org/team-name": true, "@your-org/your-team": true, "@yourorg/yourteam": true, "@org/your-team": true, "@your-org/team": true, "@owner/team": true,
}

// unsettled are remarks behind a name that leave open whether it is the one.
var unsettled = regexp.MustCompile(`^[\s(–—,;-]*(?:if|unless|maybe|perhaps|probably|possibly|hopefully|tb[acd]|to be|not confirmed|unconfirmed|not yet|pending|depend(?:s|ing)|\?)(?:[^\pL\pN]|$)|\?\s*\)?$`)

// ownerPick is what an entry says about who owns something.
type ownerPick struct {
	owner gate.Owner
	code  string
	fact  string
}

// parseOwner reads "@user", "@org/team", a role or a person's name. A remark may
// stand in parentheses or behind a dash; an account anywhere in front of it is
// preferred to the words around it.
func parseOwner(text string) ownerPick {
	if len(text) > maxOwner {
		return ownerPick{code: CodeOwner, fact: gate.Quote(text) + " is too long to be a name"}
	}
	text, _ = trimEmoji(markdown.Visible(text))
	head := cutOwnerRemark(text)
	switch {
	case namesNobody(head) || isHint(head):
		return ownerPick{code: CodeOwner, fact: "it says " + gate.Quote(text) + ", which names nobody"}
	case unsettled.MatchString(lower(text[len(head):])) || strings.HasSuffix(head, "?"):
		return ownerPick{code: CodeOwner, fact: "it says " + gate.Quote(text) + ", which leaves open whether it is so"}
	}
	found := mentions(head)
	if len(found) == 0 {
		found = mentions(text)
		found = found[:min(len(found), 1)]
	}
	switch {
	case len(found) > 1:
		return ownerPick{code: CodeOwners, fact: "it names more than one: " + gate.Quote(text)}
	case len(found) == 1 && excludes(text, found[0]):
		return ownerPick{code: CodeOwner, fact: "it says " + gate.Quote(text) + ", which names nobody"}
	case len(found) == 1 && standIns[lower(found[0])]:
		return ownerPick{code: CodeOwner, fact: gate.Quote(found[0]) + " stands for an account, and is none"}
	case len(found) == 1 && nobody[lower(found[0])]:
		return ownerPick{code: CodeOwner, fact: gate.Quote(found[0]) + " is everybody, not somebody"}
	case len(found) == 1:
		return ownerPick{owner: account(found[0])}
	case links.MatchString(head):
		return ownerPick{code: CodeOwner, fact: gate.Quote(head) + " is a link, and no name"}
	case len(strings.Fields(head)) > maxWords:
		return ownerPick{code: CodeOwner, fact: gate.Quote(head) + " is too long to be a name"}
	case strings.HasPrefix(head, "@"):
		return ownerPick{code: CodeOwner, fact: gate.Quote(head) + " can be no account of GitHub: those have Latin letters, digits and single hyphens"}
	}
	return ownerPick{owner: gate.Owner{Name: head}}
}

func namesNobody(head string) bool {
	word := lower(strings.TrimRight(head, ".!?: "))
	if nobody[word] || !strings.ContainsFunc(head, unicode.IsLetter) {
		return true
	}
	for _, vague := range []string{"tbd", "tba", "todo", "to be ", "whoever ", "someone ", "somebody ", "anyone ", "anybody ", "n/a", "not ", "no one ", "everyone ", "everybody ",
		"ask ", "see ", "same as ", "depends ", "maybe ", "perhaps ", "probably ", "lorem ipsum"} {
		if strings.HasPrefix(word, vague) && (len(word) == len(vague) || !isWordByte(word[len(vague)]) || strings.HasSuffix(vague, " ")) {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// cutOwnerRemark drops what stands in parentheses or behind a dash, a comma or a
// semicolon, unless an account is in it and none before.
func cutOwnerRemark(text string) string {
	account := strings.LastIndexByte(text, '@')
	for i, r := range text {
		cut := r == '(' || r == ';' || r == '–' || r == '—' || markdown.IsDash(r) && i > 0 && text[i-1] == ' '
		if r == ',' {
			cut = account < i
		}
		if cut && i > 0 {
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}

// mentions lists the accounts and teams in a text, "@" included, each once.
func mentions(text string) []string {
	var out []string
	seen := map[string]bool{}
	last := -1 // where the account before ends: "@dana/@kim" are two
	for i := 0; i < len(text); i++ {
		if text[i] != '@' || i > 0 && (i != last || text[i-1] != '/') && (isWordByte(lower(text[i-1 : i])[0]) || strings.ContainsRune("._-/", rune(text[i-1]))) {
			continue
		}
		end := i + 1
		for end < len(text) && isLoginByte(text[end], strings.Contains(text[i:end], "/")) {
			end++
		}
		name := strings.TrimRight(text[i:end], "./-_")
		if !validMention(name[min(1, len(name)):]) || end < len(text) && text[end] >= 0x80 {
			continue
		}
		if !seen[lower(name)] {
			seen[lower(name)] = true
			out = append(out, name)
		}
		i, last = end-1, end
	}
	return out
}

func isLoginByte(c byte, team bool) bool {
	c = lower(string(rune(c)))[0]
	return isWordByte(c) || c == '-' || !team && c == '/' || c == '_' || team && c == '.'
}

// validMention checks GitHub's rules for logins; underscores occur in accounts
// managed by an enterprise.
func validMention(name string) bool {
	login, _, _ := strings.Cut(name, "/")
	return login != "" && len(login) <= 60 && login[0] != '-' && !strings.Contains(login, "--")
}

// excludes reports whether the words before a mention take it back.
func excludes(text, mention string) bool {
	before, _, _ := strings.Cut(text, mention)
	words := strings.Fields(lower(before))
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "not", "except", "but", "ask", "without", "excluding":
		return true
	}
	return false
}

func account(mention string) gate.Owner {
	name := mention[1:]
	if strings.Contains(name, "/") {
		return gate.Owner{Team: name}
	}
	return gate.Owner{User: name}
}

// panel lists the people of a go/no-go panel.
func panel(e *entry) []gate.Owner {
	var owners []gate.Owner
	for _, v := range e.values {
		text := v.String()
		if found := mentions(text); len(found) > 0 {
			for _, m := range found {
				if !nobody[lower(m)] && !standIns[lower(m)] {
					owners = append(owners, account(m))
				}
			}
			continue
		}
		for _, name := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",;&/", r) }) {
			if p := parseOwner(name); p.code == "" {
				owners = append(owners, p.owner)
			}
		}
	}
	return owners
}
