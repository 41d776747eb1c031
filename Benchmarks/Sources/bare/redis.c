#include "bare.h"

#include <hiredis/hiredis.h>
#include <string.h>

#define BATCH 100

// Pops up to ARGV[1] messages and notes each as unacknowledged, as kombu does, under a tag of ours.
static const char claim[] =
    "local out = {} "
    "for i = 1, tonumber(ARGV[1]) do "
    "  local m = redis.call('RPOP', KEYS[1]) "
    "  if not m then break end "
    "  local tag = ARGV[3] .. i "
    "  redis.call('ZADD', KEYS[3], ARGV[2], tag) "
    "  redis.call('HSET', KEYS[2], tag, '[' .. m .. ',\"\",\"' .. KEYS[1] .. '\"]') "
    "  out[i] = m "
    "end "
    "return out";

struct redisContext *redis_open(const char *host, int port, int database) {
    redisContext *redis = redisConnect(host, port);
    if (!redis || redis->err) fail("redis", redis ? redis->errstr : "no memory");
    redisReply *reply = redisCommand(redis, "SELECT %d", database);
    if (!reply || reply->type == REDIS_REPLY_ERROR) fail("SELECT", redis->errstr);
    freeReplyObject(reply);
    return redis;
}

static redisReply *next_reply(redisContext *redis) {
    void *reply = NULL;
    if (redisGetReply(redis, &reply) != REDIS_OK || !reply) fail("redis", redis->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) fail("redis", ((redisReply *)reply)->str);
    return reply;
}

void redis_skip_replies(struct redisContext *redis, long number) {
    while (number-- > 0) freeReplyObject(next_reply(redis));
}

void redis_append_result(struct redisContext *redis, long index) {
    char key[64], value[256];
    snprintf(key, sizeof key, "celery-task-meta-00000000-0000-4000-8000-%012ld", index);
    snprintf(value, sizeof value,
             "{\"status\": \"SUCCESS\", \"result\": 2, \"traceback\": null, \"children\": [], \"date_done\": "
             "\"2026-11-23T03:14:36.341511+00:00\", \"task_id\": \"00000000-0000-4000-8000-%012ld\"}",
             index);
    redisAppendCommand(redis, "SETEX %s 86400 %s", key, value);
    redisAppendCommand(redis, "PUBLISH %s %s", key, value);
}

void redis_drain(const struct work *work) {
    redisContext *broker = redis_open(work->host, work->port, 0);
    redisContext *store = work->results ? redis_open(work->host, work->results, STORE) : NULL;
    redisReply *loaded = redisCommand(broker, "SCRIPT LOAD %s", claim);
    if (!loaded || loaded->type != REDIS_REPLY_STRING) fail("SCRIPT LOAD", broker->errstr);
    const char *unacked = "unacked", *index = "unacked_index";
    long done = 0, batch = 0;
    for (long claims = 0; done < work->number; claims++) {
        char tag[32];
        snprintf(tag, sizeof tag, "%ld-", claims);
        redisAppendCommand(broker, "EVALSHA %s 3 %s %s %s %d 1 %s", loaded->str, work->queue, unacked, index, BATCH, tag);
        // The last batch was acknowledged in the same write.
        if (batch > 0) redis_skip_replies(broker, 2);
        count_done(batch);
        done += batch;
        redisReply *messages = next_reply(broker);
        batch = (long)messages->elements;
        freeReplyObject(messages);
        if (batch == 0) continue;
        for (long i = 0; store && i < batch; i++) redis_append_result(store, done + i);
        if (store) redis_skip_replies(store, 2 * batch);
        char tags[BATCH][48];
        const char *remove[BATCH + 2];
        for (long i = 0; i < batch; i++) {
            snprintf(tags[i], sizeof tags[i], "%s%ld", tag, i + 1);
            remove[i + 2] = tags[i];
        }
        remove[0] = "ZREM", remove[1] = index;
        redisAppendCommandArgv(broker, (int)batch + 2, remove, NULL);
        remove[0] = "HDEL", remove[1] = unacked;
        redisAppendCommandArgv(broker, (int)batch + 2, remove, NULL);
    }
    freeReplyObject(loaded);
    redisFree(broker);
    if (store) redisFree(store);
}

void redis_publish(const struct work *work) {
    redisContext *redis = redis_open(work->host, work->port, 0);
    struct producer producer = make_producer();
    char envelope[2048];
    for (long sent = 0; sent < work->number; sent += WINDOW) {
        long batch = work->number - sent < WINDOW ? work->number - sent : WINDOW;
        for (long i = 0; i < batch; i++) {
            struct task task = make_task(sent + i);
            size_t length = write_envelope(&producer, &task, work->queue, envelope, sizeof envelope);
            redisAppendCommand(redis, "LPUSH %s %b", work->queue, envelope, length);
        }
        redis_skip_replies(redis, batch);
    }
    redisFree(redis);
}
