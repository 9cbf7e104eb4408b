/* Hash map from pointers to pointers: open addressing, linear probing, at most half full.
 * Removal shifts the following entries back (Knuth, TAOCP 3, 6.4 algorithm R), so there are no
 * tombstones and lookups stay short however often a pass inserts and removes. */
#include "base/arena.h"

typedef struct slot {
    const void *key; /* null: empty */
    void *value;
} slot;

struct tg_map {
    tg_arena *arena;
    slot *slots;
    uint32_t n_slots; /* a power of two */
    uint32_t count;
};

tg_map *tg_map_create(tg_arena *arena) {
    tg_map *m = TG_NEW(arena, tg_map);
    m->arena = arena;
    m->n_slots = 16;
    m->slots = TG_NEW_ARRAY(arena, slot, m->n_slots);
    return m;
}

/* Low pointer bits are constant; the multiplication (2^64 / golden ratio) spreads the others
 * upwards. */
static uint32_t home(const tg_map *m, const void *key) {
    uint64_t h = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) & (m->n_slots - 1);
}

/* The slot of the key, or the empty slot where it belongs. */
static slot *find(const tg_map *m, const void *key) {
    uint32_t i = home(m, key);
    while (m->slots[i].key && m->slots[i].key != key) {
        i = (i + 1) & (m->n_slots - 1);
    }
    return &m->slots[i];
}

static void grow(tg_map *m) {
    if (m->n_slots > UINT32_MAX / 2) {
        tg_unwind_to(tg_arena_unwind(m->arena), TG_ERROR_OUT_OF_MEMORY);
    }
    slot *old = m->slots;
    uint32_t n_old = m->n_slots;
    m->slots = TG_NEW_ARRAY(m->arena, slot, (size_t)n_old * 2);
    m->n_slots = n_old * 2;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].key) {
            *find(m, old[i].key) = old[i];
        }
    }
}

void tg_map_set(tg_map *m, const void *key, void *value) {
    slot *s = find(m, key);
    if (!s->key) {
        if ((m->count + 1) > m->n_slots / 2) {
            grow(m);
            s = find(m, key);
        }
        m->count++;
        s->key = key;
    }
    s->value = value;
}

void *tg_map_get(const tg_map *m, const void *key) {
    return find(m, key)->value;
}

bool tg_map_has(const tg_map *m, const void *key) {
    return find(m, key)->key != NULL;
}

void tg_map_remove(tg_map *m, const void *key) {
    uint32_t mask = m->n_slots - 1;
    uint32_t hole = (uint32_t)(find(m, key) - m->slots);
    if (!m->slots[hole].key) {
        return;
    }
    m->count--;
    for (uint32_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
        /* Entry i may fill the hole unless its home lies cyclically in (hole, i]. */
        uint32_t from_home = (i - home(m, m->slots[i].key)) & mask;
        if (from_home >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (slot){0};
}

uint32_t tg_map_count(const tg_map *m) {
    return m->count;
}
