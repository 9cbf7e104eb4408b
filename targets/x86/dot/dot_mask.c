/* Masks: comparisons of indices in what is done with the sums, as causal attention has them,
 *
 *   s = j <= i + off ? s : -inf          rows j, columns i
 *
 * are the same at all points of most tiles. Both sides are affine, so the corners of a tile tell. Where all masks hold, the roots run without
 * them; where one does not that has to for a sum to be read at all, the products are left out.
 *
 * Nothing here may wrap round: indices do not, but scalars may be any number. So forms are of small numbers only: of what counts points, and of
 * what was 32 bits wide. */
#include "targets/x86/dot/dot_nest.h"

#include "dsl/ir/affine.h"

enum { MAX_MASKS = 4, MAX_TERMS = 16, DEPTH = 8 };
static const int64_t MOST_COEFF = 1 << 8, MOST_CONSTANT = INT64_C(1) << 48;

typedef struct mask {
    tg_value *test;
    tg_affine excess; /* at least 0 where it holds */
    bool decides;     /* sums are read only where it holds */
} mask;

struct tg_dot_masks {
    mask at[MAX_MASKS];
    uint32_t n;
};

/* ---- finding them ------------------------------------------------------------------------------------------------ */

static bool is_count(const tg_value *v) {
    const tg_op *owner = v->def ? v->def : v->block->parent->parent; /* null: parameter */
    switch (owner ? (int)owner->opcode : TG_OP_CONST) {
    case TG_OP_DIM:
    case TG_OP_AXIS_FIRST:
    case TG_OP_AXIS_SIZE:
    case TG_OP_AXIS_BLOCK:
    case TG_OP_AXIS_COUNT:
        return true;
    case TG_OP_CAST:
        return tg_dtype_kind_of(tg_operand(owner, 0)->type->dtype) != TG_KIND_FLOAT && tg_dtype_bits(tg_operand(owner, 0)->type->dtype) <= 32;
    default:
        return owner && !v->def && v->index == 0 && tg_op_is_each(owner);
    }
}

/* Is the term known at a tile's first point? */
static bool is_known(const tg_dot_nest *n, const tg_x86_frame *f, const tg_affine_term *t) {
    bool small = t->coeff >= -MOST_COEFF && t->coeff <= MOST_COEFF;
    if (!small || !t->axis) {
        return small && is_count(t->symbol);
    }
    const tg_x86_val *index = tg_x86_frame_index(f, t->axis);
    return !t->symbol && (t->axis == n->e.d->vector || tg_axes_contain(n->row_axes, n->n_row_axes, t->axis) || (index && !index->step));
}

/* By how much the comparison holds. */
static bool excess_of(const tg_dot_nest *n, const tg_x86_frame *f, const tg_op *cmp, tg_affine *out) {
    tg_arena *arena = n->e.x->arena;
    tg_enum pred = tg_op_enum(cmp, TG_ATTR_PRED, TG_EQ);
    bool greater = pred == TG_GT || pred == TG_GE, strict = pred == TG_GT || pred == TG_LT;
    tg_affine left, right;
    if (!greater && pred != TG_LT && pred != TG_LE) {
        return false;
    }
    if (!tg_affine_of(arena, tg_operand(cmp, greater ? 0 : 1), &left) || !tg_affine_of(arena, tg_operand(cmp, greater ? 1 : 0), &right) ||
        !tg_affine_sub(arena, &left, &right, out)) {
        return false;
    }
    bool known = out->constant > -MOST_CONSTANT && out->constant < MOST_CONSTANT && out->terms.len <= MAX_TERMS;
    for (uint32_t i = 0; i < out->terms.len && known; i++) {
        known = is_known(n, f, &out->terms.data[i]);
    }
    out->constant -= strict;
    return known;
}

/* Does `test` hold wherever the condition does? */
static bool needs(const tg_value *condition, const tg_value *test, int depth) {
    const tg_op *op = condition->def;
    if (condition == test || !op || depth == 0) {
        return condition == test;
    }
    bool both = op->opcode == TG_OP_AND || op->opcode == TG_OP_BROADCAST;
    for (uint32_t i = 0; i < op->n_operands && both; i++) {
        if (needs(tg_operand(op, i), test, depth - 1)) {
            return true;
        }
    }
    return false;
}

/* Is what becomes of the value taken only where the test holds? */
static bool is_read_under(tg_map *seen, tg_value *v, const tg_value *test) {
    if (tg_map_has(seen, v)) {
        return true;
    }
    tg_map_set(seen, v, v);
    for (const tg_use *u = v->uses; u; u = u->next) {
        const tg_op *op = u->user;
        bool chosen = op->opcode == TG_OP_SELECT && u == &op->operands[1] && needs(tg_operand(op, 0), test, DEPTH);
        if (!chosen && !(tg_op_is_elementwise(op->opcode) && is_read_under(seen, tg_result(op, 0), test))) {
            return false;
        }
    }
    return true;
}

