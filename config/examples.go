package config

import "embed"

// Examples are policies to start from, each a complete file: examples/sop.yml
// and others.
//
//go:embed examples/*.yml
var Examples embed.FS
