/* Launches like one before. What the checks of a launch say depends on the kinds, element types, shapes and strides of its
 * arguments, and on the scalars that are `const` or that a condition reads; only alignment and overlap depend on the addresses. So
 * a launch that passed is kept as the words of all of that, with the variant it ran and the bytes each tensor spans, and the
 * next one that has the same words needs a comparison, not a signature.
 *
 *   entry   [variant][epoch of the chooser] then per parameter
 *     tensor  [head][first byte][end byte][shape…][stride…]
 *     scalar  [head][value][cell]
 *
 * A kernel keeps ENTRIES of them in pairs, by a hash of the extents; the newer of a pair replaces the older. Readers take no
 * lock: an entry's version is odd while it is written, and who reads the same even one before and after has read one launch. */
#include "jit/context.h"

#include <string.h>

enum { ENTRIES = 32, WAYS = 2, SETS = ENTRIES / WAYS };

/* In a head: kind of the argument, element type, rank; then what to do with it, and the words of the parameter. */
enum { TYPE_SHIFT = 8, RANK_SHIFT = 16, WORDS_SHIFT = 32, TO_SHIFT = 40, ALIGN_SHIFT = 48 };
#define GIVEN_MASK UINT64_C(0xffffff)
#define KIND_MASK  UINT64_C(0xff)
#define KEYED      (UINT64_C(1) << 24)
#define WRITTEN    (UINT64_C(1) << 25)
#define ABSENT     (UINT64_C(1) << 26)

enum { VARIANT = 0, EPOCH = 1, FIRST_PARAM = 2, SCALAR_WORDS = 3, TENSOR_WORDS = 3 };

typedef _Atomic uint64_t word;

typedef struct entry {
    _Atomic uint64_t version;
    _Atomic uint32_t n_found; /* about: who counts at the same time may count once */
    word *words;
} entry;

struct tg_plans {
    uint32_t n_words;
    size_t size;                 /* of this block */
    uint64_t keyed;              /* scalars whose values matter, by parameter */
    _Atomic uint32_t recent;     /* entry that matched last: usually right */
    _Atomic uint32_t turn[SETS]; /* way to write next */
    entry entries[ENTRIES];
};

static uint64_t get(const word *w) {
    return atomic_load_explicit(w, memory_order_acquire);
}

static void put(word *w, uint64_t v) {
    atomic_store_explicit(w, v, memory_order_release);
}

static uint64_t bits_of_pointer(const void *p) {
    return (uint64_t)(uintptr_t)p;
}

static uint32_t words_of(const tg_sig_param *p) {
    return tg_param_is_tensor(p) ? TENSOR_WORDS + 2 * p->rank : SCALAR_WORDS;
}

static const tg_argument *argument_of(const tg_argument *values, uint32_t n_values,
                                      uint32_t i) {
    static const tg_argument none = {TG_ARGUMENT_NONE, {0}};
    return i < n_values ? &values[i] : &none;
}

uint64_t tg_plan_epoch(const tg_kernel *k) {
    tg_chooser *c = atomic_load_explicit(&k->context->chooser, memory_order_acquire);
    uint64_t chosen = c && !k->schedule ? atomic_load_explicit(&c->epoch, memory_order_acquire) : 0;
    return tg_plan_epoch_of(k, chosen);
}

uint64_t tg_plan_epoch_of(const tg_kernel *k, uint64_t chosen) {
    enum { CHOSEN_BITS = 40 };
    return chosen + (atomic_load_explicit(&k->context->n_specialised, memory_order_acquire) << CHOSEN_BITS);
}

/* ---- looking up --------------------------------------------------------------------------------------------- */

typedef struct span {
    uintptr_t lo, hi;
    bool written;
} span;

typedef struct matcher {
    tg_plan *out;
    span spans[TG_MAX_PARAMS];
    uint32_t n_spans;
} matcher;

static bool apart(const matcher *m, const span *s) {
    for (uint32_t i = 0; i < m->n_spans; i++) {
        const span *o = &m->spans[i];
        if ((s->written || o->written) && s->lo < o->hi && o->lo < s->hi) {
            return false;
        }
    }
    return true;
}

