INSERT OR IGNORE INTO kombu_queue (name) VALUES (:queue);
INSERT INTO kombu_message (visible, payload, version, queue_id)
    SELECT 1, :payload, 1, id FROM kombu_queue WHERE name = :queue;
