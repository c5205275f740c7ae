// Package project holds the tests of what ships besides the code: that packages
// import only what the house's rule allows, that the README and the documents
// say what is so, and that the App's manifest, the image, the workflows and the
// example of a configuration fit the program. It has no code of its own.
package project
