/* Interned strings: an open-addressing table (linear probing, at most half full) of entries in
 * an arena. Nothing is ever removed, so pointers stay valid as long as the arena. */
#include "base/arena.h"
#include "base/hash.h"

#include <string.h>

typedef struct entry {
    uint64_t hash;
    size_t len;
    tg_name text; /* null: empty slot */
} entry;

struct tg_interner {
    tg_arena *arena;
    entry *slots;
    size_t n_slots; /* a power of two */
    size_t count;
};

tg_interner *tg_interner_create(tg_arena *arena) {
    tg_interner *in = TG_NEW(arena, tg_interner);
    in->arena = arena;
    in->n_slots = 64;
    in->slots = TG_NEW_ARRAY(arena, entry, in->n_slots);
    return in;
}

/* The slot of the text, or the empty slot where it belongs. */
static entry *find(const tg_interner *in, uint64_t hash, const char *text, size_t n) {
    size_t mask = in->n_slots - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        entry *e = &in->slots[i];
        if (!e->text || (e->hash == hash && e->len == n && memcmp(e->text, text, n) == 0)) {
            return e;
        }
    }
}

static void grow(tg_interner *in) {
    entry *old = in->slots;
    size_t n_old = in->n_slots;
    in->slots = TG_NEW_ARRAY(in->arena, entry, n_old * 2);
    in->n_slots = n_old * 2;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].text) {
            *find(in, old[i].hash, old[i].text, old[i].len) = old[i];
        }
    }
}

tg_name tg_intern(tg_interner *in, const char *text, size_t n) {
    if (in->count * 2 >= in->n_slots) {
        grow(in);
    }
    text = n ? text : "";
    uint64_t hash = tg_hash_u64(text, n);
    entry *e = find(in, hash, text, n);
    if (!e->text) {
        e->text = tg_arena_strndup(in->arena, text, n);
        e->hash = hash;
        e->len = n;
        in->count++;
    }
    return e->text;
}

tg_name tg_intern_cstr(tg_interner *in, const char *text) {
    return tg_intern(in, text, strlen(text));
}
