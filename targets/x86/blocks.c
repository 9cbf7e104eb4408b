/* Block sizes of grid axes for which no schedule says one: tiles of an instance should fit the caches, and the axis that
 * will run in vector lanes should fill them.
 *
 * `inner` is what one index of the axis brings along: the largest product of other, non-grid sizes in a tile with it, and of
 * the iterations of short loops that compute it. */
#include "targets/x86/nest/carry.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

enum { UNKNOWN_SIZE = 1024, POINTS = 4096, LANES = 16, ROW = 8192, FEW_ROWS = 16, BYTES = 128 /* columns of them */ };

typedef struct survey {
    tg_x86 *x;
    const tg_axis *axis;
    int64_t inner;
    uint32_t later;   /* grid axes bound inside this one */
    uint32_t earlier;
    bool rows;        /* all accesses follow the rows of their tensors along this axis, and nothing else is done */
    bool ordered;     /* some access with this axis runs along another one of useful length */
    bool along;       /* some access runs along this axis */
    bool bytes;       /* of bytes: two lines, as of f32. With two lines of bf16 sums of 2048 rows of 4096 took 2.79 ms instead of 1.70 */
} survey;

static int64_t size_of(const tg_axis *a) {
    return a->extent > 0 ? a->extent : a->block > 0 ? a->block : UNKNOWN_SIZE;
}

static void see_type(survey *s, const tg_type *t, int64_t times) {
    if (t->kind != TG_TYPE_TILE || !tg_type_has_axis(t, s->axis)) {
        return;
    }
    int64_t n = times;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        n *= t->axes[i]->kind == TG_AXIS_GRID || n > 1 << 20 ? 1 : size_of(t->axes[i]);
    }
    s->inner = n > s->inner ? n : s->inner;
}

/* The last dimension, or the one before those of a few elements side by side. */
static uint32_t last_dimension(const survey *s, const tg_op *op) {
    uint32_t d = tg_op_n_indices(op) - 1;
    while (d > 0 && tg_x86_elements_of_point(s->x, tg_operand(op, 0), d - 1) > 0) {
        d--;
    }
    return d;
}

/* Does the access run along the axis, or is it the same at all of its points? */
static bool follows_rows(const survey *s, const tg_op *op, const tg_axis *a) {
    uint32_t rank = tg_op_n_indices(op) ? last_dimension(s, op) + 1 : 0;
    bool outer = false;
    for (uint32_t d = 0; d + 1 < rank; d++) {
        outer |= tg_type_has_axis(tg_op_index(op, d)->type, a);
    }
    return !outer;
}

static void see_access(survey *s, const tg_op *op) {
    uint32_t rank = tg_op_n_indices(op);
    s->rows &= follows_rows(s, op, s->axis);
    const tg_type *last = rank ? tg_op_index(op, last_dimension(s, op))->type : NULL;
    bool depends = false, is_byte = tg_dtype_size(tg_operand(op, 0)->type->dtype) == 1;
    for (uint32_t d = 0; d < rank; d++) {
        depends |= tg_type_has_axis(tg_op_index(op, d)->type, s->axis);
    }
    for (uint32_t i = 0; depends && i < last->n_axes; i++) {
        s->along |= last->axes[i] == s->axis;
        s->bytes |= last->axes[i] == s->axis && is_byte;
        s->ordered |= last->axes[i] != s->axis && size_of(last->axes[i]) >= LANES;
    }
}

static bool is_plain(tg_opcode op) {
    switch ((int)op) {
    case TG_OP_LOAD:
    case TG_OP_STORE:
    case TG_OP_IOTA:
    case TG_OP_CONST:
    case TG_OP_DIM:
    case TG_OP_ASSUME:
    case TG_OP_YIELD:
        return true;
    default:
        return false;
    }
}

static void see_region(survey *s, const tg_region *r, int64_t times) {
    int64_t first, until;
    for (const tg_op *op = r->body.first; op; op = op->next) {
        if (op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE) {
            see_access(s, op);
        }
        if (op->opcode == TG_OP_PAR && !tg_op_is_each(op)) {
            const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
            s->later += a->rank > s->axis->rank;
            s->earlier += a->rank < s->axis->rank;
        }
        s->rows &= op->n_regions == 0 ? tg_op_is_elementwise(op->opcode) || is_plain(op->opcode) : op->opcode == TG_OP_PAR;
        for (uint32_t i = 0; i < op->n_results; i++) {
            see_type(s, tg_result(op, i)->type, times);
        }
        for (uint32_t i = 0; i < op->n_regions; i++) {
            bool carry = op->opcode == TG_OP_FOR && tg_x86_is_carry(s->x, op) && tg_x86_carry_range(op, &first, &until);
            see_region(s, &op->regions[i], carry ? times * (until - first) : times);
        }
    }
}

static const tg_op *phase_of(const tg_op *op) {
    while (op && op->opcode != TG_OP_PHASE) {
        op = op->parent->parent->parent;
    }
    return op;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

int64_t tg_x86_default_block(tg_x86 *x, const tg_axis *a) {
    int64_t limit;
    if (a->block || x->f->block_dependent) {
        return a->block;
    }
    if (tg_x86_dot_default_block(x, a, &limit)) {
        return limit;
    }
    survey s = {.x = x, .axis = a, .inner = 1, .rows = true};
    const tg_op *phase = phase_of(a->binder);
    if (phase) {
        see_region(&s, &phase->regions[0], 1);
    }
    bool alone = s.later + s.earlier == 0;
    if (!s.along && !s.ordered && s.inner > 1) { /* lanes run along this axis or along none */
        return clamp(16 * POINTS / s.inner, 4 * LANES, 512);
    }
    if (s.inner > 1) {
        int64_t least = !s.along || s.ordered ? 4 : s.bytes ? BYTES : 2 * LANES; /* columns: whole lines of them */
        return alone || s.later ? clamp(POINTS / s.inner, least, 1024) : clamp(16 * POINTS / s.inner, 4 * LANES, 1024);
    }
    return alone ? 2 * POINTS : s.later ? LANES : s.rows && s.along ? ROW : 512;
}

bool tg_x86_is_few_rows(tg_x86 *x, const tg_axis *a) {
    bool by_instance = a->kind == TG_AXIS_GRID && a->binder && a->binder->opcode == TG_OP_PAR;
    int64_t most = by_instance ? tg_x86_default_block(x, a) : 0;
    return most > 0 && most <= FEW_ROWS;
}
