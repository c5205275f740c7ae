package sandbox

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	pathpkg "path"
	"slices"
	"strings"
)

// GitHub's limits on the contents API: past the first a file comes without its
// content, past the second not at all.
// https://docs.github.com/en/rest/repos/contents#get-repository-content
const (
	maxInlineBytes  = 1 << 20
	maxContentBytes = 100 << 20
)

func (g *GitHub) contentRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/contents/{path...}", "contents:read", getContents),
		newRoute("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", "contents:read", getBlob),
		newRoute("GET", "/repos/{owner}/{repo}/git/trees/{sha...}", "contents:read", getTree),
	}
}

func getContents(c *call) answer {
	ref := c.query("ref")
	if ref == "" {
		ref = c.repo.defaultBranch
	}
	sha := c.repo.resolve(ref)
	if sha == "" {
		return refuse(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	path := strings.Trim(c.vars["path"], "/")
	all := c.repo.objects.at(sha).files
	e, isFile := all[path]
	if !isFile {
		return c.directory(all, path, ref)
	}
	if e.mode == "120000" { // one that leads to a file of the repository is read as that file
		target := all[pathpkg.Join(pathpkg.Dir(path), string(c.repo.objects.blobs[e.sha]))]
		if target.mode == "100644" || target.mode == "100755" {
			e = target
		}
	}
	content := c.repo.objects.blobs[e.sha]
	if len(content) > maxContentBytes {
		return answer{status: http.StatusForbidden, body: object{
			"message": "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API.",
			"errors":  []object{{"resource": "Blob", "field": "data", "code": "too_large"}}, "documentation_url": documentation,
			"status": "403",
		}}
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		a := answer{status: http.StatusOK, raw: slices.Concat([]byte{}, content), header: http.Header{}}
		a.header.Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		return a
	}
	o := c.repo.fileJSON(path, e.sha, ref)
	o["type"], o["encoding"], o["content"] = "file", "base64", wrapped(content)
	if len(content) > maxInlineBytes {
		o["encoding"], o["content"] = "none", ""
	}
	if e.mode == "120000" {
		o["type"], o["target"] = "symlink", string(content)
	}
	return ok(o)
}

// wrapped is base64 with the line breaks that GitHub puts into it.
func wrapped(content []byte) string {
	text := base64.StdEncoding.EncodeToString(content)
	var b strings.Builder
	for len(text) > 60 {
		b.WriteString(text[:60] + "\n")
		text = text[60:]
	}
	b.WriteString(text + "\n")
	return b.String()
}

func (r *Repo) fileJSON(path, sha, ref string) object {
	escaped := (&url.URL{Path: path}).EscapedPath()
	self := r.api("/contents/%s?ref=%s", escaped, url.QueryEscape(ref))
	html, git := web("%s/blob/%s/%s", r.fullName(), ref, escaped), r.api("/git/blobs/%s", sha)
	return object{
		"name": path[strings.LastIndex(path, "/")+1:], "path": path, "sha": sha, "size": len(r.objects.blobs[sha]),
		"url": self, "html_url": html, "git_url": git, "download_url": web("%s/raw/%s/%s", r.fullName(), ref, escaped),
		"_links": object{"self": self, "git": git, "html": html},
	}
}

// directory answers what lies directly in a directory.
func (c *call) directory(all files, dir, ref string) answer {
	prefix := dir + "/"
	if dir == "" || dir == "." {
		prefix = ""
	}
	found := map[string]object{}
	for path, e := range all {
		rest, inside := strings.CutPrefix(path, prefix)
		if !inside {
			continue
		}
		name, _, nested := strings.Cut(rest, "/")
		o := c.repo.fileJSON(prefix+name, e.sha, ref)
		o["type"] = "file"
		if nested {
			o["type"], o["size"], o["download_url"] = "dir", 0, nil
		}
		found[name] = o
	}
	if len(found) == 0 {
		return notFound()
	}
	list := []object{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[name])
	}
	return ok(list)
}

func getBlob(c *call) answer {
	content, exists := c.repo.objects.blobs[c.vars["sha"]]
	if !exists {
		return notFound()
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		a := answer{status: http.StatusOK, raw: slices.Concat([]byte{}, content), header: http.Header{}}
		a.header.Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		return a
	}
	sha := c.vars["sha"]
	return ok(object{
		"sha": sha, "node_id": nodeID("Blob", c.repo.id) + sha[:8], "size": len(content), "encoding": "base64",
		"url": c.repo.api("/git/blobs/%s", sha), "content": wrapped(content),
	})
}

// getTree answers a tree by its own SHA, a commit's or a ref.
func getTree(c *call) answer {
	sha := c.vars["sha"]
	if commit := c.repo.resolve(sha); commit != "" {
		sha = c.repo.objects.at(commit).tree
	}
	if _, exists := c.repo.objects.trees[sha]; !exists {
		return notFound()
	}
	return ok(object{
		"sha": sha, "url": c.repo.api("/git/trees/%s", sha), "truncated": false,
		"tree": c.repo.treeJSON(sha, "", c.query("recursive") != ""),
	})
}

func (r *Repo) treeJSON(sha, prefix string, deep bool) []object {
	list := []object{}
	for _, e := range r.objects.trees[sha] {
		o := object{"path": prefix + e.name, "mode": e.mode, "sha": e.sha}
		if e.mode == "160000" {
			o["type"] = "commit" // of another repository: there is nothing to read here
		} else if e.mode == "040000" {
			o["type"], o["url"] = "tree", r.api("/git/trees/%s", e.sha)
		} else {
			o["type"], o["url"], o["size"] = "blob", r.api("/git/blobs/%s", e.sha), len(r.objects.blobs[e.sha])
		}
		list = append(list, o)
		if deep && e.mode == "040000" {
			list = append(list, r.treeJSON(e.sha, prefix+e.name+"/", true)...)
		}
	}
	return list
}
