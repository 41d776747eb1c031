#include "bare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t *slot;

void count_done(long number) { *slot += (uint64_t)number; }

void fail(const char *what, const char *why) {
    fprintf(stderr, "bare: %s: %s\n", what, why ? why : "failed");
    exit(1);
}

/// Maps the first slot of the file that BENCH_COUNT names.
static void map_slot(void) {
    static uint64_t own;
    slot = &own;
    const char *path = getenv("BENCH_COUNT");
    if (!path) return;
    int file = open(path, O_RDWR);
    if (file < 0) fail(path, strerror(errno));
    void *memory = mmap(NULL, 65 * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) fail("mmap", strerror(errno));
    slot = memory;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: bare redis|rabbitmq drain|publish HOST PORT QUEUE NUMBER RESULTS-PORT\n");
        return 64;
    }
    map_slot();
    struct work work = {argv[3], atoi(argv[4]), argv[5], atol(argv[6]), atoi(argv[7])};
    int redis = !strcmp(argv[1], "redis"), drain = !strcmp(argv[2], "drain");
    double started = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
    (redis ? (drain ? redis_drain : redis_publish) : (drain ? rabbitmq_drain : rabbitmq_publish))(&work);
    printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"number\": %ld}\n", seconds(CLOCK_MONOTONIC) - started,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - used, work.number);
    fflush(stdout);
    // The benchmark reads this process's memory and time before it ends it.
    if (drain) pause();
    return 0;
}
