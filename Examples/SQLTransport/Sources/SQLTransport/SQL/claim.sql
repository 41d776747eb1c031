-- Kombu's order: rows that were never claimed, or were given back, have no timestamp and come first.
INSERT OR REPLACE INTO celeriac_claim (message_id, queue_id, payload, worker, renewed)
    SELECT m.id, m.queue_id, m.payload, :worker, unixepoch() FROM kombu_message m
    JOIN kombu_queue q ON q.id = m.queue_id WHERE q.name = :queue AND m.visible != 0
    ORDER BY m.timestamp, m.id LIMIT :limit RETURNING id, payload
