package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

func (g *GitHub) deliveryRoutes() []route {
	return []route{
		newRoute("GET", "/app/hook/config", "app", func(c *call) answer {
			return ok(object{"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": c.g.hook.url})
		}),
		newRoute("GET", "/app/hook/deliveries", "app", listDeliveries),
		newRoute("GET", "/app/hook/deliveries/{id}", "app", func(c *call) answer {
			d := c.g.delivery(c.id("id"))
			if d == nil {
				return notFound()
			}
			return ok(c.g.deliveryInFull(d))
		}),
		newRoute("POST", "/app/hook/deliveries/{id}/attempts", "app", func(c *call) answer {
			if !c.g.redeliver(c.id("id")) {
				return notFound()
			}
			return answer{status: http.StatusAccepted, body: object{}}
		}),
	}
}

// listDeliveries answers the newest deliveries first, paged by a cursor.
func listDeliveries(c *call) answer {
	list := slices.DeleteFunc(newestFirst(c.g.hook.log), func(d *Delivery) bool {
		return c.g.now().Sub(d.At) > deliveriesKept || d.StatusCode == 0 || !wanted(c.query("status"), d)
	})
	page, header := cursorPage(c, "cursor", list, func(d *Delivery) int64 { return d.ID })
	return answer{status: http.StatusOK, body: each(page, (*Delivery).json), header: header}
}

func wanted(status string, d *Delivery) bool {
	switch status {
	case "success":
		return d.OK()
	case "failure":
		return !d.OK()
	default:
		return true
	}
}

func (d *Delivery) json() object {
	status := "OK"
	if !d.OK() {
		status = http.StatusText(d.StatusCode)
	}
	o := object{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.At), "redelivery": d.Redelivery,
		"duration": d.Duration.Seconds(), "status": status, "status_code": d.StatusCode, "event": d.Event,
		"action": orNil(d.Action), "installation_id": d.installation, "repository_id": nil, "throttled_at": nil,
	}
	if d.repository != 0 {
		o["repository_id"] = d.repository
	}
	return o
}

func (g *GitHub) deliveryInFull(d *Delivery) object {
	o := d.json()
	maps.Copy(o, object{
		"url": "", "request": object{
			"headers": g.deliveryHeaders(d, g.hook.secret), "payload": json.RawMessage(d.Payload),
		},
		"response": object{"headers": object{}, "payload": d.answer},
	})
	return o
}