static void add_mask(tg_dot_nest *n, const tg_x86_frame *f, tg_value *test) {
    tg_dot_masks *all = n->masks;
    const tg_x86_dot *d = n->e.d;
    bool varies = tg_type_has_axis(test->type, d->vector) || tg_type_has_axis(test->type, n->row_axes[n->n_row_axes - 1]);
    mask m = {.test = test};
    if (varies && all->n < MAX_MASKS && tg_operand(test->def, 0)->type->dtype == TG_I64 && excess_of(n, f, test->def, &m.excess)) {
        m.decides = d->op->n_operands <= 2 && is_read_under(tg_map_create(n->e.x->arena), tg_result(d->op, 0), test);
        all->at[all->n++] = m;
    }
}

static void find_masks(tg_dot_nest *n, const tg_x86_frame *f, tg_map *seen, tg_value *v) {
    tg_op *op = v->def;
    if (!op || tg_map_has(seen, v) || !tg_op_is_elementwise(op->opcode)) {
        return;
    }
    tg_map_set(seen, v, v);
    if (op->opcode == TG_OP_CMP) {
        add_mask(n, f, v);
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        find_masks(n, f, seen, tg_operand(op, i));
    }
}

void tg_dot_plan_masks(tg_dot_nest *n) {
    tg_x86 *x = n->e.x;
    tg_map *seen = tg_map_create(x->arena);
    tg_x86_frame *f = tg_x86_dot_frame(&n->e);
    if (n->compact || n->e.d->amx || !n->n_row_axes) {
        return;
    }
    n->masks = TG_NEW(x->arena, tg_dot_masks);
    for (uint32_t i = 0; i < n->e.d->roots.len; i++) {
        const tg_x86_root *r = &n->e.d->roots.data[i];
        for (uint32_t k = 0; r->op && k < r->op->n_operands; k++) {
            find_masks(n, f, seen, tg_operand(r->op, k));
        }
        if (!r->op) {
            find_masks(n, f, seen, r->value);
        }
    }
    n->masks = n->masks->n ? n->masks : NULL;
}

/* ---- tiles ------------------------------------------------------------------------------------------------------- */

static LLVMValueRef add(tg_dot_nest *n, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildAdd(n->e.l->builder, a, b, "");
}

/* Of an axis at the first point of the tile. */
static LLVMValueRef first_index(tg_dot_nest *n, const tg_x86_frame *f, const tg_axis *a) {
    LLVMValueRef first = n->e.x->ranges[a->rank].first;
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        if (a == n->row_axes[i]) {
            return add(n, first, n->row_index[0][i]);
        }
    }
    return a == n->e.d->vector ? add(n, first, n->p.column) : tg_x86_frame_index(f, a)->v;
}

/* The least excess in the tile, or the greatest: that of a corner. The rows of a tile in line are points of the last row axis. */
static LLVMValueRef extreme(tg_dot_nest *n, const mask *m, bool greatest) {
    tg_dot_emission *e = &n->e;
    const tg_x86_frame *f = tg_x86_dot_frame(e);
    int64_t constant = m->excess.constant;
    LLVMValueRef sum = tg_llvm_i64(e->l, 0);
    for (uint32_t i = 0; i < m->excess.terms.len; i++) {
        const tg_affine_term *t = &m->excess.terms.data[i];
        LLVMValueRef v = t->axis ? first_index(n, f, t->axis) : tg_x86_scalar_of(e->x, t->symbol);
        int64_t points = t->axis == e->d->vector ? e->vecs * e->lanes : t->axis && t->axis == n->row_axes[n->n_row_axes - 1] ? e->rows : 1;
        constant += greatest == (t->coeff > 0) ? t->coeff * (points - 1) : 0;
        sum = add(n, sum, LLVMBuildMul(e->l->builder, v, tg_llvm_i64(e->l, t->coeff), ""));
    }
    return add(n, sum, tg_llvm_i64(e->l, constant));
}

LLVMValueRef tg_dot_masks_hold(tg_dot_nest *n) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef all = NULL;
    for (uint32_t i = 0; i < n->masks->n; i++) {
        LLVMValueRef holds = LLVMBuildICmp(b, LLVMIntSGE, extreme(n, &n->masks->at[i], false), tg_llvm_i64(n->e.l, 0), "");
        all = all ? LLVMBuildAnd(b, all, holds, "") : holds;
    }
    return all;
}

LLVMValueRef tg_dot_is_hidden(tg_dot_nest *n) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef any = NULL;
    for (uint32_t i = 0; i < n->masks->n && !n->copies; i++) { /* the first tile may have to pack the panel */
        if (n->masks->at[i].decides) {
            LLVMValueRef fails = LLVMBuildICmp(b, LLVMIntSLT, extreme(n, &n->masks->at[i], true), tg_llvm_i64(n->e.l, 0), "");
            any = any ? LLVMBuildOr(b, any, fails, "") : fails;
        }
    }
    return any ? LLVMBuildAnd(b, any, n->in_line, "") : NULL;
}

void tg_dot_assume_masks(tg_dot_nest *n, tg_x86_frame *f) {
    tg_x86 *x = n->e.x;
    for (uint32_t i = 0; i < n->masks->n; i++) {
        tg_value *test = n->masks->at[i].test;
        tg_x86_memo(x, tg_x86_frame_of_value(f, test), test, (tg_x86_val){LLVMConstInt(x->l->i1, 1, 0), NULL, NULL});
    }
}
