/* What a tuner may vary: every place that would obey a directive of a schedule says so here when no schedule gives one, with the values
 * that are worth trying on this machine. So the list is that of schedule.c by construction: what is offered would be obeyed, at least in
 * one of the phases or nests. (With several products over one axis, a tile of one may leave too few registers for what another makes of
 * it; that candidate fails when it is compiled.) */
#include "targets/x86/dot/dot.h"

#include <string.h>

static tg_directive *find(tg_x86 *x, const char *const *target, uint32_t n) {
    for (uint32_t i = 0; i < x->directives->len; i++) {
        tg_directive *d = &x->directives->data[i];
        bool same = d->n_targets == n;
        for (uint32_t k = 0; k < n && same; k++) {
            same = strcmp(d->target[k], target[k]) == 0;
        }
        if (same) {
            return d;
        }
    }
    tg_directive fresh = {.n_targets = n};
    memcpy(fresh.target, target, n * sizeof *target);
    tg_vec_push(x->arena, x->directives, fresh);
    return &x->directives->data[x->directives->len - 1];
}

static void add_value(tg_directive *d, const char *const *value) {
    for (uint32_t i = 0; i < d->n_values; i++) {
        bool same = true;
        for (uint32_t k = 0; k < d->n_targets; k++) {
            same = same && strcmp(d->value[i][k], value[k]) == 0;
        }
        if (same) {
            return;
        }
    }
    if (d->n_values < TG_DIRECTIVE_VALUES) {
        memcpy(d->value[d->n_values++], value, d->n_targets * sizeof *value);
    }
}

void tg_x86_offer(tg_x86 *x, const char *target, const char *value) {
    if (target && value) {
        add_value(find(x, &target, 1), &value);
    }
}

const char *tg_x86_offer_target(tg_x86 *x, const char *key, const char *name) {
    return name ? tg_arena_printf(x->arena, "%s(%s)", key, name) : NULL;
}

void tg_x86_offer_vector(tg_x86 *x, const tg_axis *a, int64_t lanes) {
    for (int64_t width = lanes; width <= 4 * lanes && lanes > 1 && (a->extent < 0 || width <= a->extent); width *= 2) {
        tg_x86_offer(x, tg_x86_offer_target(x, "vector", a->name), tg_arena_printf(x->arena, "%lld", (long long)width));
    }
}

/* ---- register tiles ------------------------------------------------------------------------------------------------ */

/* Enough independent accumulators to hide the latency of two pipelines of four cycles, and hardly more loads than products: slower
 * for certain otherwise. */
static bool is_plausible(unsigned rows, unsigned vecs, bool one_row) {
    return one_row || (rows * vecs >= 8 && rows + vecs <= rows * vecs + 1);
}

static void offer_tile(tg_x86 *x, const tg_x86_dot *d, unsigned rows, unsigned vecs, unsigned lanes) {
    const char *row = d->row ? tg_x86_offer_target(x, "reg", d->row->name) : NULL;
    const char *vector = tg_x86_offer_target(x, "reg", d->vector->name);
    const char *targets[] = {vector, row};
    const char *values[] = {tg_arena_printf(x->arena, "%u", vecs * lanes), tg_arena_printf(x->arena, "%u", rows)};
    if (vector && (row || !d->row)) {
        add_value(find(x, targets, row ? 2 : 1), values);
    }
}

/* Per number of vectors the most rows that stay in registers, and two thirds of that for extents that it leaves a bad rest of. */
void tg_x86_offer_tiles(tg_x86 *x, const tg_x86_dot *d, unsigned rows, unsigned vecs, unsigned lanes) {
    unsigned have = (unsigned)x->machine->vector_regs;
    for (unsigned v = 1; v <= TG_DOT_MAX_VECS; v++) {
        unsigned most = d->row ? (have - 1) / v - 1 : 1;
        most = most > TG_DOT_MAX_ROWS ? TG_DOT_MAX_ROWS : most;
        for (unsigned k = 3; k >= 2; k--) {
            unsigned r = d->row ? most * k / 3 : 1;
            if ((r != rows || v != vecs) && r > 0 && is_plausible(r, v, !d->row)) {
                offer_tile(x, d, r, v, lanes);
            }
        }
    }
}

/* ---- orders ---------------------------------------------------------------------------------------------------------- */

static const char *order_text(tg_x86 *x, tg_op *const *pars, uint32_t n, uint32_t first, bool reversed) {
    tg_strbuf s;
    tg_strbuf_init(&s, x->arena);
    tg_strbuf_printf(&s, "(%s", tg_x86_name_of_par(pars[first]));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = reversed ? n - 1 - i : i;
        if (at != first) {
            tg_strbuf_printf(&s, ", %s", tg_x86_name_of_par(pars[at]));
        }
    }
    tg_strbuf_puts(&s, ")");
    return s.data;
}

/* Every binder outermost once, with the others as they are and turned round. Which of these the domains allow is the parser's to say. */
void tg_x86_offer_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n) {
    const char *name = tg_op_str(phase, TG_ATTR_NAME);
    const char *target = name ? tg_arena_printf(x->arena, "%s.order", name) : "order";
    for (uint32_t i = 0; i < n; i++) {
        const char *mine = tg_x86_name_of_par(pars[i]);
        for (uint32_t k = 0; k < i; k++) {
            if (!mine || !tg_x86_name_of_par(pars[k]) || strcmp(mine, tg_x86_name_of_par(pars[k])) == 0) {
                return; /* a name means all that bear it */
            }
        }
    }
    for (uint32_t i = 0; i < n && n > 1; i++) {
        if (i > 0) {
            tg_x86_offer(x, target, order_text(x, pars, n, i, false));
        }
        if (n > 2) {
            tg_x86_offer(x, target, order_text(x, pars, n, i, true));
        }
    }
}
