/* What a schedule sets, as the emitters ask for it (language.md section 11).
 *
 * Whoever obeys an item says so (tg_x86_sched_obey). Items of the keys below that nobody obeyed end the compilation: a schedule
 * that has no effect would mislead whoever measures it. Other keys are advice that this target does not take; docs/status.md lists
 * them. Code for unusual strides alone does what it can: it follows on code that has obeyed. An item for several axes of one name is obeyed if one of them could be. */
#include "targets/x86/dot/dot.h"

#include <string.h>

static const struct {
    const char *key, *why;
    bool fma; /* advice for machines without: they have no products in registers */
} obeyed_keys[] = {
    {"order", "names no axis of a grid", false},
    {"reg", "is neither the row nor the vector axis of a product in registers", true},
    {"vector", "is not an axis that vector lanes can run along", true},
    {"pack", "is not an operand of a product in registers, or cannot be read as asked", true},
};
enum { N_OBEYED = sizeof obeyed_keys / sizeof *obeyed_keys };

_Noreturn static void refuse(tg_x86 *x, const char *text) {
    x->message = text;
    tg_unwind_to(x->unwind, TG_ERROR_COMPILE);
}

void tg_x86_sched_open(tg_x86 *x) {
    x->obeyed = TG_NEW_ARRAY(x->arena, bool, x->f->schedule.len + 1);
}

void tg_x86_sched_obey(tg_x86 *x, const tg_sched_item *item) {
    x->obeyed[item - x->f->schedule.data] = true;
}

static bool same_target(const tg_sched_item *a, const tg_sched_item *b) {
    return strcmp(a->key, b->key) == 0 && a->arg == b->arg;
}

static bool is_obeyed(const tg_x86 *x, const tg_sched_item *item) {
    for (uint32_t i = 0; i < x->f->schedule.len; i++) {
        if (x->obeyed[i] && same_target(&x->f->schedule.data[i], item)) {
            return true;
        }
    }
    return false;
}

void tg_x86_sched_close(tg_x86 *x) {
    for (uint32_t i = 0; i < x->f->schedule.len; i++) {
        const tg_sched_item *item = &x->f->schedule.data[i];
        for (int k = 0; k < N_OBEYED; k++) {
            bool taken = x->machine->has_fma || !obeyed_keys[k].fma;
            if (taken && strcmp(item->key, obeyed_keys[k].key) == 0 && !is_obeyed(x, item)) {
                refuse(x, tg_arena_printf(x->arena, "%s%s%s%s: %s %s", item->key, item->arg ? "(" : "",
                                          item->arg ? item->arg : "", item->arg ? ")" : "",
                                          item->arg ? "it" : "the value", obeyed_keys[k].why));
            }
        }
    }
}

/* ---- vector lanes --------------------------------------------------------------------------------------------------- */

const tg_sched_item *tg_x86_sched_vector(const tg_x86 *x, const tg_axis *a) {
    return x->options->baseline ? NULL : tg_func_scheduled(x->f, "vector", a, NULL);
}

/* ---- the register tile of a dot ------------------------------------------------------------------------------------------ */

/* Registers of `rows` × `vecs` accumulators: one more per vector and one for the broadcast value. */
static void check_registers(tg_x86 *x, unsigned rows, unsigned vecs) {
    unsigned need = rows * vecs + vecs + 1, have = (unsigned)x->machine->vector_regs;
    if (need > have || rows > TG_DOT_MAX_ROWS || vecs > TG_DOT_MAX_VECS) {
        refuse(x, tg_arena_printf(x->arena,
                                  "a register tile of %u rows by %u vectors needs %u registers; this machine has %u, "
                                  "and at most %d rows by %d vectors are supported",
                                  rows, vecs, need, have, TG_DOT_MAX_ROWS, TG_DOT_MAX_VECS));
    }
}

/* Columns that are known to be fewer than the usual tile's leave registers to more rows: six of one vector would wait for one another. */
static void fit_tile(const tg_x86_dot *d, unsigned lanes, unsigned *rows, unsigned *vecs) {
    int64_t columns = d->vector->extent, enough = columns > 0 ? (columns + lanes - 1) / lanes : *vecs;
    if (enough < *vecs) {
        unsigned most = *rows * *vecs / (unsigned)enough;
        *rows = most < TG_DOT_MAX_ROWS ? most : TG_DOT_MAX_ROWS;
        *vecs = (unsigned)enough;
    }
}

