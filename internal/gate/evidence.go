package gate

import (
	"strconv"
	"strings"
	"time"
)

// Reading is what was read of some evidence, or why it could not be read. Its
// zero value was never read: Known is false.
type Reading[T any] struct {
	Value T
	Known bool
	// Why says what could not be read, when Known is false.
	Why Unreadable
	At  time.Time
}

// Read returns a reading of value at the given time.
func Read[T any](value T, at time.Time) Reading[T] {
	return Reading[T]{Value: value, Known: true, At: at}
}

// Unread returns a reading that failed.
func Unread[T any](why Unreadable, at time.Time) Reading[T] {
	return Reading[T]{Why: why, At: at}
}

// Unreadable says why evidence could not be read. Fact is one sentence that is
// fit for a check run: no secrets, no raw error strings.
type Unreadable struct {
	Cause Cause
	Fact  string
}

// Cause tells apart the ways in which reading fails.
type Cause string

// The causes. Only CauseFault may go away by itself.
const (
	CauseFault      Cause = "fault"      // time-outs, 5xx, limits, half answers
	CausePermission Cause = "permission" // an administrator must grant something
	CauseDisabled   Cause = "disabled"   // the feature is not switched on
	CauseMissing    Cause = "missing"    // gone, renamed or not visible
	CauseTruncated  Cause = "truncated"  // GitHub's list stops before its end
)

// User is an account, identified by ID; a login can change hands.
type User struct {
	ID    int64
	Login string
	Bot   bool
}

// Is reports whether u and v are the same known account.
func (u User) Is(v User) bool { return u.ID != 0 && u.ID == v.ID }

// Repository is a repository as GitHub knows it now; ID is what state is
// keyed by.
type Repository struct {
	ID            int64
	Owner, Name   string
	OwnerIsUser   bool
	DefaultBranch string
	Private       bool
}

// FullName returns "owner/name".
func (r Repository) FullName() string { return r.Owner + "/" + r.Name }

// PullRequest is a pull request as read from the API.
type PullRequest struct {
	Repo       Repository
	Number     int
	Title      string
	Body       string
	URL        string // for people
	Author     User
	Open       bool
	Draft      bool
	Merged     bool
	MergedAt   time.Time
	MergeSHA   string
	MergedBy   User // who merged it; zero in lists
	HeadSHA    string
	HeadRef    string
	HeadRepoID int64  // 0 when the head repository is gone
	HeadRepo   string // owner/name of it, "" when it is gone
	BaseRef    string
	BaseSHA    string
	Labels     []string
	CreatedAt  time.Time // zero where it was not told
	UpdatedAt  time.Time

	// RecordBy is who wrote the record in a comment, for a bot's pull request.
	// It counts as an author.
	RecordBy User

	// Pushers are who pushed to it, as events told; merges that GitHub made left
	// out. They count as authors.
	Pushers []User
	// PushersUnread says why it is not known who brought the head; without a fact
	// it is.
	PushersUnread Unreadable

	// What GitHub counts, to compare lists with.
	ChangedFiles, Commits, Additions, Deletions int
}

// File is one changed file of a pull request.
type File struct {
	Path       string
	Previous   string // the path before a rename, else ""
	Status     string // added, removed, modified, renamed, copied, changed, unchanged
	Patch      string // unified hunks; see HasPatch
	HasPatch   bool   // GitHub leaves the patch out of large and binary files
	Additions  int
	Deletions  int
	ContentSHA string // of the blob
	HeadSHA    string // the head for which it was listed, where GitHub says
	Kind       FileKind
}

// FileKind is what the head has at a changed path, where that is known to be no
// ordinary file.
type FileKind string

// The kinds of files.
const (
	FileOrdinary  FileKind = ""
	FileLink      FileKind = "link"      // a symbolic link
	FileSubmodule FileKind = "submodule" // a commit of another repository
	FilePointer   FileKind = "pointer"   // stands for content in Git LFS
	FileUntold    FileKind = "untold"    // a link perhaps: the tree cannot be read
)

// Commit is one commit of a pull request.
type Commit struct {
	SHA       string
	Parents   int
	Author    *User // nil when its e-mail belongs to no account
	Committer *User
	// The addresses and CoAuthors are as the commit says; anyone can write them.
	AuthorEmail    string
	CommitterEmail string
	CoAuthors      []CoAuthor
	Message        string
	// Verified means that GitHub has verified the commit's signature. Of the
	// commits that it makes itself it always has.
	Verified bool
	// Tree identifies all files of the commit, their paths and modes.
	Tree string
	// ParentSHAs are the parents, in the order of the commit.
	ParentSHAs []string
	// Mechanical means that every path of this merge is known to be exactly what
	// one of its two parents has, where only that one changed it: nobody wrote
	// anything in it. It is only found out of merges that GitHub made.
	Mechanical bool
	// Landed is the pull request through which the commit came before, when that
	// was READY and merged by the rules in force here; 0: none is known.
	Landed int
	// Suggested means that this commit of GitHub's is known to hold nothing but
	// what all its co-authors had suggested in reviews.
	Suggested bool
	// CommittedAt is as the commit says; of commits that GitHub made it is true.
	CommittedAt time.Time
}

// CoAuthor is a Co-authored-by trailer.
type CoAuthor struct{ Name, Email string }

// ReviewState is the state of a review.
type ReviewState string

// The states of a review.
const (
	Approved         ReviewState = "APPROVED"
	ChangesRequested ReviewState = "CHANGES_REQUESTED"
	Commented        ReviewState = "COMMENTED"
	Dismissed        ReviewState = "DISMISSED"
)

