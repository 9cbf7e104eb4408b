/* Types are interned per function: equal types are equal pointers, so comparing and hashing
 * them elsewhere is free.
 *
 * A tile type is a dtype and a set of axes, kept sorted by axis rank. Scalars (the empty set)
 * are by far the most frequent and sit in a small array; everything else is in an
 * open-addressing table of the function. */
#include "dsl/ir/ir.h"

#include <string.h>

enum { LOCAL_AXES = 32, N_DTYPES = TG_C64 + 1 };

struct tg_type_table {
    const tg_type *scalars[N_DTYPES];
    const tg_type **slots;
    uint32_t cap, count;
};

static uint32_t hash_type(const tg_type *t) {
    uint32_t h = (uint32_t)t->kind * 31u + (uint32_t)t->dtype + (uint32_t)t->rank * 1009u;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        h = (h ^ t->axes[i]->rank) * 16777619u + 97u;
    }
    return h ^ (h >> 15);
}

static bool equal_types(const tg_type *a, const tg_type *b) {
    return a->kind == b->kind && a->dtype == b->dtype && a->rank == b->rank &&
           a->n_axes == b->n_axes &&
           (a->n_axes == 0 || memcmp(a->axes, b->axes, a->n_axes * sizeof *a->axes) == 0);
}

static void grow_table(tg_func *f, struct tg_type_table *table) {
    uint32_t old_cap = table->cap;
    const tg_type **old = table->slots;
    table->cap = old_cap ? old_cap * 2 : 64;
    table->slots = TG_NEW_ARRAY(f->arena, const tg_type *, table->cap);
    for (uint32_t i = 0; i < old_cap; i++) {
        if (!old[i]) {
            continue;
        }
        uint32_t at = hash_type(old[i]) & (table->cap - 1);
        while (table->slots[at]) {
            at = (at + 1) & (table->cap - 1);
        }
        table->slots[at] = old[i];
    }
}

static struct tg_type_table *table_of(tg_func *f) {
    if (!f->types) {
        f->types = TG_NEW(f->arena, struct tg_type_table);
    }
    return f->types;
}

static const tg_type *intern_type(tg_func *f, const tg_type *key) {
    struct tg_type_table *table = table_of(f);
    if (table->count * 2 >= table->cap) {
        grow_table(f, table);
    }
    uint32_t at = hash_type(key) & (table->cap - 1);
    for (; table->slots[at]; at = (at + 1) & (table->cap - 1)) {
        if (equal_types(table->slots[at], key)) {
            return table->slots[at];
        }
    }
    tg_type *t = TG_NEW(f->arena, tg_type);
    *t = *key;
    if (key->n_axes) {
        t->axes = TG_COPY_ARRAY(f->arena, tg_axis *, key->axes, key->n_axes);
    }
    table->slots[at] = t;
    table->count++;
    return t;
}

/* Insertion sort by rank without duplicates; n is small. Returns the new count. */
static uint32_t sort_axes(tg_axis **out, tg_axis *const *axes, uint32_t n) {
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = m;
        while (at > 0 && out[at - 1]->rank > axes[i]->rank) {
            at--;
        }
        if (at > 0 && out[at - 1] == axes[i]) {
            continue;
        }
        memmove(out + at + 1, out + at, (m - at) * sizeof *out);
        out[at] = axes[i];
        m++;
    }
    return m;
}

const tg_type *tg_type_scalar(tg_func *f, tg_dtype dtype) {
    struct tg_type_table *table = table_of(f);
    uint32_t at = (uint32_t)dtype < N_DTYPES ? (uint32_t)dtype : 0;
    if (!table->scalars[at]) {
        tg_type key = {.kind = TG_TYPE_TILE, .dtype = dtype};
        table->scalars[at] = intern_type(f, &key);
    }
    return table->scalars[at];
}

