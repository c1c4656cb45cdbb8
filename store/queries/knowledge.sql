-- name: SaveKnowledgeSource :one
INSERT INTO knowledge_sources (id, name) VALUES (@id, @name)
ON CONFLICT (name) DO UPDATE SET updated_at = now()
RETURNING id;

-- name: LockKnowledge :exec
SELECT items FROM knowledge_totals FOR UPDATE;

-- name: ListKnowledgeItems :many
SELECT id, key, group_key, language, title, question, text, terms::text AS terms, question_words, text_words
FROM knowledge_items WHERE source_id = @source_id;

-- name: SaveKnowledgeItems :exec
INSERT INTO knowledge_items (id, source_id, key, group_key, language, title, question, text, terms, question_words, text_words)
SELECT unnest(@ids::uuid[]), @source_id, unnest(@keys::text[]), unnest(@groups::text[]), unnest(@languages::text[]), unnest(@titles::text[]),
       unnest(@questions::text[]), unnest(@texts::text[]), unnest(@terms::text[])::tsvector, unnest(@question_words::int[]), unnest(@text_words::int[])
ON CONFLICT (source_id, key) DO UPDATE SET
    group_key = excluded.group_key, language = excluded.language, title = excluded.title, question = excluded.question, text = excluded.text,
    terms = excluded.terms, question_words = excluded.question_words, text_words = excluded.text_words, updated_at = now();

-- name: DeleteKnowledgeItems :exec
DELETE FROM knowledge_items WHERE id = ANY(@ids::uuid[]);

-- name: ChangeKnowledgeTerms :exec
INSERT INTO knowledge_terms AS t (term, items, initial, size)
SELECT c.term, c.change, left(c.term, 1), char_length(c.term)
FROM (SELECT unnest(@terms::text[]) AS term, unnest(@changes::int[]) AS change) c
ON CONFLICT (term) DO UPDATE SET items = t.items + excluded.items;

-- name: DeleteUnusedKnowledgeTerms :exec
DELETE FROM knowledge_terms WHERE items <= 0 AND term = ANY(@terms::text[]);

-- name: ChangeKnowledgeTotals :exec
UPDATE knowledge_totals SET items = items + @items, question_words = question_words + @question_words, text_words = text_words + @text_words;

-- name: CountKnowledge :many
-- The first row, without a term, is the totals.
SELECT ''::text AS term, items, question_words, text_words FROM knowledge_totals
UNION ALL
SELECT term, items, 0, 0 FROM knowledge_terms WHERE term = ANY(@terms::text[]);

-- name: ListSimilarKnowledgeTerms :many
SELECT term, items FROM knowledge_terms
WHERE initial = @initial::text AND size BETWEEN @smallest::int AND @largest::int
LIMIT 5000;

-- name: FindKnowledge :many
SELECT id, source_id, group_key, language, terms::text AS terms, question_words, text_words
FROM (
    SELECT i.*, q.query
    FROM (SELECT CAST(@query::text AS tsquery) AS query) q
    JOIN knowledge_items i ON i.terms @@ q.query
    WHERE i.enabled
    LIMIT @max_ranked
) found
ORDER BY ts_rank('{0.3, 0.4, 0.6, 1}', terms, query, 1) DESC, id
LIMIT @max_items;

-- name: LoadKnowledge :many
SELECT i.id, i.source_id, s.name AS source, i.group_key, i.language, i.title, i.question, i.text
FROM knowledge_items i JOIN knowledge_sources s ON s.id = i.source_id
WHERE i.enabled AND (i.source_id, i.group_key) IN (SELECT unnest(@source_ids::uuid[]), unnest(@group_keys::text[]));
