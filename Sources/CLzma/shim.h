#include <lzma.h>

/* A macro that Swift cannot import. */
static inline uint32_t celeriac_lzma_concatenated(void) { return LZMA_CONCATENATED; }
