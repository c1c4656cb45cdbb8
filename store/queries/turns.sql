-- name: OpenReplyTurn :one
-- Begins the turn for what is unanswered now, or takes up the one that an earlier attempt began.
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq)
VALUES ($1, $2, 'reply', 'running', $3, $4, $5)
ON CONFLICT (dialogue_id, epoch, from_seq) WHERE kind = 'reply'
DO UPDATE SET
    to_seq = CASE turns.state WHEN 'running' THEN excluded.to_seq ELSE turns.to_seq END,
    restarts = turns.restarts + (turns.state = 'running' AND turns.to_seq < excluded.to_seq)::int
RETURNING *;

-- name: OpenSuggestionTurn :one
INSERT INTO turns (id, dialogue_id, kind, state, epoch, from_seq, to_seq, operator_id)
VALUES ($1, $2, 'suggestion', 'running', $3, $4, $5, $6) RETURNING *;

-- name: FinishTurn :exec
UPDATE turns SET state = $2, to_seq = $3, answer = $4, handoff_reason = $5, model = $6, prompt_version = $7,
    prompt_tokens = $8, completion_tokens = $9, sources = $10, request = $11, response = $12, finished_at = now()
WHERE id = $1;

-- name: EndTurn :exec
-- Ends a turn that led to nothing. One that was answered or handed over meanwhile, by another attempt, stays so.
UPDATE turns SET state = $2, cause = $3, error = $4, finished_at = now() WHERE id = $1 AND state IN ('running', 'drafted');

-- name: SupersedeReply :exec
-- Ends the reply turn that was open for a state that the dialogue has left; it can say nothing any more.
UPDATE turns SET state = 'superseded', finished_at = now()
WHERE dialogue_id = $1 AND epoch = $2 AND from_seq = $3 AND kind = 'reply' AND state IN ('running', 'drafted');

-- name: CountAttempt :exec
-- A model call failed; the turn goes on.
UPDATE turns SET attempts = attempts + 1, cause = $2, error = $3 WHERE id = $1;

-- name: GetTurn :one
SELECT * FROM turns WHERE id = $1;

-- name: SetTurnState :exec
UPDATE turns SET state = $2 WHERE id = $1;
