/* The schedule under which a launch runs, by the context's chooser. Its answers are kept in a list of the kernel that readers walk
 * without a lock: a prepared launch pays one pointer test without a chooser, and a comparison of some words with one.
 *
 * A schedule whose code is not there yet never delays a launch that could run: while the kernel's own code is ready, that one runs
 * and the other is compiled in the background. */
#include "jit/context.h"

#include <string.h>

enum { MOST_CHOICES = 256 };

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

static size_t choice_size(uint32_t n) {
    return sizeof(tg_choice) + n * sizeof(uint64_t);
}

void tg_choices_free(tg_kernel *k) {
    tg_choice *c = atomic_load(&k->choices);
    while (c) {
        tg_choice *next = c->next;
        tg_free(&k->context->allocator, c, choice_size(c->n));
        c = next;
    }
}

static tg_kernel *find(tg_kernel *k, uint64_t epoch, const uint64_t *words, uint32_t n) {
    for (const tg_choice *c = atomic_load_explicit(&k->choices, memory_order_acquire); c;
         c = c->next) {
        if (c->epoch == epoch && c->n == n && memcmp(c->words, words, n * sizeof *words) == 0) {
            return c->kernel;
        }
    }
    return NULL;
}

/* Best effort: what is not kept is asked again. */
static void keep(tg_kernel *k, tg_kernel *chosen, uint64_t epoch, const uint64_t *words,
                 uint32_t n) {
    if (atomic_fetch_add(&k->n_choices, 1) >= MOST_CHOICES) {
        atomic_fetch_sub(&k->n_choices, 1);
        return;
    }
    tg_choice *c = tg_alloc(&k->context->allocator, choice_size(n), _Alignof(tg_choice));
    if (!c) {
        return;
    }
    c->kernel = chosen;
    c->epoch = epoch;
    c->n = n;
    memcpy(c->words, words, n * sizeof *words);
    c->next = atomic_load(&k->choices);
    while (!atomic_compare_exchange_weak_explicit(&k->choices, &c->next, c,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

/* Runs once per answer, on a miss. */
static tg_kernel *ask(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                      const tg_launch_binding *b, const uint64_t *words, uint32_t n) {
    tg_kernel *chosen = chooser->choose(chooser, k, args, b);
    tg_selection s;
    if (chosen != k) {
        tg_selection_of_launch(k, args, b, &s);
        if (!tg_variant_find(chosen, &s.key) && tg_variant_find(k, &s.key)) {
            (void)tg_selection_compile_async(chosen, &s);
        }
    }
    keep(k, chosen, chooser->epoch, words, n);
    return chosen;
}

tg_kernel *tg_choose(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b) {
    tg_chooser *chooser = atomic_load_explicit(&k->context->chooser, memory_order_acquire);
    if (!chooser || k->schedule) {
        return k;
    }
    uint64_t words[1 + 16 + 64 + TG_MAX_CONSTS];
    uint32_t n = make_words(k, args, b, words);
    tg_kernel *chosen = find(k, chooser->epoch, words, n);
    chosen = chosen ? chosen : ask(chooser, k, args, b, words, n);
    if (chosen != k && atomic_load_explicit(&chosen->n_pending, memory_order_relaxed)) {
        tg_selection s;
        tg_selection_of_launch(k, args, b, &s);
        if (!tg_variant_find(chosen, &s.key) && tg_variant_find(k, &s.key)) {
            return k; /* until the background compile is done */
        }
    }
    return chosen;
}
