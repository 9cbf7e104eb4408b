/* Block sizes and counts of a phase's grid, chosen at launch: never above the schedule's, smaller if there would be too few tasks for
 * the threads; exactly those a schedule sets, or if the kernel's meaning depends on them. */
#include "targets/x86/grid.h"

#include "targets/x86/dot/dot.h"

uint32_t tg_x86_collect_pars(tg_op *phase, tg_x86_grid_par *out) {
    uint32_t n = 0;
    tg_block *b = &phase->regions[0].body;
    while (b) {
        tg_op *par = NULL;
        for (tg_op *op = b->first; op; op = op->next) {
            par = op->opcode == TG_OP_PAR ? op : par;
        }
        b = NULL;
        if (par && n < TG_X86_MAX_PARS) {
            out[n++].op = par;
            b = &par->regions[0].body;
        }
    }
    return n;
}

enum { FEW_ROWS = 16 };

/* Elements that one index of the axis brings along in tiles of the binder's body, as the entry knows them; null: it does not. */
static LLVMValueRef row_length(tg_x86 *x, const tg_axis *a) {
    LLVMValueRef n = NULL;
    for (tg_op *op = a->binder->regions[0].body.first; op; op = op->next) {
        if (op->opcode == TG_OP_AXIS && tg_x86_is_launch_value(tg_operand(op, 0))) {
            LLVMValueRef extent = tg_x86_launch_value(x, tg_operand(op, 0));
            n = n ? LLVMBuildMul(x->builder, n, extent, "") : extent;
        }
    }
    return n;
}

/* Is a value that it stores read by others as well (stored.c)? */
static bool keeps_stored(const tg_block *body) {
    bool keeps = false;
    for (const tg_op *op = body->first; op && !keeps; op = op->next) {
        const tg_value *v = op->opcode == TG_OP_STORE ? tg_operand(op, 1) : NULL;
        keeps = v && v->def && tg_op_is_elementwise(v->def->opcode) && v->uses->next;
    }
    return keeps;
}

/* Does the value wait for a reduction? `steps`: how many operations may still be looked at. */
static bool waits(const tg_value *v, unsigned *steps) {
    const tg_op *op = v->def;
    if (!op || *steps == 0 || op->opcode == TG_OP_REDUCE) {
        return op && *steps > 0;
    }
    --*steps;
    bool found = false;
    for (uint32_t i = 0; i < op->n_operands && !found; i++) {
        found = tg_operand(op, i)->type->kind == TG_TYPE_TILE && waits(tg_operand(op, i), steps);
    }
    return found;
}

/* Does a pass that only sums wait for another one? It may request the rows of the next block. */
static bool sums_twice(const tg_block *body) {
    enum { STEPS = 64 };
    bool twice = false;
    for (const tg_op *op = body->first; op && !twice; op = op->next) {
        unsigned steps = STEPS;
        twice = op->opcode == TG_OP_REDUCE && waits(tg_operand(op, 0), &steps);
    }
    return twice;
}

typedef struct reach {
    bool rows, columns; /* of the axis, and of others */
} reach;

static reach reach_of(const tg_op *op, const tg_axis *a) {
    reach r = {0};
    for (uint32_t d = 0; (op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE) && d < tg_op_n_indices(op); d++) {
        const tg_type *t = tg_op_index(op, d)->type;
        r.rows |= tg_type_has_axis(t, a);
        r.columns |= t->n_axes > 0 && t->axes[t->n_axes - 1] != a;
    }
    return r;
}

tg_x86_point_bytes tg_x86_bytes_of_point(const tg_x86 *x, const tg_axis *a) {
    const tg_machine *m = x->machine;
    const tg_block *body = &a->binder->regions[0].body;
    bool requests = (m->requests && keeps_stored(body)) || (m->requests_rows && sums_twice(body));
    tg_x86_point_bytes bytes = {0};
    for (const tg_op *op = body->first; op; op = op->next) {
        reach r = reach_of(op, a);
        int64_t size = r.columns ? (int64_t)tg_dtype_size(tg_operand(op, 0)->type->dtype) : 0;
        bytes.own += r.rows ? size * (op->opcode == TG_OP_LOAD && requests ? 2 : 1) : 0;
        bytes.shared += r.rows ? 0 : size;
    }
    return bytes;
}

/* Several passes over the rows of an instance: these should stay in the first level, and be several, as the next row's loop runs while
 * this one's sum is folded and its root taken. */
static LLVMValueRef few_rows(tg_x86 *x, const tg_axis *a, int64_t limit) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef rows = tg_llvm_i64(x->l, limit), length = NULL;
    int64_t bytes = limit <= FEW_ROWS && a->binder && a->binder->opcode == TG_OP_PAR ? tg_x86_bytes_of_point(x, a).own : 0;
    if (bytes > 0) {
        length = row_length(x, a);
    }
    for (int64_t r = limit / 2; length && r > 0; r /= 2) {
        LLVMValueRef fit = tg_llvm_i64(x->l, x->machine->l1_bytes / (2 * r * bytes));
        rows = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSGT, length, fit, ""), tg_llvm_i64(x->l, r), rows, "");
    }
    return rows;
}

