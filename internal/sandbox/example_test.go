package sandbox_test

import (
	"fmt"

	"gonogo/internal/sandbox"
)

// A story: Kim opens a pull request, Dana is stopped by a required check, and
// the App's verdict, which would come over HTTP, is told by another App here.
func Example() {
	gh, err := sandbox.New(sandbox.Config{Key: testKey()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gh.Close()
	shop := gh.Org("acme").Repo("shop")
	shop.Grant("kim", "write")
	shop.Grant("dana", "maintain")
	shop.Require("main", sandbox.Required{Name: "build"})

	pr := shop.Open("kim", sandbox.Change{
		Title: "Faster checkout", Files: map[string]string{"checkout.go": "package checkout\n"}, Body: "No record yet.",
	})
	pr.Comment("dana", "/go "+pr.Head()[:7])
	fmt.Println("merge:", pr.Merge("dana", "squash"))

	build := pr.Check("build", "")
	fmt.Println("merge:", pr.Merge("dana", "squash"))
	build.Complete("success")
	fmt.Println("merge:", pr.Merge("dana", "squash"))
	_, merged := pr.Merged()
	fmt.Println("merged:", merged)
	// Output:
	// merge: Required status check "build" is expected.
	// merge: Required status check "build" is in_progress.
	// merge: <nil>
	// merged: true
}
