package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Drop leaves a file for each agent whose capabilities a release changes: in the
// agent's own directory, which is named like the role. A file appears as a whole
// or not at all, and is the same one however often it is written.
type Drop struct{ dir string }

// NewDrop returns a carrier into a directory, which must exist.
func NewDrop(dir string) (*Drop, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory", dir)
	}
	return &Drop{dir}, nil
}

// Name is "drop".
func (d *Drop) Name() string { return "drop" }

// folder matches the roles that can name a directory.
var folder = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$`)

// Targets are the roles of a notice of changed capabilities.
func (d *Drop) Targets(n Notice) []string {
	if n.Kind != KindCapabilities {
		return nil
	}
	return n.Roles
}

// Carry writes a letter's file.
func (d *Drop) Carry(_ context.Context, l Letter) error {
	if !folder.MatchString(l.Target) {
		return fmt.Errorf("%q cannot name a directory; name the role with letters, digits, dots, dashes and underscores", l.Target)
	}
	body, err := message(l)
	if err != nil {
		return err
	}
	dir := filepath.Join(d.dir, l.Target)
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- agents read it
		return err
	}
	sum := sha256.Sum256([]byte(l.Key))
	name := l.Notice.At.UTC().Format("20060102T150405Z") + "-" + string(l.Notice.Kind) + "-" + hex.EncodeToString(sum[:8]) + ".json"
	return appear(dir, name, append(body, '\n'))
}

// appear writes a file that is there as a whole or not at all.
func appear(dir, name string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, ".drop-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644) // agents read it
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}
