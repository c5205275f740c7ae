// Package config embeds the files that ship with Gonogo.
package config

import _ "embed"

// Policy is the built-in policy, in force where a repository has none of its
// own.
//
//go:embed policy.yml
var Policy []byte

// Server is the example of a server configuration, with every key and its
// default.
//
//go:embed server.example.yml
var Server []byte
