#!/bin/bash
# One run of Celery's smoke tests: smoke.sh WORKER|python NAME [pytest arguments], which writes
# .build/celery-suite/NAME.json. The tests start their own servers and workers, as local processes (local_docker.py).
# Ends as pytest does, or with 124 if it takes longer than SUITE_LIMIT seconds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
worker=$1 name=$2
shift 2
python=$root/.peers/suite/bin/python suite=$root/.peers/celery-suite
export FOREIGN_MODE=inprocess FOREIGN_JSON=$root/.build/celery-suite/$name.json
export PATH="$(dirname "$python"):$PATH" PYTHONPATH="$here:$suite" PYTHONDONTWRITEBYTECODE=1
# The tests say where the broker and the results are.
unset CELERY_BROKER_URL CELERY_RESULT_BACKEND SMOKE_WORKER
[ "$worker" = python ] || export SMOKE_WORKER=$worker
rm -f "$FOREIGN_JSON"
limit=()
[ -z "${SUITE_LIMIT:-}" ] || limit=(timeout --kill-after 60 "$SUITE_LIMIT")
cd "$suite"
# test_memcached_backend.py imports a name that pytest-celery only has with its memcached extra.
exec "${limit[@]}" "$python" -m pytest -p local_docker -p foreign_worker -p no:cacheprovider -q --tb=short \
    --timeout 900 --ignore=t/smoke/tests/test_memcached_backend.py "$@"
