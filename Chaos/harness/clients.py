"""The clients of Redis and RabbitMQ. A Python without them can still print --help."""
import sys

try:
    import amqp
    import redis
except ModuleNotFoundError:
    if not {"-h", "--help"}.intersection(sys.argv):
        raise
    amqp = redis = None
