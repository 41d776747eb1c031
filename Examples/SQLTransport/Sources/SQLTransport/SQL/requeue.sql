-- The last statement's count is the answer.
INSERT INTO kombu_message (visible, payload, version, queue_id)
    SELECT 1, payload, 1, queue_id FROM celeriac_parked
    WHERE queue_id = (SELECT id FROM kombu_queue WHERE name = :queue) AND id IN (SELECT value FROM json_each(:ids))
    ORDER BY id;
DELETE FROM celeriac_parked
    WHERE queue_id = (SELECT id FROM kombu_queue WHERE name = :queue) AND id IN (SELECT value FROM json_each(:ids));
