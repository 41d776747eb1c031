-- Makes claimed rows visible again at their old places, marked as redelivered; remakes those that Python has purged.
-- Which claims: one by its id, those of a worker, or those that no worker has renewed within a timeout.
INSERT INTO kombu_message (id, visible, timestamp, payload, version, queue_id)
    SELECT message_id, 1, NULL, CASE WHEN json_valid(payload)
        THEN json_set(payload, '$.properties.delivery_info.redelivered', json('true')) ELSE payload END,
        1, queue_id
    FROM celeriac_claim WHERE CASE :which
        WHEN 'claim' THEN id = :value WHEN 'worker' THEN worker = :value ELSE renewed < unixepoch() - :value END
    ON CONFLICT (id) DO UPDATE
    SET visible = 1, timestamp = NULL, payload = excluded.payload, version = version + 1;
DELETE FROM celeriac_claim WHERE CASE :which
        WHEN 'claim' THEN id = :value WHEN 'worker' THEN worker = :value ELSE renewed < unixepoch() - :value END;