const tg_type *tg_type_tile(tg_func *f, tg_dtype dtype, tg_axis *const *axes, uint32_t n) {
    if (n == 0) {
        return tg_type_scalar(f, dtype);
    }
    tg_axis *local[LOCAL_AXES];
    tg_axis **sorted = n <= LOCAL_AXES ? local : TG_NEW_ARRAY(f->arena, tg_axis *, n);
    uint32_t m = sort_axes(sorted, axes, n);
    tg_type key = {.kind = TG_TYPE_TILE, .dtype = dtype, .n_axes = (uint16_t)m, .axes = sorted};
    return intern_type(f, &key);
}

const tg_type *tg_type_with_dtype(tg_func *f, const tg_type *t, tg_dtype dtype) {
    if (t->dtype == dtype) {
        return t;
    }
    if (t->kind == TG_TYPE_TILE && t->n_axes == 0) {
        return tg_type_scalar(f, dtype);
    }
    tg_type key = *t;
    key.dtype = dtype;
    return intern_type(f, &key);
}

const tg_type *tg_type_tensor(tg_func *f, tg_dtype dtype, uint32_t rank) {
    tg_type key = {.kind = TG_TYPE_TENSOR, .dtype = dtype, .rank = (uint16_t)rank};
    return intern_type(f, &key);
}

const tg_type *tg_type_union(tg_func *f, tg_dtype dtype, const tg_type *const *types,
                             uint32_t n) {
    const tg_type *widest = NULL;
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        total += types[i]->n_axes;
        if (!widest || types[i]->n_axes > widest->n_axes) {
            widest = types[i];
        }
    }
    if (total == 0) {
        return tg_type_scalar(f, dtype);
    }
    bool covered = true; /* the usual case: one operand has all the axes */
    for (uint32_t i = 0; i < n && covered; i++) {
        covered = tg_type_axes_within(types[i], widest);
    }
    if (covered) {
        return tg_type_with_dtype(f, widest, dtype);
    }
    tg_axis *local[LOCAL_AXES];
    tg_axis **all = total <= LOCAL_AXES ? local : TG_NEW_ARRAY(f->arena, tg_axis *, total);
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < types[i]->n_axes; j++) {
            all[m++] = types[i]->axes[j];
        }
    }
    return tg_type_tile(f, dtype, all, m);
}

const tg_type *tg_type_drop(tg_func *f, const tg_type *t, tg_axis *const *axes, uint32_t n) {
    tg_axis *local[LOCAL_AXES];
    tg_axis **kept =
        t->n_axes <= LOCAL_AXES ? local : TG_NEW_ARRAY(f->arena, tg_axis *, t->n_axes);
    uint32_t m = 0;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        bool dropped = false;
        for (uint32_t j = 0; j < n; j++) {
            dropped = dropped || axes[j] == t->axes[i];
        }
        if (!dropped) {
            kept[m++] = t->axes[i];
        }
    }
    return m == t->n_axes ? t : tg_type_tile(f, t->dtype, kept, m);
}

bool tg_axes_contain(tg_axis *const *axes, uint32_t n, const tg_axis *a) {
    for (uint32_t i = 0; i < n; i++) {
        if (axes[i] == a) {
            return true;
        }
    }
    return false;
}

bool tg_type_has_axis(const tg_type *t, const tg_axis *a) {
    return tg_axes_contain(t->axes, t->n_axes, a);
}

bool tg_type_is_scalar(const tg_type *t) {
    return t->kind == TG_TYPE_TILE && t->n_axes == 0;
}

bool tg_type_axes_within(const tg_type *a, const tg_type *b) {
    if (a == b) {
        return true;
    }
    uint32_t j = 0;
    for (uint32_t i = 0; i < a->n_axes; i++, j++) {
        while (j < b->n_axes && b->axes[j] != a->axes[i]) {
            j++;
        }
        if (j == b->n_axes) {
            return false;
        }
    }
    return true;
}

bool tg_type_same_axes(const tg_type *a, const tg_type *b) {
    return a->n_axes == b->n_axes && tg_type_axes_within(a, b);
}
