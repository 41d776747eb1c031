#ifndef CELERIAC_CHIREDIS_SHIM_H
#define CELERIAC_CHIREDIS_SHIM_H

#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#if HIREDIS_MAJOR >= 1
static inline void *celeriac_refuse_double(const redisReadTask *task, double value, char *text, size_t count) {
    (void)task; (void)value; (void)text; (void)count;
    return NULL;
}

static inline void *celeriac_refuse_bool(const redisReadTask *task, int value) {
    (void)task; (void)value;
    return NULL;
}
#endif

/* hiredis 1.x also reads RESP3. A connection that never said HELLO 3 must not be sent doubles and booleans: a creator
   that returns NULL makes the reader fail. (Left out, the reader would invent an object that nobody built.) */
static inline void celeriac_reader_refuse_resp3(redisReplyObjectFunctions *functions) {
#if HIREDIS_MAJOR >= 1
    functions->createDouble = celeriac_refuse_double;
    functions->createBool = celeriac_refuse_bool;
#else
    (void)functions;
#endif
}

/* The number of bytes that the reader holds and has not consumed. */
static inline size_t celeriac_reader_pending(const redisReader *reader) {
    return reader->len - reader->pos;
}

/* Whether the reader waits for the end of a line (a status, an error, a number or a length) that is longer than
   `limit` bytes. hiredis searches such a line from its start at every feed. */
static inline int celeriac_reader_line_too_long(const redisReader *reader, size_t limit) {
    if (reader->buf == NULL || reader->len - reader->pos <= limit) return 0;
    return memmem(reader->buf + reader->pos, limit, "\r\n", 2) == NULL;
}

/* The reader's error text, NUL-terminated. */
static inline const char *celeriac_reader_error(const redisReader *reader) {
    return reader->errstr;
}

#endif