static bool may_be_smaller(const tg_x86 *x, const tg_axis *a) { return !x->f->block_dependent && !a->scheduled; }

/* Literally a few points inside another axis, as those of channels: others are cut instead. */
static bool is_short_inside(const tg_axis *a) {
    const tg_op *outer = a->binder->parent->parent->parent;
    return a->extent > 0 && a->extent <= TG_X86_CLOSE_LANES && outer && outer->opcode == TG_OP_PAR;
}

/* Largest block that still gives `want` tasks, within the schedule's limit, in steps of 16 where that is fine enough. */
static LLVMValueRef choose_block(tg_x86 *x, const tg_axis *a, LLVMValueRef extent, LLVMValueRef want) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_i64(x->l, 1);
    int64_t limit = tg_x86_default_block(x, a);
    if (!limit) {
        return tg_llvm_max64(x->l, extent, one);
    }
    LLVMValueRef bound = tg_llvm_i64(x->l, limit);
    if (!may_be_smaller(x, a)) {
        return bound;
    }
    if (is_short_inside(a)) {
        return tg_llvm_i64(x->l, a->extent);
    }
    LLVMValueRef share = tg_llvm_max64(x->l, tg_llvm_ceil_div(x->l, extent, want), one);
    if (limit >= 32) {
        share = LLVMBuildAnd(b, LLVMBuildAdd(b, share, tg_llvm_i64(x->l, 15), ""), tg_llvm_i64(x->l, -16), "");
    }
    return tg_llvm_min64(x->l, share, few_rows(x, a, limit));
}

static void set_count(tg_x86 *x, tg_x86_grid_par *p, LLVMValueRef block, LLVMValueRef extent, LLVMValueRef *total) {
    p->block = block;
    p->count = tg_llvm_ceil_div(x->l, extent, block);
    *total = LLVMBuildMul(x->builder, *total, p->count, "");
}

/* May one block be the whole axis? Its extent is known then, and no schedule says otherwise. */
static bool takes_all(const tg_x86_grid_par *p, LLVMValueRef extent) {
    int64_t size;
    return !p || (tg_llvm_is_const(extent, &size) && size > 0 && !tg_op_axis(p->op, TG_ATTR_AXIS)->scheduled);
}

/* Images that are taken together, of the rows that one of them has in a task. */
static LLVMValueRef images(tg_x86 *x, const tg_x86_grid_par *pars, const LLVMValueRef *extents, uint32_t n, const tg_x86_dot *d, const tg_axis *image) {
    LLVMValueRef one = tg_llvm_i64(x->l, 1), rows = one;
    for (uint32_t i = 0; i < n; i++) {
        const tg_axis *a = tg_op_is_each(pars[i].op) ? NULL : tg_op_axis(pars[i].op, TG_ATTR_AXIS);
        if (a && a != image && tg_type_has_axis(tg_operand(d->op, 1 - d->side)->type, a)) {
            int64_t limit = tg_x86_default_block(x, a);
            rows = LLVMBuildMul(x->builder, rows, limit ? tg_llvm_min64(x->l, extents[i], tg_llvm_i64(x->l, limit)) : extents[i], "");
        }
    }
    return tg_llvm_max64(x->l, LLVMBuildUDiv(x->builder, tg_llvm_i64(x->l, TG_DOT_ROWS_TOGETHER), tg_llvm_max64(x->l, rows, one), ""), one);
}

/* Blocks of one size, so many that all threads have the same number of them, where there are enough for all: 56 rows in blocks of 8 are seven
 * tasks, of which one of two threads has four, and 14 are a block of 8 and one of 6. `before`: tasks that other axes make of each. */
static LLVMValueRef even_block(tg_x86 *x, LLVMValueRef block, LLVMValueRef extent, LLVMValueRef threads, LLVMValueRef before) {
    LLVMBuilderRef b = x->builder;
    int64_t known;
    if (tg_llvm_is_const(threads, &known) && known == 1) {
        return block;
    }
    LLVMValueRef one = tg_llvm_i64(x->l, 1), count = tg_llvm_ceil_div(x->l, extent, block), tasks = LLVMBuildMul(b, count, before, "");
    LLVMValueRef even = LLVMBuildMul(b, tg_llvm_ceil_div(x->l, tasks, threads), threads, "");
    LLVMValueRef enough = LLVMBuildICmp(b, LLVMIntSGE, tasks, threads, "");
    LLVMValueRef parts = tg_llvm_ceil_div(x->l, LLVMBuildSelect(b, enough, even, tasks, ""), tg_llvm_max64(x->l, before, one));
    LLVMValueRef smaller = tg_llvm_max64(x->l, tg_llvm_ceil_div(x->l, extent, tg_llvm_max64(x->l, parts, one)), one);
    return LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSGT, threads, one, ""), smaller, block, "");
}

