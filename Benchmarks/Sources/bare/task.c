#include "bare.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

// Ids need not be secret: the system gives the seed, and xorshift128+ the rest.
static uint64_t next_random(void) {
    static uint64_t state[2];
    if (!state[0] && getrandom(state, sizeof state, 0) != sizeof state) fail("getrandom", strerror(errno));
    uint64_t a = state[0], b = state[1];
    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return state[1] + b;
}

void make_uuid(char text[UUID_LENGTH + 1]) {
    static const char digits[] = "0123456789abcdef";
    uint64_t halves[2] = {next_random(), next_random()};
    halves[0] = (halves[0] & ~0xF000ull) | 0x4000;
    halves[1] = (halves[1] & ~(3ull << 62)) | (2ull << 62);
    char *out = text;
    for (int half = 0; half < 2; half++) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            *out++ = digits[halves[half] >> shift & 15];
            int written = (int)(out - text);
            if (written == 8 || written == 13 || written == 18 || written == 23) *out++ = '-';
        }
    }
    *out = 0;
}

struct producer make_producer(void) {
    struct producer producer;
    snprintf(producer.origin, sizeof producer.origin, "gen%d@bench", (int)getpid());
    make_uuid(producer.reply_to);
    return producer;
}

struct task make_task(long index) {
    struct task task;
    make_uuid(task.id);
    snprintf(task.body, sizeof task.body,
             "[[%ld, %ld], {}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}]", index, index);
    snprintf(task.arguments, sizeof task.arguments, "(%ld, %ld)", index, index);
    return task;
}

static void write_base64(const char *text, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t left = strlen(text);
    for (const unsigned char *in = (const unsigned char *)text; left > 0; in += 3) {
        uint32_t bits = (uint32_t)in[0] << 16 | (left > 1 ? (uint32_t)in[1] << 8 : 0) | (left > 2 ? in[2] : 0);
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
        left -= left > 3 ? 3 : left;
    }
    *out = 0;
}

size_t write_envelope(const struct producer *producer, const struct task *task, const char *queue, char *out, size_t size) {
    char body[4 * sizeof task->body / 3 + 8], tag[UUID_LENGTH + 1];
    write_base64(task->body, body);
    make_uuid(tag);
    int written = snprintf(
        out, size,
        "{\"body\": \"%s\", \"content-encoding\": \"utf-8\", \"content-type\": \"application/json\", \"headers\": "
        "{\"lang\": \"py\", \"task\": \"bench.add\", \"id\": \"%s\", \"shadow\": null, \"eta\": null, \"expires\": null, "
        "\"group\": null, \"group_index\": null, \"retries\": 0, \"timelimit\": [null, null], \"root_id\": \"%s\", "
        "\"parent_id\": null, \"argsrepr\": \"%s\", \"kwargsrepr\": \"{}\", \"origin\": \"%s\", \"ignore_result\": false, "
        "\"replaced_task_nesting\": 0, \"stamped_headers\": null, \"stamps\": {}}, \"properties\": {\"correlation_id\": "
        "\"%s\", \"reply_to\": \"%s\", \"delivery_mode\": 2, \"delivery_info\": {\"exchange\": \"\", \"routing_key\": \"%s\"}, "
        "\"priority\": 0, \"body_encoding\": \"base64\", \"delivery_tag\": \"%s\"}}",
        body, task->id, task->id, task->arguments, producer->origin, task->id, producer->reply_to, queue, tag);
    if (written < 0 || (size_t)written >= size) fail("envelope", "it is longer than its buffer");
    return (size_t)written;
}
