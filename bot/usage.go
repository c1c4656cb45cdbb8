package bot

import (
	"time"

	"github.com/google/uuid"
)

// Usage is what a model's answer took.
type Usage struct {
	Calls            int // of the model
	PromptTokens     int // of all calls together
	CompletionTokens int
	Estimated        bool          // the server did not count, at least not all of them
	FirstWord        time.Duration // from the first call to the first word of the answer; 0: no word was written
	Model            time.Duration // all calls together
}

// Add counts another call.
func (u *Usage) Add(v Usage) {
	u.Calls += v.Calls
	u.PromptTokens += v.PromptTokens
	u.CompletionTokens += v.CompletionTokens
	u.Estimated = u.Estimated || v.Estimated
	u.Model += v.Model
}

// ToolCall is one use of a tool, for the turn's record.
type ToolCall struct {
	Round      int     `json:"round"` // of the model's calls, from 1
	Name       string  `json:"name"`
	Arguments  string  `json:"arguments"` // as the model wrote them, shortened
	DurationMS int64   `json:"duration_ms"`
	Found      []Found `json:"found,omitempty"`
	Error      string  `json:"error,omitempty"` // what the model was told instead of a result
}

// Found is a piece of knowledge that a search returned.
type Found struct {
	ItemID uuid.UUID `json:"item_id"`
	Title  string    `json:"title"`
}
