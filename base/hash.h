/* Content hashes (XXH3 by Yann Collet, compiled in from libxxhash's header). 128 bits identify
 * cache entries: accidental collisions do not happen; this is no protection against an attacker
 * who can choose what is hashed. The values are stable across machines and versions. */
#ifndef TG_BASE_HASH_H
#define TG_BASE_HASH_H

#include "base/arena.h"

typedef struct tg_hash {
    uint64_t lo, hi;
} tg_hash;

tg_hash tg_hash_bytes(const void *data, size_t n);
uint64_t tg_hash_u64(const void *data, size_t n); /* for hash tables */
bool tg_hash_equal(tg_hash a, tg_hash b);

enum { TG_HASH_HEX_SIZE = 33 };
/* 32 lower-case digits, most significant first, and a NUL. */
void tg_hash_hex(tg_hash h, char out[TG_HASH_HEX_SIZE]);

/* A hash over a sequence of fields. Each add records its length, so ("ab","c") differs from
 * ("a","bc"). */
typedef struct tg_hasher tg_hasher;
tg_hasher *tg_hasher_create(tg_arena *arena);
void tg_hasher_add(tg_hasher *h, const void *data, size_t n);
void tg_hasher_add_text(tg_hasher *h, const char *text); /* null differs from "" */
void tg_hasher_add_u64(tg_hasher *h, uint64_t v);
tg_hash tg_hasher_finish(const tg_hasher *h); /* more may be added afterwards */

#endif
