package webhook

import (
	"errors"
	"time"
)

// Memory is what all bodies share.
const Memory = memory

// Signer returns the index of the secret that body was signed with, or -1.
func Signer(d *Door, body, signature []byte) int { return d.signer(body, signature) }

// Waiting returns how many deliveries wait to be stored.
func Waiting(d *Door) int { return len(d.storing.queue) }

// Room returns how many bytes bodies may still take.
func Room(d *Door) int { return int(d.room.Load()) }

// SetTimeouts changes how long a request may wait for its turn and how long
// reading its body may take.
func SetTimeouts(d *Door, turn, read time.Duration) { d.turnTimeout, d.readTimeout = turn, read }

// Scan reads a payload and forgets it.
func Scan(data []byte) error { return scan(data, shape, &payload{top: make(map[string]bool)}) }

// IsSyntax reports whether err means that a text is no JSON.
func IsSyntax(err error) bool { return errors.Is(err, errSyntax) }
