"""A Celery application for tests of peers that are not Python."""