void tg_x86_dot_register_tile(tg_x86 *x, const tg_x86_dot *d, unsigned *rows, unsigned *vecs) {
    unsigned lanes = (unsigned)(x->machine->vector_bits / tg_dtype_bits(d->dtype));
    if (d->amx) { /* a panel is two blocks of sums wide */
        *rows = TG_AMX_TILES * TG_AMX_ROWS;
        *vecs = 2 * TG_AMX_TILES;
        tg_x86_offer_tiles(x, d, *rows, *vecs, lanes);
        return;
    }
    tg_x86_dot_tile_shape(x->machine->vector_regs, rows, vecs);
    const tg_sched_item *row = d->row ? tg_func_scheduled(x->f, "reg", d->row, NULL) : NULL;
    const tg_sched_item *vector = tg_func_scheduled(x->f, "reg", d->vector, NULL);
    if (row) {
        *rows = row->integer < 1000 ? (unsigned)row->integer : 1000;
        tg_x86_sched_obey(x, row);
    }
    if (vector) {
        if (vector->integer % lanes || vector->integer > 1000 * (int64_t)lanes) {
            refuse(x, tg_arena_printf(x->arena, "reg(%s) = %lld is no multiple of the %u lanes of a vector", d->vector->name,
                                      (long long)vector->integer, lanes));
        }
        *vecs = (unsigned)vector->integer / lanes;
        tg_x86_sched_obey(x, vector);
    }
    if (!row && !vector) {
        fit_tile(d, lanes, rows, vecs);
    }
    *rows = d->row ? *rows : 1;
    if (row || vector) {
        check_registers(x, *rows, *vecs);
    } else {
        tg_x86_offer_tiles(x, d, *rows, *vecs, lanes);
    }
}

const tg_sched_item *tg_x86_sched_pack(const tg_x86 *x, const tg_value *v) {
    const tg_value *tensor = v->def && v->def->opcode == TG_OP_LOAD ? tg_operand(v->def, 0) : NULL;
    return tensor && tensor->name ? tg_func_scheduled(x->f, "pack", NULL, tensor->name) : NULL;
}

/* ---- order of a grid ------------------------------------------------------------------------------------------------------- */

const char *tg_x86_name_of_par(const tg_op *par) {
    const tg_axis *a = tg_op_is_each(par) ? NULL : tg_op_axis(par, TG_ATTR_AXIS);
    return a ? a->name : par->regions[0].body.args[0]->name;
}

static int64_t place_in(const tg_sched_item *order, const tg_op *par) {
    const char *name = tg_x86_name_of_par(par);
    for (uint32_t i = 0; name && i < order->n_names; i++) {
        if (strcmp(order->names[i], name) == 0) {
            return i;
        }
    }
    return -1; /* not named: outside of those that are */
}

/* A task sums over all of a loop, so no loop can stand outside of all axes of the grid. Between them its place is advice: the
 * nest of a product is columns, parts of the loop, rows. */
static void check_first(tg_x86 *x, const tg_sched_item *order, tg_op *const *pars, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (place_in(order, pars[i]) == 0) {
            return;
        }
    }
    refuse(x, tg_arena_printf(x->arena, "order: '%s' is a loop and stands outside of the axes of the grid; a task sums over all of it",
                              order->names[0]));
}

bool tg_x86_sched_order(tg_x86 *x, const tg_op *phase, tg_op *const *pars, uint32_t n, uint32_t *sorted) {
    const char *name = tg_op_str(phase, TG_ATTR_NAME);
    const tg_sched_item *order = name ? tg_func_scheduled(x->f, "order", NULL, name) : NULL;
    order = order ? order : tg_func_scheduled(x->f, "order", NULL, NULL);
    bool moved = false, named = false;
    if (!order) {
        tg_x86_offer_order(x, phase, pars, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        for (; order && k > 0 && place_in(order, pars[sorted[k - 1]]) > place_in(order, pars[i]); k--) {
            sorted[k] = sorted[k - 1];
            moved = true;
        }
        sorted[k] = i;
        named = named || (order && place_in(order, pars[i]) >= 0);
    }
    if (named) {
        check_first(x, order, pars, n);
        tg_x86_sched_obey(x, order);
    }
    return moved;
}
