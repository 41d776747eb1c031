-- What a claim does to a row in kombu.
UPDATE kombu_message
    SET visible = 0, version = version + 1, timestamp = strftime('%Y-%m-%d %H:%M:%f000', 'now', 'localtime')
    WHERE visible != 0 AND id IN (SELECT message_id FROM celeriac_claim WHERE worker = :worker)
