// Programs that issue just the commands of a broker which a task needs: the floor under every client.
#ifndef BARE_H
#define BARE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/// What to do, from the command line.
struct work {
    const char *host;
    int port;
    const char *queue;
    /// How many messages.
    long number;
    /// Redis's port if results are stored there, else 0.
    int results;
};

/// Tells the benchmark how many tasks are done.
void count_done(long number);

_Noreturn void fail(const char *what, const char *why);

void redis_drain(const struct work *work);
void redis_publish(const struct work *work);
void rabbitmq_drain(const struct work *work);
void rabbitmq_publish(const struct work *work);

/// The database of results.
#define STORE 1

struct redisContext *redis_open(const char *host, int port, int database);
/// Stores and announces a result; the two replies come in order.
void redis_append_result(struct redisContext *redis, long index);
/// Reads a number of replies and fails if one is an error.
void redis_skip_replies(struct redisContext *redis, long number);

/// A task of about the size that Celery sends: its body as Celery's JSON, its envelope as kombu's.
#define BODY "[[1, 1], {}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}]"

#endif