static bool same_extents(const word *w, const int64_t *v, uint32_t n) {
    for (uint32_t d = 0; d < n; d++) {
        if (get(&w[d]) != (uint64_t)v[d]) {
            return false;
        }
    }
    return true;
}

/* Shape, strides, alignment and overlap; the element type and rank are in the head. */
static bool match_tensor(matcher *m, const word *w, uint64_t head, const tg_tensor *t,
                         uint32_t i) {
    if (!t) {
        return false; /* an absent tensor in another form: the checks will tell */
    }
    /* A read-only tensor is like none before, and checked each time: element types have numbers below 128. */
    uint64_t given = TG_ARGUMENT_TENSOR | ((uint64_t)t->dtype | (uint64_t)t->read_only << 7) << TYPE_SHIFT |
                     (uint64_t)t->rank << RANK_SHIFT;
    uintptr_t data = (uintptr_t)t->arg.data;
    if (given != (head & GIVEN_MASK) || !data || (data & (head >> ALIGN_SHIFT)) != 0 ||
        !same_extents(&w[TENSOR_WORDS], t->arg.shape, t->rank) ||
        !same_extents(&w[TENSOR_WORDS + t->rank], t->arg.stride, t->rank)) {
        return false;
    }
    span s = {data + (uintptr_t)get(&w[1]), data + (uintptr_t)get(&w[2]),
              (head & WRITTEN) != 0};
    if (s.lo < s.hi) {
        if (!apart(m, &s)) {
            return false;
        }
        m->spans[m->n_spans++] = s;
    }
    m->out->pointers[i] = &t->arg;
    return true;
}

static bool match_scalar(matcher *m, const word *w, uint64_t head, const tg_argument *v,
                         uint32_t i) {
    tg_cell *cell = &m->out->cells[i];
    m->out->pointers[i] = cell;
    if (head & KEYED) {
        cell->i = (int64_t)get(&w[2]);
        return get(&w[1]) == v->u.u;
    }
    tg_scalar s = tg_argument_scalar(v);
    tg_dtype to = (tg_dtype)(head >> TO_SHIFT & 0xff);
    if (!tg_sig_scalar_fits(s, to)) {
        return false;
    }
    s = tg_scalar_convert(s, to);
    if (tg_dtype_is_float(to)) {
        cell->f = s.f;
    } else {
        cell->i = s.i;
    }
    return true;
}

static bool match_params(const tg_kernel *k, const word *w, const tg_argument *values,
                         uint32_t n_values, tg_plan *out) {
    uint32_t n_params = k->signature->n_params;
    matcher m;
    m.out = out;
    m.n_spans = 0;
    w += FIRST_PARAM;
    for (uint32_t i = 0; i < n_params; i++) {
        const tg_argument *v = argument_of(values, n_values, i);
        uint64_t head = get(&w[0]);
        if ((head & KIND_MASK) != (uint64_t)v->kind) {
            return false;
        }
        bool same = v->kind == TG_ARGUMENT_TENSOR ? match_tensor(&m, w, head, v->u.tensor, i)
                                                  : match_scalar(&m, w, head, v, i);
        if (!same) {
            return false;
        }
        if (head & ABSENT) {
            out->pointers[i] = &tg_absent_tensor;
        }
        w += head >> WORDS_SHIFT & 0xff;
    }
    return true;
}

static bool match(const tg_kernel *k, entry *e, uint64_t epoch, const tg_argument *values,
                  uint32_t n_values, tg_plan *out) {
    uint64_t version = atomic_load_explicit(&e->version, memory_order_acquire);
    if (version % 2) {
        return false;
    }
    union {
        uint64_t bits;
        const tg_variant *variant;
    } u = {.bits = get(&e->words[VARIANT])};
    out->variant = u.variant;
    return out->variant && get(&e->words[EPOCH]) == epoch &&
           match_params(k, e->words, values, n_values, out) &&
           atomic_load_explicit(&e->version, memory_order_relaxed) == version;
}

