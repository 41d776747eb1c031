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
/// How many messages are published before the broker's answers to them are awaited.
#define WINDOW 1000

struct redisContext *redis_open(const char *host, int port, int database);
/// Stores and announces a result; the two replies come in order.
void redis_append_result(struct redisContext *redis, long index);
/// Reads a number of replies and fails if one is an error.
void redis_skip_replies(struct redisContext *redis, long number);

#define UUID_LENGTH 36

/// What Celery makes for each message: an id, the body as JSON, and how it shows the arguments.
struct task {
    char id[UUID_LENGTH + 1];
    char body[160];
    char arguments[48];
};

/// What is the same in all messages of a producer.
struct producer {
    char origin[64];
    char reply_to[UUID_LENGTH + 1];
};

void make_uuid(char text[UUID_LENGTH + 1]);
struct producer make_producer(void);
/// A new `bench.add(index, index)`.
struct task make_task(long index);
/// Writes kombu's envelope of a task, with all of Celery's headers; how long it is.
size_t write_envelope(const struct producer *producer, const struct task *task, const char *queue, char *out, size_t size);

#endif
