/* What was stored is read back.
 *
 *   for j: S[i, j] = X[i, j] + R[i, j], and its sum      a pass over a row
 *   for j: … S[i, j] …                                   later ones: one load, not two and an addition
 *
 * Tensors do not overlap, and a store that is alone with its tensor has been to all of its points when its nest ends. If S may have gone past
 * the caches (stream.c), the loop over full vectors has two versions, of which the one for that case computes the value again. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

enum { LOADS = 2 /* from so many on, one is less */ };

typedef struct stored {
    tg_op *store;
    LLVMValueRef past; /* i1: past the caches; null: never */
} stored;

static bool is_computed(const tg_x86 *x, const tg_value *v) {
    return v->type->kind == TG_TYPE_TILE && v->type->n_axes > 0 && v->def &&
           x->modes[v->id] == TG_X86_INLINE && !x->buffers[v->id];
}

/* The first time in a walk that `v` is met. */
static bool is_new(const tg_x86 *x, const tg_value *v) {
    bool seen = x->memo->at[2 * v->id].walk == x->memo->walk;
    x->memo->at[2 * v->id].walk = x->memo->walk;
    return !seen;
}

/* Reads along `a` that `v` takes. */
static unsigned reads_of(const tg_x86 *x, const tg_value *v, const tg_axis *a) {
    unsigned n = 0;
    if (!tg_type_has_axis(v->type, a) || !is_new(x, v)) {
        return 0;
    }
    if (!is_computed(x, v) || v->def->opcode == TG_OP_LOAD) {
        return 1;
    }
    for (uint32_t i = 0; i < v->def->n_operands; i++) {
        const tg_value *from = tg_operand(v->def, i);
        n += from->type->kind == TG_TYPE_TILE ? reads_of(x, from, a) : 0;
    }
    return n;
}

/* Is the element that it writes for a point of the value known to exist, and another one for each point? */
static bool is_at_its_point(tg_x86 *x, const tg_op *store) {
    const tg_type *t = tg_operand(store, 1)->type;
    int64_t proved = tg_op_int(store, TG_ATTR_IN_BOUNDS, 0);
    bool fits = tg_op_n_indices(store) == t->n_axes;
    for (uint32_t d = 0; fits && d < t->n_axes; d++) {
        const tg_axis *a = tg_x86_axis_of(tg_op_index(store, d));
        fits = a && tg_type_has_axis(t, a) &&
               (proved >> d & 1 || tg_x86_checked_at_launch(x, store, d));
        for (uint32_t e = 0; fits && e < d; e++) {
            fits = tg_x86_axis_of(tg_op_index(store, e)) != a;
        }
    }
    return fits;
}

static bool is_worth_it(const tg_x86 *x, const tg_op *store) {
    const tg_value *v = tg_operand(store, 1);
    tg_dtype t = v->type->dtype;
    if ((t != TG_F32 && t != TG_F64) || tg_operand(store, 0)->type->dtype != t ||
        !is_computed(x, v)) {
        return false;
    }
    x->memo->walk++;
    return reads_of(x, v, v->type->axes[v->type->n_axes - 1]) >= LOADS;
}

void tg_x86_note_stored(tg_x86 *x, const tg_x86_nest *n, LLVMValueRef past) {
    for (uint32_t i = 0; i < n->roots.len && !x->options->baseline; i++) {
        tg_op *op = n->roots.data[i].op;
        bool alone = n->roots.data[i].kind == TG_X86_ROOT_STORE && !tg_op_guard(op) &&
                     tg_x86_is_only_use(op);
        if (alone && is_worth_it(x, op) && is_at_its_point(x, op)) {
            stored s = {op, past};
            tg_map_set(x->stored, tg_operand(op, 1), TG_COPY_ARRAY(x->arena, stored, &s, 1));
        }
    }
}

/* Adds to `any` whether what `v` reads back has gone past the caches. */
static void walk_past(tg_x86 *x, const tg_value *v, LLVMValueRef *any) {
    if (v->type->kind != TG_TYPE_TILE || !is_new(x, v)) {
        return;
    }
    const stored *s = tg_map_get(x->stored, v);
    if (s && s->past) {
        *any = *any ? LLVMBuildOr(x->builder, *any, s->past, "") : s->past;
    }
    for (uint32_t i = 0; is_computed(x, v) && i < v->def->n_operands; i++) {
        walk_past(x, tg_operand(v->def, i), any);
    }
}

LLVMValueRef tg_x86_open_stored(tg_x86 *x, const tg_x86_nest *n) {
    LLVMValueRef any = NULL;
    x->reads_back =
        n->roots.data[0].kind != TG_X86_ROOT_SET && n->roots.data[0].kind != TG_X86_ROOT_CARRY;
    x->memo->walk++;
    for (uint32_t i = 0; x->reads_back && i < n->roots.len; i++) {
        const tg_op *op = n->roots.data[i].op;
        for (uint32_t k = 0; op && k < op->n_operands; k++) {
            walk_past(x, tg_operand(op, k), &any);
        }
    }
    bool versions = x->unit && n->vector && !n->partner && tg_x86_is_one_line(n) && !n->tile;
    x->reads_back &= !any || versions;
    return x->reads_back ? any : NULL;
}

tg_op *tg_x86_read_back(const tg_x86 *x, const tg_value *v) {
    const stored *s =
        x->reads_back && !x->boxed && !x->interior ? tg_map_get(x->stored, v) : NULL;
    return s ? s->store : NULL;
}