/* Counts; true at the launch at which code of its own is due. */
static bool gets_hot(const tg_kernel *k, entry *e) {
    uint32_t n = atomic_load_explicit(&e->n_found, memory_order_relaxed);
    if (n >= k->context->specialise_after) {
        return false;
    }
    atomic_store_explicit(&e->n_found, n + 1, memory_order_relaxed);
    return n + 1 == k->context->specialise_after;
}

static uint32_t set_of(const tg_kernel *k, const tg_argument *values, uint32_t n_values) {
    uint64_t h = 0;
    for (uint32_t i = 0; i < n_values && i < k->signature->n_params; i++) {
        const tg_tensor *t = values[i].kind == TG_ARGUMENT_TENSOR ? values[i].u.tensor : NULL;
        for (uint32_t d = 0; t && d < t->rank; d++) {
            h = (h ^ (uint64_t)t->arg.shape[d]) * UINT64_C(0x9e3779b97f4a7c15);
        }
    }
    return (uint32_t)(h >> 32) % SETS;
}

bool tg_plan_find(const tg_kernel *k, const tg_argument *values, uint32_t n_values,
                  tg_plan *out) {
    tg_plans *plans = atomic_load_explicit(&k->plans, memory_order_acquire);
    out->hot = false;
    if (!plans || n_values > k->signature->n_params || (n_values && !values)) {
        return false;
    }
    uint64_t epoch = tg_plan_epoch(k);
    uint32_t recent = atomic_load_explicit(&plans->recent, memory_order_relaxed);
    if (match(k, &plans->entries[recent], epoch, values, n_values, out)) {
        out->hot = gets_hot(k, &plans->entries[recent]);
        return !out->hot;
    }
    uint32_t first = set_of(k, values, n_values) * WAYS;
    for (uint32_t i = first; i < first + WAYS; i++) {
        if (i != recent && match(k, &plans->entries[i], epoch, values, n_values, out)) {
            atomic_store_explicit(&plans->recent, i, memory_order_relaxed);
            out->hot = gets_hot(k, &plans->entries[i]);
            return !out->hot;
        }
    }
    return false;
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

/* Marks the scalars that an expression reads; false if its value depends on an address. */
static bool reads(const tg_sig_expr *e, uint64_t *scalars) {
    for (uint32_t i = 0; i < e->n; i++) {
        const tg_sig_instr *in = &e->code[i];
        if (in->op == TG_SE_ALIGNED) {
            return false;
        }
        if (in->op == TG_SE_SCALAR_I || in->op == TG_SE_SCALAR_F) {
            *scalars |= UINT64_C(1) << in->imm.i;
        }
    }
    return true;
}

static bool find_keyed(const tg_signature *sig, uint64_t *keyed) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        *keyed |= (uint64_t)sig->params[i].is_const << i;
    }
    for (uint32_t i = 0; i < sig->n_checks; i++) {
        if (!reads(&sig->checks[i].expr, keyed)) {
            return false;
        }
    }
    return true;
}

static tg_plans *create(tg_kernel *k, uint64_t keyed) {
    const tg_signature *sig = k->signature;
    uint32_t n = FIRST_PARAM;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        n += words_of(&sig->params[i]);
    }
    size_t size = sizeof(tg_plans) + sizeof(word) * n * ENTRIES;
    tg_plans *p = tg_alloc(&k->context->allocator, size, _Alignof(tg_plans)), *none = NULL;
    if (!p) {
        return NULL;
    }
    p->n_words = n;
    p->size = size;
    p->keyed = keyed;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        p->entries[i].words = (word *)(p + 1) + (size_t)n * i;
    }
    if (!atomic_compare_exchange_strong(&k->plans, &none, p)) {
        tg_free(&k->context->allocator, p, size);
        return none;
    }
    return p;
}

static tg_plans *plans_of(tg_kernel *k) {
    tg_plans *p = atomic_load(&k->plans);
    uint64_t keyed = 0;
    if (p || k->context->checked || !find_keyed(k->signature, &keyed)) {
        return p;
    }
    return create(k, keyed);
}

