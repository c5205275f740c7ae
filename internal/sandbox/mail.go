package sandbox

import "slices"

// mail is what becomes of one repository's deliveries.
type mail struct {
	lost, held bool
	queue      []*Delivery
}

// LoseWebhooks makes GitHub lose the deliveries about this repository.
func (r *Repo) LoseWebhooks(lose bool) {
	defer r.gh.act()()
	r.mail.lost = lose
}

// HoldWebhooks keeps the deliveries about this repository back until
// ReleaseWebhooks.
func (r *Repo) HoldWebhooks() {
	defer r.gh.act()()
	r.mail.held = true
}

// ReleaseWebhooks sends what was held, as rearrange orders, doubles or thins it
// out; nil leaves it as it was.
func (r *Repo) ReleaseWebhooks(rearrange func([]Delivery) []Delivery) {
	defer r.gh.act()()
	var list []Delivery
	for _, d := range r.mail.queue {
		list = append(list, *d)
	}
	if rearrange != nil {
		list = rearrange(list)
	}
	r.mail.held, r.mail.queue = false, nil
	for _, d := range list {
		r.gh.hook.queue = append(r.gh.hook.queue, &d)
	}
	r.gh.ring()
}

// Fail injects a fault into requests about this repository.
func (r *Repo) Fail(f Fault) {
	f.in = r
	r.gh.Fail(f)
}

// Mend ends the faults that were injected into requests about this repository.
func (r *Repo) Mend() {
	defer r.gh.act()()
	t := &r.gh.traffic
	t.faults = slices.DeleteFunc(t.faults, func(f *Fault) bool { return f.in == r })
}

// divert keeps a delivery from the queue, and reports whether it did.
func (r *Repo) divert(d *Delivery) bool {
	if r.mail.held && !r.mail.lost {
		r.mail.queue = append(r.mail.queue, d)
	}
	return r.mail.held || r.mail.lost
}
