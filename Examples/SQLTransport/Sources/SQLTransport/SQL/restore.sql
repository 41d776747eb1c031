-- Makes claimed rows visible again at their old places, marked as redelivered; remakes those that Python has purged.
-- One of the parameters says which claims, the others are NULL.
INSERT INTO kombu_message (id, visible, timestamp, payload, version, queue_id)
    SELECT message_id, 1, NULL, CASE WHEN json_valid(payload)
        THEN json_set(payload, '$.properties.delivery_info.redelivered', json('true')) ELSE payload END,
        1, queue_id
    FROM celeriac_claim WHERE id = :claim OR worker = :worker OR renewed < unixepoch() - :timeout
    ON CONFLICT (id) DO UPDATE
    SET visible = 1, timestamp = NULL, payload = excluded.payload, version = version + 1;
DELETE FROM celeriac_claim WHERE id = :claim OR worker = :worker OR renewed < unixepoch() - :timeout;