/* A grid that is one contraction: its two main axes share what tasks the other axes do not make. */
static void size_dot_grid(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, const LLVMValueRef *extents, uint32_t n,
                          LLVMValueRef threads, tg_x86_dot_grid *g, LLVMValueRef *total) {
    tg_x86_grid_par *vector = NULL, *row = NULL;
    LLVMValueRef one = tg_llvm_i64(x->l, 1), vector_extent = one, row_extent = one;
    for (uint32_t i = 0; i < n; i++) {
        const tg_axis *a = tg_op_is_each(pars[i].op) ? NULL : tg_op_axis(pars[i].op, TG_ATTR_AXIS);
        if (a && a == g->vector) {
            vector = &pars[i];
            vector_extent = extents[i];
        } else if (a && a == g->row) {
            row = &pars[i];
            row_extent = extents[i];
        } else {
            LLVMValueRef block = a ? choose_block(x, a, extents[i], one) : pars[i].block;
            if (a && tg_x86_dot_is_image(x, g->dot, a)) {
                block = tg_llvm_min64(x->l, block, images(x, pars, extents, n, g->dot, a));
            }
            if (a && may_be_smaller(x, a)) {
                block = even_block(x, block, extents[i], threads, *total);
            }
            set_count(x, &pars[i], block, extents[i], total);
        }
    }
    int64_t one_thread;
    if (tg_llvm_is_const(threads, &one_thread) && takes_all(vector, vector_extent) && takes_all(row, row_extent)) {
        g->vector_block = vector_extent;
        g->row_block = row_extent;
    } else {
        tg_x86_dot_blocks(x, phase, threads, &(tg_x86_dot_shape){vector_extent, row_extent, *total}, g);
    }
    if (vector) {
        set_count(x, vector, g->vector_block, vector_extent, total);
    }
    if (row) {
        set_count(x, row, g->row_block, row_extent, total);
    }
}

/* Numbers of the binders, outermost first. */
static void order_grid(tg_x86 *x, tg_op *phase, const tg_x86_grid_par *pars, uint32_t n, tg_x86_apart *apart, uint32_t *sorted) {
    tg_op *ops[TG_X86_MAX_PARS];
    for (uint32_t i = 0; i < n; i++) {
        ops[i] = pars[i].op;
    }
    x->permuted = tg_x86_sched_order(x, phase, ops, n, sorted);
    uint32_t at = 0;
    while (apart->by && &pars[sorted[at]] != apart->by) {
        at++;
    }
    if (at > 0 && x->permuted) {
        apart->by = NULL;
        return;
    }
    for (uint32_t i = at; i > 0; i--) {
        sorted[i] = sorted[i - 1];
        x->permuted = true;
    }
    sorted[0] = apart->by ? (uint32_t)(apart->by - pars) : sorted[0];
}

static void size_axis(tg_x86 *x, tg_x86_grid_par *p, LLVMValueRef extent, LLVMValueRef target, LLVMValueRef *total) {
    LLVMValueRef want = tg_llvm_ceil_div(x->l, target, tg_llvm_max64(x->l, *total, tg_llvm_i64(x->l, 1)));
    LLVMValueRef block = tg_op_is_each(p->op) ? p->block : choose_block(x, tg_op_axis(p->op, TG_ATTR_AXIS), extent, want);
    set_count(x, p, block, extent, total);
}

LLVMValueRef tg_x86_size_grid(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, uint32_t n, LLVMValueRef threads, int64_t few, tg_x86_apart *apart) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_i64(x->l, 1), total = one, zero = tg_llvm_i64(x->l, 0);
    LLVMValueRef many = few ? tg_llvm_min64(x->l, threads, tg_llvm_i64(x->l, few)) : LLVMBuildMul(b, threads, tg_llvm_i64(x->l, 4), "");
    LLVMValueRef target = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSGT, threads, one, ""), many, one, "");
    LLVMValueRef extents[TG_X86_MAX_PARS];
    for (uint32_t i = 0; i < n; i++) {
        extents[i] = tg_llvm_max64(x->l, tg_x86_launch_value(x, tg_operand(pars[i].op, 0)), zero);
        pars[i].block = tg_op_is_each(pars[i].op) ? tg_llvm_i64(x->l, tg_op_int(pars[i].op, TG_ATTR_STEP, 1)) : NULL;
    }
    tg_x86_dot_grid dot;
    bool contraction = tg_x86_dot_grid_of(x, phase, &dot);
    if (contraction) {
        apart->by = NULL;
        size_dot_grid(x, phase, pars, extents, n, threads, &dot, &total);
    }
    uint32_t sorted[TG_X86_MAX_PARS] = {0};
    order_grid(x, phase, pars, n, apart, sorted);
    if (apart->by) {
        size_axis(x, apart->by, extents[apart->by - pars], target, &total);
    }
    for (uint32_t i = 0; i < n && !contraction; i++) {
        if (&pars[i] != apart->by) {
            size_axis(x, &pars[i], extents[i], target, &total);
        }
    }
    LLVMValueRef below = one;
    for (uint32_t i = n; i-- > 0;) {
        tg_x86_grid_par *p = &pars[sorted[i]];
        p->below = tg_llvm_max64(x->l, below, one);
        below = LLVMBuildMul(b, below, p->count, "");
    }
    return total;
}
