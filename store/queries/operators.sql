-- name: GetOperatorByEmail :one
SELECT * FROM operators WHERE lower(email) = lower($1);

-- name: GetOperator :one
SELECT * FROM operators WHERE id = $1;

-- name: ListOperators :many
SELECT * FROM operators WHERE disabled_at IS NULL ORDER BY name, id;

-- name: CountAdmins :one
SELECT count(*) FROM operators WHERE role = 'admin' AND disabled_at IS NULL;

-- name: InsertOperator :one
INSERT INTO operators (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING *;

-- name: SetPassword :exec
UPDATE operators SET password_hash = $2 WHERE id = $1;

-- name: InsertOperatorSession :exec
INSERT INTO operator_sessions (token_hash, operator_id, expires_at) VALUES ($1, $2, $3);

-- name: GetOperatorBySession :one
SELECT o.* FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
WHERE s.token_hash = $1 AND s.expires_at > now() AND o.disabled_at IS NULL;

-- name: DeleteOperatorSession :exec
DELETE FROM operator_sessions WHERE token_hash = $1;

-- name: DeleteOperatorSessions :exec
DELETE FROM operator_sessions WHERE operator_id = $1;

-- name: DeleteExpiredSessions :exec
DELETE FROM operator_sessions WHERE expires_at < now();

-- name: InsertAPIToken :exec
INSERT INTO api_tokens (id, token_hash, operator_id, name) VALUES ($1, $2, $3, $4);

-- name: GetOperatorByAPIToken :one
SELECT o.* FROM api_tokens t JOIN operators o ON o.id = t.operator_id WHERE t.token_hash = $1 AND o.disabled_at IS NULL;