// ReviewOf is one review of a pull request. (The gate has the name Review.)
type ReviewOf struct {
	ID        int64
	User      User
	State     ReviewState
	CommitSHA string
	Body      string
	At        time.Time
}

// ReviewComment is a comment on lines of a pull request's changes.
type ReviewComment struct {
	User      User
	Path      string
	Lines     int // on how many lines it was made
	Body      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Check is one check run or commit status on a commit.
type Check struct {
	ID     int64
	Name   string
	App    int64  // the App's id; 0 for a commit status
	AppTag string // the App's slug, "" for a commit status
	Suite  int64  // the check suite's id; 0 for a commit status
	Status bool   // a commit status, which anyone with push access can write
	// State is one of: queued, in_progress, success, failure, neutral,
	// cancelled, skipped, timed_out, action_required, stale, startup_failure,
	// error.
	State     string
	URL       string
	StartedAt time.Time
}

// WorkflowRun is a run of a workflow of GitHub Actions, whose jobs report as the
// check runs of one suite.
type WorkflowRun struct {
	Suite int64
	Path  string // of the workflow's file
	Event string // that started it: pull_request, push
}

// RequiredCheck is a check that the base branch's own rules require.
type RequiredCheck struct {
	Name string
	App  int64 // 0: any
}

// Permission is what an account may do in a repository, in rising order.
type Permission int

// The permissions. A custom role counts as the standard role that it includes.
const (
	PermissionNone Permission = iota
	PermissionRead
	PermissionTriage
	PermissionWrite
	PermissionMaintain
	PermissionAdmin
)

// String returns GitHub's word for the role.
func (p Permission) String() string {
	return [...]string{"none", "read", "triage", "write", "maintain", "admin"}[p]
}

// ParsePermission returns the permission that GitHub's role name means, and
// whether it is a standard one.
func ParsePermission(role string) (Permission, bool) {
	switch role {
	case "push":
		return PermissionWrite, true
	case "pull":
		return PermissionRead, true
	}
	for p := PermissionNone; p <= PermissionAdmin; p++ {
		if p.String() == role {
			return p, true
		}
	}
	return PermissionNone, false
}

// Collaborator is a person with access to a repository.
type Collaborator struct {
	User       User
	Permission Permission
}

// Issue is an open issue.
type Issue struct {
	Number   int
	Title    string
	Body     string
	Author   User // without an ID when the account is gone
	OpenedAt time.Time
	Labels   []string
	URL      string
}

// Labelling is how an issue got a label.
type Labelling struct {
	By User // without an ID where the issue's history does not tell
	At time.Time
}

// TrackerRef names an item of a tracker: an issue of a repository, or an item of
// Monday.com.
type TrackerRef struct {
	Repo   string // owner/name
	Number int
	Item   int64 // of Monday.com; 0: it is an issue
}

// String returns the reference as people write it: "owner/name#12", or the
// item's id.
func (r TrackerRef) String() string {
	if r.Item != 0 {
		return strconv.FormatInt(r.Item, 10)
	}
	return r.Repo + "#" + strconv.Itoa(r.Number)
}

// TrackerItem is what a tracker says of an item.
type TrackerItem struct {
	Title string
	URL   string
	Open  bool
	// Completed means that it was closed as done, not as "not planned"; at
	// Monday.com, that its status is one that the policy calls done.
	Completed bool
	// Noted means that a person commented when it was closed; at Monday.com, that
	// it has a completion note.
	Noted bool
	// Board and Status are those of an item of Monday.com.
	Board  int64
	Status string
	// Other means that the reference leads to something that is no item, such as
	// a pull request.
	Other bool
}

// Behind is how far a head lies behind its base branch.
type Behind struct {
	Commits int // that the base has and the head has not
	// Files are those that the base changed since the two parted, as far as GitHub
	// lists them; FilesCut tells that there may be more.
	Files    []File
	FilesCut bool
}

// Branch is a branch that should be gone: its pull request was merged.
type Branch struct {
	Name     string
	PR       int
	Owner    string // login of the pull request's author, "" when the account is gone
	MergedAt time.Time
	// Stacked branches were merged into this pull request's own head.
	Stacked bool
}

// Leak is a credential found in an added line. It holds no more of the secret
// than its first four characters.
type Leak struct {
	Rule  string
	Path  string
	Line  int // in the new file
	Start string
	// Fingerprint identifies rule, file and the text of the lines, wherever in
	// the file they stand. Nothing of the secret can be got back from it.
	Fingerprint string
}

// LeakScan is the outcome of searching a diff for credentials. Skipped names
// files that could not be searched.
type LeakScan struct {
	Leaks   []Leak
	Skipped []string
}

// Alert is an open secret-scanning alert.
type Alert struct {
	Number    int
	Rule      string
	URL       string
	CreatedAt time.Time
	Commits   []string // in which the secret lies
	// Unplaced says why it is not known where the secret lies, when it is not.
	Unplaced *Unreadable
}

// Comment is a comment of a pull request's conversation.
type Comment struct {
	ID        int64
	User      User
	Body      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Release is a published or draft release.
type Release struct {
	ID          int64
	Tag         string
	Target      string // the branch or commit that the tag will be made from
	URL         string
	Draft       bool
	Prerelease  bool
	CreatedAt   time.Time
	PublishedAt time.Time
}

// Short returns the first seven digits of a SHA, as people write it.
func Short(sha string) string {
	if len(sha) < 7 {
		return sha
	}
	return strings.ToLower(sha[:7])
}
