package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	pageSize = 100
	// maxPages is above every list that GitHub gives whole.
	maxPages = 100
)

// page is one page of a list. Total is what GitHub says of the whole list, -1
// when it says nothing.
type page[T any] struct {
	items []T
	total int
}

type decoder[T any] func(body []byte) (page[T], error)

// bare decodes a list that is the whole answer.
func bare[T any](body []byte) (page[T], error) {
	var items []T
	if err := json.Unmarshal(body, &items); err != nil {
		return page[T]{}, err
	}
	if items == nil {
		return page[T]{}, errors.New("the answer is null where a list was expected")
	}
	return page[T]{slices.Clip(items), -1}, nil
}

// field decodes a list that is a field of the answer, beside total_count.
func field[T any](name string) decoder[T] {
	return func(body []byte) (page[T], error) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			return page[T]{}, err
		}
		p, err := bare[T](fields[name])
		if err != nil {
			return page[T]{}, fmt.Errorf("field %s: %w", name, err)
		}
		if err := json.Unmarshal(fields["total_count"], &p.total); err != nil {
			return page[T]{}, fmt.Errorf("field total_count: %w", err)
		}
		return p, nil
	}
}

// readAll reads all pages. After the first they are read in parallel where GitHub
// names the last one; any page that fails fails the list.
func readAll[T any](ctx context.Context, c *client, k call, decode decoder[T]) ([]T, error) {
	first, links, err := readPage(ctx, c, k, decode, url.Values{})
	if err != nil {
		return nil, err
	}
	all, total := first.items, first.total
	if last := links.number("last"); last > 1 {
		if last > maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: fmt.Sprintf("%d pages", last)})
		}
		pages := make([]page[T], last+1)
		var tail linkHeader
		group, gctx := errgroup.WithContext(ctx)
		for n := 2; n <= last; n++ {
			group.Go(func() error {
				p, l, err := readPage(gctx, c, k, decode, url.Values{"page": {strconv.Itoa(n)}})
				if n == last {
					tail = l
				}
				pages[n] = p
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for _, p := range pages {
			all = append(all, p.items...)
			total = max(total, p.total)
		}
		links = tail // the list may have grown meanwhile
	}
	for n := 0; links.query("next") != nil; n++ {
		if n >= maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: "too many pages"})
		}
		var p page[T]
		if p, links, err = readPage(ctx, c, k, decode, links.query("next")); err != nil {
			return nil, err
		}
		all, total = append(all, p.items...), max(total, p.total)
	}
	if all, err = withoutLinks(ctx, c, k, decode, links, all); err != nil {
		return nil, err
	}
	if len(all) < total {
		return nil, k.fail(&Error{Kind: KindTruncated, Message: fmt.Sprintf("%d of %d listed", len(all), total)})
	}
	return all, nil
}

// withoutLinks reads on where a full page came without any Link header: what
// stands between us and GitHub may have dropped it, and a list that stops at a
// page's border must not be taken for whole.
func withoutLinks[T any](ctx context.Context, c *client, k call, decode decoder[T], links linkHeader, all []T) ([]T, error) {
	for n := 2; len(links) == 0 && len(all) == (n-1)*pageSize; n++ {
		if n > maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: "too many pages"})
		}
		p, more, err := readPage(ctx, c, k, decode, url.Values{"page": {strconv.Itoa(n)}})
		if err != nil {
			return nil, err
		}
		all, links = append(all, p.items...), more
	}
	return all, nil
}

// readPage reads one page; more adds to the call's query.
func readPage[T any](ctx context.Context, c *client, k call, decode decoder[T], more url.Values) (page[T], linkHeader, error) {
	query := url.Values{"per_page": {strconv.Itoa(pageSize)}}
	for name, values := range k.query {
		query[name] = values
	}
	for name, values := range more {
		query[name] = values
	}
	k.query = query
	got, err := c.do(ctx, k)
	if err != nil {
		return page[T]{}, nil, err
	}
	p, err := decodeOnce(c.forms, got, reflect.TypeFor[page[T]](), func(body []byte) (any, error) { return decode(body) })
	if err != nil {
		return page[T]{}, nil, k.fault(fmt.Errorf("decode page: %w", err))
	}
	return p.(page[T]), parseLinks(got.header.Values("Link")), nil
}

// linkHeader maps relations to addresses.
type linkHeader map[string]*url.URL

func parseLinks(headers []string) linkHeader {
	links := linkHeader{}
	for _, header := range headers {
		for _, part := range strings.Split(header, ",") {
			address, params, ok := strings.Cut(part, ";")
			address = strings.TrimSpace(address)
			if !ok || !strings.HasPrefix(address, "<") || !strings.HasSuffix(address, ">") {
				continue
			}
			u, err := url.Parse(address[1 : len(address)-1])
			if err != nil {
				continue
			}
			for _, param := range strings.Split(params, ";") {
				if rel, ok := strings.CutPrefix(strings.TrimSpace(param), "rel="); ok {
					links[strings.Trim(rel, `"`)] = u
				}
			}
		}
	}
	return links
}

// number returns the page to which a relation leads, 0 when it is not told.
func (l linkHeader) number(rel string) int {
	u, ok := l[rel]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(u.Query().Get("page"))
	if err != nil {
		return 0
	}
	return n
}

// query returns the part of a relation's address that leads to the page; host
// and path are never taken from an answer.
func (l linkHeader) query(rel string) url.Values {
	u, ok := l[rel]
	if !ok {
		return nil
	}
	query := url.Values{}
	for _, name := range []string{"page", "after", "before", "cursor", "since"} {
		if value := u.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return nil
	}
	return query
}
