#include "bare.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <hiredis/hiredis.h>
#include <string.h>

#define BATCH 100

static amqp_connection_state_t rabbitmq_open(const struct work *work) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, work->host, work->port) != AMQP_STATUS_OK) fail("connect", NULL);
    amqp_rpc_reply_t reply = amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("login", NULL);
    amqp_channel_open(connection, 1);
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("channel.open", NULL);
    return connection;
}

void rabbitmq_drain(const struct work *work) {
    amqp_connection_state_t connection = rabbitmq_open(work);
    redisContext *redis = work->results ? redis_open(work->host, work->results, STORE) : NULL;
    amqp_basic_qos(connection, 1, 0, WINDOW, 0);
    amqp_basic_consume(connection, 1, amqp_cstring_bytes(work->queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("basic.consume", NULL);
    uint64_t tags[BATCH];
    long held = 0;
    for (long done = 0; done < work->number;) {
        amqp_envelope_t envelope;
        amqp_maybe_release_buffers(connection);
        amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, NULL, 0);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("basic.deliver", amqp_error_string2(reply.library_error));
        tags[held++] = envelope.delivery_tag;
        if (redis) redis_append_result(redis, done + held - 1);
        amqp_destroy_envelope(&envelope);
        // Without results each message is acknowledged at once; with them a batch is stored first.
        if (redis && held < BATCH && done + held < work->number) continue;
        if (redis) redis_skip_replies(redis, 2 * held);
        for (long i = 0; i < held; i++) {
            if (amqp_basic_ack(connection, 1, tags[i], 0) != AMQP_STATUS_OK) fail("basic.ack", NULL);
        }
        done += held;
        count_done(held);
        held = 0;
    }
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
    if (redis) redisFree(redis);
}

/// Waits until the broker has confirmed the messages from one number up to another.
static void await_confirms(amqp_connection_state_t connection, uint64_t first, uint64_t last) {
    unsigned char confirmed[WINDOW] = {0};
    for (uint64_t left = last - first + 1; left > 0;) {
        amqp_frame_t frame;
        amqp_maybe_release_buffers(connection);
        int status = amqp_simple_wait_frame(connection, &frame);
        if (status != AMQP_STATUS_OK) fail("confirm", amqp_error_string2(status));
        if (frame.frame_type != AMQP_FRAME_METHOD) continue;
        if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) fail("confirm", "the broker answered with something else");
        const amqp_basic_ack_t *ack = frame.payload.method.decoded;
        if (ack->delivery_tag < first || ack->delivery_tag > last) fail("confirm", "of a message that was not sent");
        for (uint64_t tag = ack->multiple ? first : ack->delivery_tag; tag <= ack->delivery_tag; tag++) {
            left -= !confirmed[tag - first];
            confirmed[tag - first] = 1;
        }
    }
}

static amqp_bytes_t bytes(const char *text) { return amqp_cstring_bytes(text); }

static amqp_table_entry_t text(const char *name, const char *value) {
    return (amqp_table_entry_t){bytes(name), {AMQP_FIELD_KIND_UTF8, {.bytes = bytes(value)}}};
}

static amqp_table_entry_t null(const char *name) { return (amqp_table_entry_t){bytes(name), {AMQP_FIELD_KIND_VOID, {0}}}; }

static amqp_table_entry_t number(const char *name, int value) {
    return (amqp_table_entry_t){bytes(name), {AMQP_FIELD_KIND_I32, {.i32 = value}}};
}

static void publish(amqp_connection_state_t connection, const struct work *work, const struct producer *producer, long index) {
    struct task task = make_task(index);
    amqp_field_value_t nulls[2] = {{AMQP_FIELD_KIND_VOID, {0}}, {AMQP_FIELD_KIND_VOID, {0}}};
    amqp_table_entry_t entries[] = {
        text("lang", "py"),
        text("task", "bench.add"),
        text("id", task.id),
        null("shadow"),
        null("eta"),
        null("expires"),
        null("group"),
        null("group_index"),
        number("retries", 0),
        {bytes("timelimit"), {AMQP_FIELD_KIND_ARRAY, {.array = {2, nulls}}}},
        text("root_id", task.id),
        null("parent_id"),
        text("argsrepr", task.arguments),
        text("kwargsrepr", "{}"),
        text("origin", producer->origin),
        {bytes("ignore_result"), {AMQP_FIELD_KIND_BOOLEAN, {.boolean = 0}}},
        number("replaced_task_nesting", 0),
        null("stamped_headers"),
        {bytes("stamps"), {AMQP_FIELD_KIND_TABLE, {.table = {0, NULL}}}},
    };
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_HEADERS_FLAG |
                  AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG |
                  AMQP_BASIC_REPLY_TO_FLAG,
        .content_type = bytes("application/json"),
        .content_encoding = bytes("utf-8"),
        .headers = {sizeof entries / sizeof *entries, entries},
        .delivery_mode = 2,
        .priority = 0,
        .correlation_id = bytes(task.id),
        .reply_to = bytes(producer->reply_to),
    };
    int status =
        amqp_basic_publish(connection, 1, amqp_empty_bytes, bytes(work->queue), 0, 0, &properties, bytes(task.body));
    if (status != AMQP_STATUS_OK) fail("basic.publish", amqp_error_string2(status));
}

void rabbitmq_publish(const struct work *work) {
    amqp_connection_state_t connection = rabbitmq_open(work);
    struct producer producer = make_producer();
    amqp_queue_declare(connection, 1, bytes(work->queue), 0, 1, 0, 0, amqp_empty_table);
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("queue.declare", NULL);
    amqp_confirm_select(connection, 1);
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("confirm.select", NULL);
    for (long sent = 0; sent < work->number; sent += WINDOW) {
        long batch = work->number - sent < WINDOW ? work->number - sent : WINDOW;
        for (long i = 0; i < batch; i++) publish(connection, work, &producer, sent + i);
        // The broker numbers messages from 1.
        await_confirms(connection, (uint64_t)sent + 1, (uint64_t)(sent + batch));
    }
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}
