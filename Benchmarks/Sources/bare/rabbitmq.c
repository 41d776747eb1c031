#include "bare.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <hiredis/hiredis.h>

#define WINDOW 1000
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

void rabbitmq_publish(const struct work *work) {
    amqp_connection_state_t connection = rabbitmq_open(work);
    amqp_queue_declare(connection, 1, amqp_cstring_bytes(work->queue), 0, 1, 0, 0, amqp_empty_table);
    if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("queue.declare", NULL);
    amqp_table_entry_t entries[] = {
        {amqp_cstring_bytes("lang"), {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("py")}}},
        {amqp_cstring_bytes("task"), {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("bench.add")}}},
        {amqp_cstring_bytes("id"),
         {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("00000000-0000-4000-8000-000000000000")}}},
    };
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = 2,
        .headers = {3, entries},
    };
    for (long i = 0; i < work->number; i++) {
        int status = amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes(work->queue), 0, 0,
                                        &properties, amqp_cstring_bytes(BODY));
        if (status != AMQP_STATUS_OK) fail("basic.publish", amqp_error_string2(status));
    }
    // The close is answered after all that was published before has been taken.
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}
