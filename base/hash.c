/* See hash.h. XXH_INLINE_ALL compiles the needed part of xxhash.h into this file: no run-time
 * dependency. */
#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct tg_hasher {
    XXH3_state_t state;
};

static tg_hash from_xxh(XXH128_hash_t h) {
    return (tg_hash){.lo = h.low64, .hi = h.high64};
}

tg_hash tg_hash_bytes(const void *data, size_t n) {
    return from_xxh(XXH3_128bits(data, n));
}

uint64_t tg_hash_u64(const void *data, size_t n) {
    return XXH3_64bits(data, n);
}

bool tg_hash_equal(tg_hash a, tg_hash b) {
    return a.lo == b.lo && a.hi == b.hi;
}

void tg_hash_hex(tg_hash h, char out[TG_HASH_HEX_SIZE]) {
    for (int i = 0; i < 32; i++) {
        uint64_t half = i < 16 ? h.hi : h.lo;
        out[i] = "0123456789abcdef"[(half >> (60 - 4 * (i % 16))) & 15];
    }
    out[32] = '\0';
}

tg_hasher *tg_hasher_create(tg_arena *arena) {
    tg_hasher *h = TG_NEW(arena, tg_hasher);
    XXH3_128bits_reset(&h->state);
    return h;
}

void tg_hasher_add_u64(tg_hasher *h, uint64_t v) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(v >> (8 * i));
    }
    XXH3_128bits_update(&h->state, bytes, sizeof bytes);
}

void tg_hasher_add(tg_hasher *h, const void *data, size_t n) {
    tg_hasher_add_u64(h, n);
    XXH3_128bits_update(&h->state, data, n);
}

void tg_hasher_add_text(tg_hasher *h, const char *text) {
    if (text) {
        tg_hasher_add(h, text, strlen(text));
    } else {
        tg_hasher_add_u64(h, UINT64_MAX);
    }
}

tg_hash tg_hasher_finish(const tg_hasher *h) {
    return from_xxh(XXH3_128bits_digest(&h->state));
}
