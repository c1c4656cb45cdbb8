package api

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"parley/dialogue"
	"parley/store"
)

// page reads the page of a list sorted by time that the request asks for, by its
// cursor and limit, and the cursor of the page after it: nil at the end. One item
// more than the page holds is asked for, to know whether there are more.
func page[T any](c *gin.Context, list func(after *store.Place, limit int) ([]T, error), place func(T) store.Place) (items []T, next *string, err error) {
	after, err := cursorPlace(c)
	if err != nil {
		return nil, nil, err
	}
	limit, err := pageSize(c)
	if err != nil {
		return nil, nil, err
	}
	items, err = list(after, limit+1)
	if err != nil {
		return nil, nil, err
	}
	if len(items) > limit {
		items = items[:limit]
		next = placeCursor(place(items[limit-1]))
	}
	return items, next, nil
}

// cursorPlace reads the cursor of a list sorted by time; nil when there is none.
func cursorPlace(c *gin.Context) (*store.Place, error) {
	cursor := c.Query("cursor")
	if cursor == "" {
		return nil, nil
	}
	var place store.Place
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &place)
	}
	if err != nil {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "the cursor is not one that this list gave out: begin without it")
	}
	return &place, nil
}

func placeCursor(place store.Place) *string {
	raw, _ := json.Marshal(place) // a time and an id always encode
	cursor := base64.RawURLEncoding.EncodeToString(raw)
	return &cursor
}

func pageSize(c *gin.Context) (int, error) {
	value := c.Query("limit")
	if value == "" {
		return pageDefault, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > pageMax {
		return 0, dialogue.Errorf(dialogue.CodeInvalid, "limit is a number from 1 to %d", pageMax)
	}
	return n, nil
}

// queryTime reads a time of the query; nil when it is not given.
func queryTime(c *gin.Context, name string) (*time.Time, error) {
	value := c.Query(name)
	if value == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return nil, dialogue.Errorf(dialogue.CodeInvalid, "%s is a time like 2026-11-23T00:00:00Z, not %q", name, value)
	}
	return &t, nil
}