/* The first words of each parameter; false if the launch cannot be kept. */
static bool tensor_words(const tg_sig_param *p, const tg_launch_arg *a, uint64_t *w) {
    int64_t first, end;
    if (!a->tensor || !a->tensor->data || !tg_launch_arg_spread(a, &first, &end)) {
        return false;
    }
    uint64_t align = (uint64_t)tg_dtype_bits(tg_dtype_real(a->dtype)) / 8;
    w[0] = TG_ARGUMENT_TENSOR | (uint64_t)a->dtype << TYPE_SHIFT |
           (uint64_t)a->rank << RANK_SHIFT | (p->kind != TG_SP_IN ? WRITTEN : 0) |
           (align ? align - 1 : 0) << ALIGN_SHIFT;
    w[1] = (uint64_t)first;
    w[2] = (uint64_t)end;
    memcpy(&w[TENSOR_WORDS], a->tensor->shape, a->rank * sizeof *w);
    memcpy(&w[TENSOR_WORDS + a->rank], a->tensor->stride, a->rank * sizeof *w);
    return true;
}

static void scalar_words(const tg_sig_param *p, const tg_argument *v, bool keyed,
                         const tg_dtype *types, const tg_cell *cell, uint64_t *w) {
    tg_dtype to = p->kind == TG_SP_SCALAR ? tg_param_dtype(p, types) : TG_U64;
    keyed = keyed || tg_dtype_kind_of(to) == TG_KIND_COMPLEX;
    w[0] = (uint64_t)v->kind | (uint64_t)to << TO_SHIFT | (keyed ? KEYED : 0) |
           (tg_param_is_tensor(p) ? ABSENT : 0);
    w[1] = v->u.u;
    w[2] = (uint64_t)cell->i;
}

static bool make_words(const tg_kernel *k, const tg_plans *plans, const tg_argument *values,
                       uint32_t n_values, const tg_launch_arg *args, const tg_dtype *types,
                       uint64_t *w) {
    const tg_signature *sig = k->signature;
    tg_cell cells[TG_MAX_PARAMS];
    const void *pointers[TG_MAX_PARAMS];
    memset(cells, 0, sizeof cells);
    tg_cells_fill(sig, args, types, cells, pointers);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        const tg_argument *v = argument_of(values, n_values, i);
        bool is_tensor = tg_param_is_tensor(p);
        if (v->kind != TG_ARGUMENT_TENSOR) {
            bool keyed = is_tensor || v->kind == TG_ARGUMENT_NONE || plans->keyed >> i & 1;
            scalar_words(p, v, keyed, types, &cells[i], w);
        } else if (!is_tensor || !tensor_words(p, &args[i], w)) {
            return false;
        }
        w[0] |= (uint64_t)words_of(p) << WORDS_SHIFT;
        w += words_of(p);
    }
    return true;
}

void tg_plan_keep(tg_kernel *k, const tg_argument *values, uint32_t n_values,
                  const tg_launch_arg *args, const tg_dtype *types, const tg_variant *variant,
                  uint64_t epoch, uint32_t n_found) {
    tg_plans *plans = plans_of(k);
    uint64_t words[FIRST_PARAM + TG_MAX_PARAMS * (TENSOR_WORDS + 2 * TG_MAX_RANK)];
    if (!plans || !make_words(k, plans, values, n_values, args, types, words + FIRST_PARAM)) {
        return;
    }
    words[VARIANT] = bits_of_pointer(variant);
    words[EPOCH] = epoch;
    uint32_t set = set_of(k, values, n_values);
    uint32_t way = atomic_fetch_add_explicit(&plans->turn[set], 1, memory_order_relaxed) % WAYS;
    entry *e = &plans->entries[set * WAYS + way];
    uint64_t version = atomic_load(&e->version);
    if (version % 2 || !atomic_compare_exchange_strong(&e->version, &version, version + 1)) {
        return; /* somebody else is writing it */
    }
    for (uint32_t i = 0; i < plans->n_words; i++) {
        put(&e->words[i], words[i]);
    }
    atomic_store_explicit(&e->n_found, n_found, memory_order_relaxed);
    atomic_store_explicit(&e->version, version + 2, memory_order_release);
}

void tg_plans_free(tg_kernel *k) {
    tg_plans *p = atomic_load(&k->plans);
    if (p) {
        tg_free(&k->context->allocator, p, p->size);
    }
}
