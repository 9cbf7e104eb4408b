/* The schedule under which a launch runs, by the context's chooser. Its answers are kept in a list of the kernel that readers walk
 * without a lock: a launch pays one pointer test without a chooser, and a comparison of some words per answer with one. The list never
 * shrinks and never has more than MOST_CHOICES entries: those of an earlier epoch are filled anew, and when all are of this one,
 * further extents run the kernel as it is.
 *
 * An entry is filled while its epoch is FILLING, by whoever put that there; a reader that sees the same epoch before and after has read
 * one answer, as no epoch comes twice.
 *
 * A schedule whose code is not there yet never delays a launch that could run: while the kernel's own code is ready, that one runs
 * and the other is compiled in the background. */
#include "jit/context.h"

#include <string.h>

enum { MOST_CHOICES = 256 };
static const uint64_t NO_EPOCH = 0, FILLING = UINT64_MAX;

static uint32_t make_words(const tg_kernel *k, const tg_launch_arg *args,
                           const tg_launch_binding *b, uint64_t *words) {
    const tg_signature *sig = k->signature;
    uint32_t n = 0;
    words[n++] = 0;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        words[0] |= (uint64_t)(args[i].tensor != NULL) << i;
    }
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        words[n++] = (uint64_t)b->types[i];
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        words[n++] = (uint64_t)b->dims[i];
    }
    for (uint32_t i = 0; i < sig->n_consts; i++) {
        memcpy(&words[n++],
               tg_dtype_is_float(b->consts[i].dtype) ? (const void *)&b->consts[i].f
                                                     : (const void *)&b->consts[i].i,
               sizeof *words);
    }
    return n;
}

static uint32_t n_words(const tg_signature *sig) {
    return 1 + sig->n_tparams + sig->n_dims + sig->n_consts;
}

static size_t choice_size(const tg_kernel *k) {
    return sizeof(tg_choice) + n_words(k->signature) * sizeof(uint64_t);
}

void tg_choices_free(tg_kernel *k) {
    tg_choice *c = atomic_load(&k->choices);
    while (c) {
        tg_choice *next = c->next;
        tg_free(&k->context->allocator, c, choice_size(k));
        c = next;
    }
}

static bool same_words(const tg_choice *c, const uint64_t *words, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (atomic_load_explicit(&c->words[i], memory_order_acquire) != words[i]) {
            return false;
        }
    }
    return true;
}

static tg_kernel *find(tg_kernel *k, uint64_t epoch, const uint64_t *words, uint32_t n) {
    for (const tg_choice *c = atomic_load_explicit(&k->choices, memory_order_acquire); c;
         c = c->next) {
        if (atomic_load_explicit(&c->epoch, memory_order_acquire) == epoch &&
            same_words(c, words, n)) {
            tg_kernel *chosen = atomic_load_explicit(&c->kernel, memory_order_acquire);
            if (atomic_load_explicit(&c->epoch, memory_order_relaxed) == epoch) {
                return chosen;
            }
        }
    }
    return NULL;
}

/* An entry to fill: one whose answer no longer counts, or a new one. Null: the list is full, or memory. */
static tg_choice *take(tg_kernel *k, uint64_t epoch) {
    for (tg_choice *c = atomic_load_explicit(&k->choices, memory_order_acquire); c;
         c = c->next) {
        uint64_t e = atomic_load_explicit(&c->epoch, memory_order_relaxed);
        if (e != epoch && e != FILLING &&
            atomic_compare_exchange_strong(&c->epoch, &e, FILLING)) {
            return c;
        }
    }
    tg_choice *c = NULL;
    if (atomic_fetch_add(&k->n_choices, 1) < MOST_CHOICES) {
        c = tg_alloc(&k->context->allocator, choice_size(k), _Alignof(tg_choice));
    }
    if (!c) {
        atomic_fetch_sub(&k->n_choices, 1);
        return NULL;
    }
    atomic_init(&c->epoch, FILLING);
    c->next = atomic_load(&k->choices);
    while (!atomic_compare_exchange_weak_explicit(&k->choices, &c->next, c,
                                                  memory_order_release, memory_order_relaxed)) {
    }
    return c;
}

/* Release: who reads one of these stores and asks for the epoch again sees FILLING or what came after. */
static void fill(tg_choice *c, tg_kernel *chosen, uint64_t epoch, const uint64_t *words,
                 uint32_t n) {
    atomic_store_explicit(&c->kernel, chosen, memory_order_release);
    for (uint32_t i = 0; i < n; i++) {
        atomic_store_explicit(&c->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&c->epoch, epoch, memory_order_release);
}

/* Runs once per answer, on a miss. The place for the answer comes first: an answer that cannot be kept would be asked for, and a kernel
 * made for it, again and again. */
static tg_kernel *ask(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                      const tg_launch_binding *b, uint64_t epoch, const uint64_t *words,
                      uint32_t n) {
    tg_choice *c = take(k, epoch);
    if (!c) {
        return k;
    }
    tg_kernel *chosen = chooser->choose(chooser, k, args, b);
    if (!chosen) {
        atomic_store(&c->epoch, NO_EPOCH);
        return k;
    }
    tg_selection s;
    if (chosen != k) {
        tg_selection_of_launch(k, args, b, &s);
        if (!tg_variant_find(chosen, &s.key) && tg_variant_find(k, &s.key)) {
            (void)tg_selection_compile_async(chosen, &s);
        }
    }
    fill(c, chosen, epoch, words, n);
    return chosen;
}

tg_kernel *tg_choose(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b,
                     uint64_t *epoch) {
    tg_chooser *chooser = atomic_load_explicit(&k->context->chooser, memory_order_acquire);
    *epoch = TG_NO_CHOOSER;
    if (!chooser || k->schedule || tg_launch_has_packed(k, args)) {
        return k;
    }
    uint64_t words[1 + TG_SIG_MAX_TYPES + TG_SIG_MAX_DIMS + TG_SIG_MAX_CONSTS];
    uint32_t n = make_words(k, args, b, words);
    uint64_t now = atomic_load(&chooser->epoch);
    tg_kernel *chosen = find(k, now, words, n);
    *epoch = chosen ? now : TG_NOT_SETTLED;
    chosen = chosen ? chosen : ask(chooser, k, args, b, now, words, n);
    if (chosen != k && atomic_load_explicit(&chosen->n_pending, memory_order_relaxed)) {
        tg_selection s;
        tg_selection_of_launch(k, args, b, &s);
        if (!tg_variant_find(chosen, &s.key) && tg_variant_find(k, &s.key)) {
            *epoch = TG_NOT_SETTLED;
            return k; /* until the background compile is done */
        }
    }
    return chosen;
}
