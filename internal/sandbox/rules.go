package sandbox

import (
	"maps"
	"slices"
)

// Required is a required check. App 0 means any App, commit statuses too.
type Required struct {
	Name string
	App  int64
}

// Protection is a branch's classic protection.
type Protection struct {
	Checks    []Required
	Strict    bool // the branch must be up to date
	Approvals int
}

// ruleset is a repository or organization ruleset on some branches.
type ruleset struct {
	id       int64
	branches []string // "~ALL", or names
	rules    []object
	checks   []Required
}

// Protect gives a branch classic protection.
func (r *Repo) Protect(branch string, p Protection) {
	defer r.gh.act()()
	r.protections[branch] = &p
}

// Unprotect takes a branch's classic protection away, and its rules.
func (r *Repo) Unprotect(branch string) {
	defer r.gh.act()()
	delete(r.protections, branch)
	r.rulesets = slices.DeleteFunc(r.rulesets, func(s ruleset) bool { return slices.Contains(s.branches, branch) })
}

// Require adds a ruleset that requires checks on a branch; "~ALL" is every
// branch.
func (r *Repo) Require(branch string, checks ...Required) {
	defer r.gh.act()()
	list := []object{}
	for _, c := range checks {
		o := object{"context": c.Name}
		if c.App != 0 {
			o["integration_id"] = c.App
		}
		list = append(list, o)
	}
	r.addRuleset(ruleset{branches: []string{branch}, checks: checks, rules: []object{{
		"type": "required_status_checks", "parameters": object{
			"required_status_checks": list, "strict_required_status_checks_policy": false,
			"do_not_enforce_on_create": false,
		},
	}}})
}

// Rule adds a ruleset of one rule, of a type that this package need not know,
// to a branch: merge_queue or copilot_code_review, say. Parameters may be nil.
func (r *Repo) Rule(branch, kind string, parameters map[string]any) {
	defer r.gh.act()()
	rule := object{"type": kind}
	if parameters != nil {
		rule["parameters"] = parameters
	}
	r.addRuleset(ruleset{branches: []string{branch}, rules: []object{rule}})
}

func (r *Repo) addRuleset(s ruleset) {
	s.id = r.gh.newID()
	r.rulesets = append(r.rulesets, s)
}

func (s ruleset) covers(branch string) bool {
	return slices.Contains(s.branches, "~ALL") || slices.Contains(s.branches, branch)
}

// required returns the checks that a branch requires, of both kinds of rules.
func (r *Repo) required(branch string) []Required {
	var list []Required
	if p := r.protections[branch]; p != nil {
		list = append(list, p.Checks...)
	}
	for _, s := range r.rulesets {
		if s.covers(branch) {
			list = append(list, s.checks...)
		}
	}
	return list
}

func (r *Repo) isProtected(branch string) bool {
	return r.protections[branch] != nil || slices.ContainsFunc(r.rulesets, func(s ruleset) bool { return s.covers(branch) })
}

// branchRules answers the rulesets' rules; classic protection is not among
// them.
func branchRules(c *call) answer {
	var list []object
	for _, s := range c.repo.rulesets {
		if !s.covers(c.vars["branch"]) {
			continue
		}
		for _, rule := range s.rules {
			o := maps.Clone(rule)
			o["ruleset_source_type"], o["ruleset_source"], o["ruleset_id"] = "Repository", c.repo.fullName(), s.id
			list = append(list, o)
		}
	}
	return listOf(c, list, func(o object) object { return o })
}

func (r *Repo) protectionJSON(branch string) object {
	p := r.protections[branch]
	if p == nil {
		return object{"enabled": false, "required_status_checks": object{
			"enforcement_level": "off", "contexts": []string{}, "checks": []object{},
		}}
	}
	contexts, checks := []string{}, []object{}
	for _, c := range p.Checks {
		contexts = append(contexts, c.Name)
		o := object{"context": c.Name, "app_id": nil}
		if c.App != 0 {
			o["app_id"] = c.App
		}
		checks = append(checks, o)
	}
	return object{"enabled": true, "required_status_checks": object{
		"enforcement_level": "non_admins", "contexts": contexts, "checks": checks, "strict": p.Strict,
	}}
}

func (g *GitHub) ruleRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/branches", "contents:read", listBranches),
		newRoute("GET", "/repos/{owner}/{repo}/rules/branches/{branch...}", "metadata:read", branchRules),
		newRoute("GET", "/repos/{owner}/{repo}/branches/{branch...}", "contents:read", oneBranch),
	}
}

func listBranches(c *call) answer {
	names := c.repo.refNames("heads/")
	if p := c.query("protected"); p != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return c.repo.isProtected(n) != (p == "true") })
	}
	return listOf(c, names, func(name string) object {
		sha := c.repo.branch(name)
		o := object{
			"name": name, "commit": object{"sha": sha, "url": c.repo.api("/commits/%s", sha)},
			"protected": c.repo.isProtected(name),
		}
		if c.repo.protections[name] != nil {
			o["protection"] = c.repo.protectionJSON(name)
			o["protection_url"] = c.repo.api("/branches/%s/protection", name)
		}
		return o
	})
}

func oneBranch(c *call) answer {
	name := c.vars["branch"]
	sha, exists := c.repo.refs["heads/"+name]
	if !exists {
		return refuse(404, "Branch not found")
	}
	return ok(object{
		"name": name, "commit": c.repo.commitJSON(c.repo.objects.at(sha)), "protected": c.repo.isProtected(name),
		"_links": object{
			"self": c.repo.api("/branches/%s", name), "html": web("%s/tree/%s", c.repo.fullName(), name),
		},
		"protection": c.repo.protectionJSON(name), "protection_url": c.repo.api("/branches/%s/protection", name),
	})
}
