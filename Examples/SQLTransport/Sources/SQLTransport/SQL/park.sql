INSERT INTO celeriac_parked (queue_id, payload, worker, reason, detail)
    SELECT queue_id, payload, worker, :reason, :detail FROM celeriac_claim WHERE id = :claim
