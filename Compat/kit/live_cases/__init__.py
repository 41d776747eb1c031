"""The cases of the live tiers: what is put before a worker, producer, client, beat or monitor, and what must be seen on the wire then.

generate.py writes them to celery/live-*.json and machinery/live-*.json. Where Celery itself does otherwise, the case says so and
is INFORMATIONAL: that was found by running Celery 5.7.0 on every case, as README.md tells. There is a file for each role.
"""
from . import celery_beat, celery_client, celery_monitor, celery_producer, celery_worker, celery_worker_life, machinery
from .shared import Cases


def corpora():
    of_celery, of_machinery = Cases("celery", "Celery 5.7.0"), Cases("machinery", "Go Machinery")
    for topics in (celery_worker.TOPICS, celery_worker_life.TOPICS, celery_producer.TOPICS, celery_client.TOPICS,
                   celery_beat.TOPICS, celery_monitor.TOPICS):
        for topic in topics:
            topic(of_celery)
    for topic in (machinery.worker, machinery.producer, machinery.client):
        topic(of_machinery)
    return [of_celery, of_machinery]
