#!/bin/bash
# One run of the suite: once.sh CELERIAC WORKER redis|rabbitmq|rpc NAME [pytest arguments], which writes
# .build/celery-suite/NAME.json and NAME.log. Ends as pytest does, or with 124 if it takes longer than SUITE_LIMIT seconds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
celeriac=$1 worker=$2 run=$3 name=$4
shift 4
export PYTHON=$root/.peers/suite/bin/python SUITE=$root/.peers/celery-suite FOREIGN_CLASS=A
export FOREIGN_JSON=$root/.build/celery-suite/$name.json FOREIGN_LOG=$root/.build/celery-suite/$name.log
rm -f "$FOREIGN_JSON" "$FOREIGN_LOG"
case $run in
    redis) urls='"$CELERIAC_REDIS_URL" "$CELERIAC_REDIS_URL"' servers=--redis ;;
    rabbitmq) urls='"$CELERIAC_AMQP_URL" "$CELERIAC_REDIS_URL"' servers="--redis --rabbitmq" ;;
    # The spelling without :// is the one that an expected failure of the suite goes by.
    rpc) urls='"$CELERIAC_AMQP_URL" rpc' servers="--redis --rabbitmq" ;;
esac
# What stands in app.conf of Celery's tests and has no flag goes by the environment.
export WORKER_COMMAND="env CELERY_RESULT_EXTENDED=true '$worker' worker -l INFO -c 1 -E -n \"\$FOREIGN_NODENAME\""
limit=()
[ -z "${SUITE_LIMIT:-}" ] || limit=(timeout --kill-after 30 "$SUITE_LIMIT")
# shellcheck disable=SC2086  # several words
exec "${limit[@]}" "$celeriac" with-servers $servers -- \
    bash -c "export REDIS_HOST=127.0.0.1 REDIS_PORT=\${CELERIAC_REDIS_URL##*:}; REDIS_PORT=\${REDIS_PORT%%/*}; \
        exec bash '$here/run.sh' \"\$WORKER_COMMAND\" $urls \"\$@\"" run "$@"
