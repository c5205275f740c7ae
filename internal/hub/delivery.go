package hub

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

var (
	actDeliveries = act{"list deliveries", "the list of webhook deliveries", ""}
	actRedeliver  = act{"redeliver", "the webhook delivery", ""}
	actHook       = act{"read webhook", "the webhook's settings", ""}
)

// Delivery is one attempt of GitHub to deliver a webhook.
type Delivery struct {
	ID           int64 // of the attempt
	GUID         string
	At           time.Time
	Redelivery   bool
	Status       int // our answer; 0 when there was none
	Event        string
	Action       string
	Installation int64 // 0 when the event belongs to none
	Repository   int64 // 0 when the event belongs to none
}

// OK reports whether the delivery was accepted.
func (d Delivery) OK() bool { return d.Status >= 200 && d.Status < 300 }

type wireDelivery struct {
	ID           *int64     `json:"id"`
	GUID         *string    `json:"guid"`
	At           *time.Time `json:"delivered_at"`
	Redelivery   *bool      `json:"redelivery"`
	Status       *int       `json:"status_code"`
	Event        *string    `json:"event"`
	Action       *string    `json:"action"`
	Installation *int64     `json:"installation_id"`
	Repository   *int64     `json:"repository_id"`
}

func convertDelivery(w *wants, d *wireDelivery) Delivery {
	delivery := Delivery{
		ID: wantSome(w, "id", d.ID), GUID: wantSome(w, "guid", d.GUID), At: wantSome(w, "delivered_at", d.At),
		Redelivery: want(w, "redelivery", d.Redelivery), Status: want(w, "status_code", d.Status),
		Event: wantSome(w, "event", d.Event), Action: deref(d.Action),
	}
	if d.Installation != nil {
		delivery.Installation = *d.Installation
	}
	if d.Repository != nil {
		delivery.Repository = *d.Repository
	}
	return delivery
}

// Deliveries lists the deliveries of the App's webhook since a time, the latest
// first. GitHub keeps them for 3 days.
func (h *Hub) Deliveries(ctx context.Context, since time.Time) ([]Delivery, error) {
	k := call{act: actDeliveries, path: "app/hook/deliveries"}
	var deliveries []Delivery
	more := map[string][]string{}
	for range maxPages {
		p, links, err := readPage(ctx, h.app, k, bare[wireDelivery], more)
		if err != nil {
			return nil, err
		}
		found, err := each(k, p.items, convertDelivery)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if d.At.Before(since) {
				return deliveries, nil
			}
			deliveries = append(deliveries, d)
		}
		if more = links.query("next"); more == nil {
			return deliveries, nil
		}
	}
	return nil, k.fail(&Error{Kind: KindTruncated, Message: "too many deliveries"})
}

// Redeliver has GitHub deliver once more; the GUID stays.
func (h *Hub) Redeliver(ctx context.Context, id int64) error {
	of := strconv.FormatInt(id, 10)
	k := call{act: actRedeliver, of: of, path: "app/hook/deliveries/" + of + "/attempts"}.send(http.MethodPost, nil)
	_, err := h.app.do(ctx, k)
	return err
}

// HookURL returns where GitHub delivers the App's webhooks.
func (h *Hub) HookURL(ctx context.Context) (string, error) {
	k := call{act: actHook, path: "app/hook/config"}
	var wire struct {
		URL *string `json:"url"`
	}
	if err := h.app.read(ctx, k, &wire); err != nil {
		return "", err
	}
	return deref(wire.URL), nil
}
