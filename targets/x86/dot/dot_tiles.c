/* The register tiles of the fast dot path, and the roots that run on their results.
 *
 * A whole tile runs its roots straight on the accumulators. Tiles at the edges leave theirs in a small block of scratch, from
 * which one loop with masks runs the roots: edges cost little code that way, and code is what compile time is made of. It is a
 * function of its own: the register allocator takes more than twice as long for one function of twice the size. Rows
 * past the last are computed as copies of it and dropped; columns past the last are masked, or zero in a packed panel. */
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

#include <string.h>

/* ---- roots --------------------------------------------------------------------------------------------- */

static void run_roots(tg_dot_nest *n, tg_x86_frame *f, LLVMValueRef result) {
    tg_x86 *x = n->e.x;
    const tg_x86_dot *d = n->e.d;
    tg_value *v = tg_result(d->op, 0);
    if (d->op->n_operands > 2) {
        tg_value *start = tg_operand(d->op, 2);
        LLVMValueRef c = tg_x86_vector(x, tg_x86_eval(x, f, start));
        result = tg_x86_binary(x, TG_OP_ADD, d->dtype, result, c);
    }
    tg_x86_memo(x, tg_x86_frame_of(f, v->type), v, (tg_x86_val){result, NULL, NULL});
    for (uint32_t i = 0; i < d->roots.len; i++) {
        tg_x86_root *r = &d->roots.data[i];
        if (r->kind == TG_X86_ROOT_STORE) {
            tg_x86_store_tensor(x, f, r->op);
            continue;
        }
        tg_value *out = r->op ? tg_result(r->op, 0) : r->value;
        tg_x86_val val = r->op && out != v ? tg_x86_eval_def(x, f, out) : tg_x86_eval(x, f, out);
        tg_x86_memo(x, tg_x86_frame_of(f, out->type), out, val);
        tg_x86_buffer_store(x, f, r->to ? r->to : x->buffers[out->id], val);
    }
}

static tg_x86_frame *column_frame(tg_dot_nest *n, LLVMValueRef relative) {
    tg_x86 *x = n->e.x;
    const tg_axis *a = n->e.d->vector;
    LLVMValueRef at = LLVMBuildAdd(x->builder, x->ranges[a->rank].first, relative, "");
    tg_x86_frame *f = tg_x86_frame_create(x, tg_x86_dot_frame(&n->e), x->place);
    tg_x86_frame_bind(f, n->e.d->vector, (tg_x86_val){at, tg_llvm_i64(x->l, 1), NULL});
    return f;
}

/* The sum, with a constant that is part of `index` added last, where addresses find it: the rows of a tile share the rest. */
static LLVMValueRef add_index(tg_x86 *x, LLVMValueRef first, LLVMValueRef index) {
    int64_t c;
    bool sum = LLVMIsAInstruction(index) && LLVMGetInstructionOpcode(index) == LLVMAdd && tg_llvm_is_const(LLVMGetOperand(index, 1), &c);
    LLVMValueRef v = LLVMBuildAdd(x->builder, first, sum ? LLVMGetOperand(index, 0) : index, "");
    return sum ? LLVMBuildAdd(x->builder, v, LLVMGetOperand(index, 1), "") : v;
}

static tg_x86_frame *row_frame(tg_dot_nest *n, tg_x86_frame *parent, const LLVMValueRef *index) {
    tg_x86 *x = n->e.x;
    tg_x86_frame *f = tg_x86_frame_create(x, parent, x->place);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        LLVMValueRef first = x->ranges[n->row_axes[i]->rank].first;
        tg_x86_frame_bind(f, n->row_axes[i], (tg_x86_val){add_index(x, first, index[i]), NULL, NULL});
    }
    return f;
}

void tg_dot_roots_in_registers(tg_dot_nest *n, const tg_dot_tile *t) {
    LLVMBuilderRef b = n->e.l->builder;
    for (unsigned v = 0; v < t->vecs; v++) {
        LLVMValueRef at = LLVMBuildAdd(b, n->p.column, tg_llvm_i64(n->e.l, v * t->lanes), "");
        tg_x86_frame *f = column_frame(n, at);
        if (t->masks[v]) {
            tg_x86_frame_mask(n->e.x, f, t->masks[v]);
        }
        for (unsigned r = 0; r < t->rows; r++) {
            tg_x86_frame *row = row_frame(n, f, n->row_index[r]);
            if (n->unmasked) {
                tg_dot_assume_masks(n, row);
            }
            run_roots(n, row, t->acc[r * t->vecs + v]);
        }
    }
}

/* The same of a whole tile, in most of which masks hold. */
static void roots_of_whole(tg_dot_nest *n, const tg_dot_tile *t) {
    tg_llvm_if c;
    if (n->masks) {
        tg_llvm_if_open(n->e.l, &c, tg_dot_masks_hold(n));
        n->unmasked = true;
        tg_dot_roots_in_registers(n, t);
        n->unmasked = false;
        tg_llvm_if_else(n->e.l, &c);
    }
    tg_dot_roots_in_registers(n, t);
    if (n->masks) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

/* Where the tile leaves its sums: its rows of the strip if there are several parts. */
static LLVMValueRef edge_of_tile(tg_dot_nest *n) {
    if (!n->in_parts) {
        return n->edge;
    }
    LLVMValueRef line = tg_llvm_i64(n->e.l, tg_x86_dot_strip_columns(&n->e) * n->e.size);
    return tg_dot_choose(n, n->in_parts, tg_dot_bytes_at(n, n->strip, n->row, line), n->edge);
}

static LLVMValueRef edge_at(tg_dot_nest *n, LLVMValueRef row, LLVMValueRef column) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef i = LLVMBuildMul(b, row, tg_llvm_i64(n->e.l, tg_x86_dot_strip_columns(&n->e)), "");
    return tg_llvm_gep(n->e.l, n->e.elem, edge_of_tile(n), LLVMBuildAdd(b, i, column, ""));
}

/* Of sum i of a tile whose first column is at `place`. */
static LLVMValueRef edge_of_sum(tg_dot_nest *n, const tg_dot_tile *t, LLVMValueRef place, unsigned i) {
    int64_t line = tg_x86_dot_strip_columns(&n->e);
    return tg_llvm_gep(n->e.l, n->e.elem, place, tg_llvm_i64(n->e.l, i / t->vecs * line + i % t->vecs * t->lanes));
}

static void results_to_edge(tg_dot_nest *n, const tg_dot_tile *t, LLVMValueRef from) {
    LLVMValueRef place = edge_at(n, tg_llvm_i64(n->e.l, 0), from);
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        tg_llvm_store(n->e.l, t->acc[i], edge_of_sum(n, t, place, i), n->e.size);
    }
}

/* The roots on vectors [from, until) of a line of the edge block; `masked`: the last one may be partial. */
static void roots_of_line(tg_dot_nest *n, const LLVMValueRef *index, LLVMValueRef row, LLVMValueRef from, LLVMValueRef until, bool masked) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop columns;
    LLVMValueRef c = tg_llvm_loop_open(l, &columns, from, until, tg_llvm_i64(l, n->e.lanes));
    LLVMValueRef result = tg_llvm_load(l, n->e.vector, edge_at(n, row, c), n->e.size);
    tg_x86_frame *f = column_frame(n, LLVMBuildAdd(l->builder, n->p.column, c, ""));
    if (masked) {
        tg_x86_frame_mask(n->e.x, f, tg_x86_dot_lanes_below(&n->e, c, until));
    }
    run_roots(n, row_frame(n, f, index), result);
    tg_llvm_loop_close(l, &columns);
}

/* Masked stores are slow without mask registers. */
static bool masks_cost(const tg_dot_nest *n) {
    return !n->e.x->machine->has_masks && !n->compact;
}

static LLVMValueRef whole_columns(tg_dot_nest *n, LLVMValueRef columns, unsigned width) {
    LLVMValueRef w = tg_llvm_i64(n->e.l, width);
    return LLVMBuildMul(n->e.l->builder, LLVMBuildUDiv(n->e.l->builder, columns, w, ""), w, "");
}

/* The indices of a row as stack slots, which move on to the next row with little work: finding them anew takes divisions. */
typedef struct walk {
    LLVMValueRef slot[TG_DOT_AXES];
} walk;

static void open_walk(tg_dot_nest *n, walk *w) {
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        w->slot[i] = tg_x86_alloca(n->e.x, n->e.l->i64);
        LLVMBuildStore(n->e.l->builder, n->row_index[0][i], w->slot[i]);
    }
}

static void walk_on(tg_dot_nest *n, const walk *w, const LLVMValueRef *index) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef zero = tg_llvm_i64(n->e.l, 0), one = tg_llvm_i64(n->e.l, 1), carry = one;
    for (uint32_t i = n->n_row_axes; i-- > 0;) {
        LLVMValueRef next = LLVMBuildAdd(b, index[i], carry, "");
        LLVMValueRef wraps = i ? LLVMBuildICmp(b, LLVMIntEQ, next, tg_dot_size_of(n, n->row_axes[i]), "") : NULL;
        LLVMBuildStore(b, wraps ? tg_dot_choose(n, wraps, zero, next) : next, w->slot[i]);
        carry = wraps ? tg_dot_choose(n, wraps, one, zero) : carry;
    }
}

static void roots_from_edge(tg_dot_nest *n, LLVMValueRef n_rows) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop rows;
    LLVMValueRef zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, tg_x86_dot_strip_columns(&n->e)), index[TG_DOT_AXES];
    LLVMValueRef n_columns = tg_llvm_min64(l, n->p.n_columns, width);
    LLVMValueRef whole = masks_cost(n) ? whole_columns(n, n_columns, n->e.lanes) : zero;
    walk w;
    open_walk(n, &w);
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, zero, n_rows, tg_llvm_i64(l, 1));
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        index[i] = LLVMBuildLoad2(l->builder, l->i64, w.slot[i], "");
    }
    if (masks_cost(n)) {
        roots_of_line(n, index, r, zero, whole, false);
    }
    roots_of_line(n, index, r, whole, n_columns, true);
    walk_on(n, &w, index);
    tg_llvm_loop_close(l, &rows);
}

void tg_dot_roots_of_block(tg_dot_nest *n, LLVMValueRef n_rows, unsigned vecs) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop rows;
    LLVMValueRef index[TG_DOT_AXES];
    walk w;
    open_walk(n, &w);
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, tg_llvm_i64(l, 0), n_rows, tg_llvm_i64(l, 1));
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        index[i] = LLVMBuildLoad2(l->builder, l->i64, w.slot[i], "");
    }
    for (unsigned v = 0; v < vecs; v++) {
        LLVMValueRef c = tg_llvm_i64(l, v * n->e.lanes), result = tg_llvm_load(l, n->e.vector, edge_at(n, r, c), n->e.size);
        run_roots(n, row_frame(n, column_frame(n, LLVMBuildAdd(l->builder, n->p.column, c, "")), index), result);
    }
    walk_on(n, &w, index);
    tg_llvm_loop_close(l, &rows);
}

/* ---- tiles ------------------------------------------------------------------------------------------------- */

/* Adds what the parts before have left, if there are any. Loads at the end of a tile wait for nothing; in front they would. */
static void add_parts(tg_dot_nest *n, tg_dot_tile *t, LLVMValueRef from) {
    tg_llvm *l = n->e.l;
    LLVMValueRef place = edge_at(n, tg_llvm_i64(l, 0), from); /* results_to_edge finds it there */
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), more = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, n->first, after, more);
    LLVMPositionBuilderAtEnd(l->builder, more);
    LLVMValueRef sums[TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS];
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        sums[i] = tg_llvm_load(l, n->e.vector, edge_of_sum(n, t, place, i), n->e.size);
        sums[i] = tg_x86_binary(n->e.x, TG_OP_ADD, n->e.d->dtype, t->acc[i], sums[i]);
    }
    LLVMBasicBlockRef added = LLVMGetInsertBlock(l->builder);
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef sum = LLVMBuildPhi(l->builder, n->e.vector, "");
        LLVMAddIncoming(sum, (LLVMValueRef[]){t->acc[i], sums[i]}, (LLVMBasicBlockRef[]){before, added}, 2);
        t->acc[i] = sum;
    }
}

static void start_values(tg_dot_nest *n, tg_dot_tile *t, LLVMValueRef from) {
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        t->acc[i] = LLVMConstNull(n->e.vector);
    }
    for (unsigned v = 0; v < t->vecs && n->correction; v++) {
        LLVMValueRef column = LLVMBuildAdd(n->e.l->builder, from, tg_llvm_i64(n->e.l, v * t->lanes), "");
        LLVMValueRef c = tg_llvm_load(n->e.l, n->e.vector, tg_llvm_gep(n->e.l, n->e.elem, n->correction, column), n->e.size);
        c = n->columns.packed && n->in_parts ? tg_dot_choose(n, n->first, c, LLVMConstNull(n->e.vector)) : c;
        for (unsigned r = 0; r < t->rows; r++) {
            t->acc[r * t->vecs + v] = LLVMBuildAdd(n->e.l->builder, t->acc[r * t->vecs + v], c, "");
        }
    }
}

/* A mask that is made where it stands, where there are registers for it: comparisons are moved to their uses, into the loop. */
static LLVMValueRef frozen(tg_dot_nest *n, LLVMValueRef mask) {
    return n->e.x->machine->has_masks ? LLVMBuildFreeze(n->e.l->builder, mask, "") : mask;
}

/* Which lanes of a vector exist; null: all of them are known to. */
static LLVMValueRef mask_at(tg_dot_nest *n, LLVMValueRef at) {
    int64_t first, until;
    bool known = tg_llvm_is_const(at, &first) && tg_llvm_is_const(n->p.n_columns, &until);
    return known && first + n->e.lanes <= until ? NULL : frozen(n, tg_x86_dot_lanes_below(&n->e, at, n->p.n_columns));
}

/* Several steps in one round need registers for loads of the next; tiles of another shape than the usual one that fill the registers spill
 * accumulators then. */
static bool may_unroll(const tg_dot_nest *n, unsigned rows, unsigned vecs) {
    const tg_dot_emission *e = &n->e;
    if (n->exact) { /* three quarters of the registers for sums leave no room for a second step */
        return vecs == e->vecs || rows * vecs < (unsigned)e->x->machine->vector_regs * 3 / 4;
    }
    return vecs == e->vecs && rows == e->rows && !n->compact;
}

/* Steps in a round of the innermost loop. A neighbour that shares the processor leaves it some four instructions a cycle: 12 multiply-adds, two a
 * cycle, their 8 loads and what counts and moves on take longer than 6 cycles then. With 32 registers a step has twice as many. */
static unsigned steps_of(const tg_dot_nest *n) {
    bool wide = n->e.x->machine->has_masks;
    return !wide ? 4 : n->p.n_loops == 1 ? 2 : 1;
}

/* The products of `t` by one of two tiles that differ in their loops. */
static void sum_either(tg_dot_nest *n, LLVMValueRef test, tg_dot_tile *yes, tg_dot_tile *no, tg_dot_tile *t) {
    tg_llvm *l = n->e.l;
    int64_t ever;
    if (tg_llvm_is_const(test, &ever)) {
        *t = ever ? *yes : *no;
        tg_x86_emit_dot_tile(l, t);
        return;
    }
    LLVMBasicBlockRef first = tg_llvm_block(l), second = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, test, first, second);
    LLVMPositionBuilderAtEnd(l->builder, first);
    tg_x86_emit_dot_tile(l, yes);
    first = LLVMGetInsertBlock(l->builder);
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, second);
    tg_x86_emit_dot_tile(l, no);
    second = LLVMGetInsertBlock(l->builder);
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef sum = LLVMBuildPhi(l->builder, n->e.vector, "");
        LLVMAddIncoming(sum, (LLVMValueRef[]){yes->acc[i], no->acc[i]}, (LLVMBasicBlockRef[]){first, second}, 2);
        t->acc[i] = sum; /* `t` may be one of the two */
    }
}

/* Whether the panel is quiet is known now, or tested in the loop. */
static void plan_quiet(const tg_dot_nest *n, tg_dot_tile *t) {
    int64_t ever;
    if (!n->p.quiet || !t->prefetch || !t->unroll) {
        return;
    }
    if (!tg_llvm_is_const(n->p.quiet, &ever)) {
        t->quiet = n->p.quiet;
    } else if (ever) {
        t->prefetch = t->request = NULL;
    }
}

/* A line a round of the next panel: in eight tiles all of every point, as a panel's point has four lines and a round two points. */
static void request_next_panel(tg_dot_nest *n, tg_dot_tile *t) {
    enum { LINE = 64 };
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    unsigned lines = n->e.vecs * n->e.lanes * n->e.size / LINE;
    LLVMValueRef tile = LLVMBuildUDiv(b, n->row, tg_llvm_i64(l, n->e.rows), "");
    LLVMValueRef point = LLVMBuildAnd(b, tile, tg_llvm_i64(l, 1), "");
    LLVMValueRef line = LLVMBuildAnd(b, LLVMBuildLShr(b, tile, tg_llvm_i64(l, 1), ""), tg_llvm_i64(l, lines - 1), "");
    t->request = tg_dot_bytes_at(n, tg_dot_bytes_at(n, n->p.next, line, tg_llvm_i64(l, LINE)), point, n->p.next_step);
    t->request_step = n->p.next_step;
    t->request_one = true;
}

/* The products of a tile, in a loop that requests lines if the panel is not quiet, or in one that packs the panel, which the first tile does. */
static void sum_tile(tg_dot_nest *n, tg_dot_tile *t) {
    if (!t->unroll || !t->prefetch || !n->p.source) {
        plan_quiet(n, t);
        tg_x86_emit_dot_tile(n->e.l, t);
        return;
    }
    tg_dot_tile next = *t, packs = *t;
    next.prefetch = next.request = NULL;
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef first = LLVMBuildICmp(b, LLVMIntEQ, n->row, tg_llvm_i64(n->e.l, 0), "");
    const tg_dot_loop loop = {n->p.loops[0].count, n->p.source_step, n->p.loops[0].row_step};
    packs.prefetch = LLVMBuildMul(b, n->p.source_step, tg_llvm_i64(n->e.l, TG_DOT_PREFETCH_STEPS), "");
    packs.request = NULL;
    packs.copy = n->p.at;
    packs.vector_base = n->p.source;
    packs.loops = &loop;
    packs.unroll = false;
    packs.steps = 1;
    request_next_panel(n, &next);
    sum_either(n, LLVMBuildAnd(b, first, n->pays, ""), &packs, &next, t);
}

tg_dot_tile tg_dot_run_tile(tg_dot_nest *n, LLVMValueRef from, unsigned rows, unsigned vecs, bool masked) {
    tg_dot_emission *e = &n->e;
    tg_dot_tile t = {.elem = e->elem, .lanes = e->lanes, .vecs = vecs, .rows = rows, .stored = e->stored,
                     .vector_base = tg_dot_bytes_at(n, n->p.at, from, tg_llvm_i64(e->l, tg_x86_dot_column_bytes(e->d->multiply, e->stored, e->size))),
                     .multiply = e->d->multiply, .loops = n->p.loops, .n_loops = n->p.n_loops};
    t.skip = n->hidden;
    t.unroll = may_unroll(n, rows, vecs);
    t.steps = t.unroll ? steps_of(n) : 1;
    t.prefetch = vecs == e->vecs ? n->p.ahead : NULL;
    if (t.unroll && t.prefetch && n->next_rows && n->n_row_axes > 1) { /* large products of matrices lost up to 6 % */
        t.request = tg_dot_choose(n, n->p.next_rows, n->next_rows, tg_llvm_gep(e->l, e->l->i8, t.vector_base, n->p.ahead));
        t.request_step = n->p.request_step;
    }
    memcpy(t.row_at, n->row_at, sizeof t.row_at);
    for (unsigned v = 0; v < vecs && masked; v++) {
        LLVMValueRef at = LLVMBuildAdd(e->l->builder, from, tg_llvm_i64(e->l, v * e->lanes), "");
        t.masks[v] = mask_at(n, at);
    }
    start_values(n, &t, from);
    sum_tile(n, &t);
    if (n->in_parts) {
        add_parts(n, &t, from);
    }
    return t;
}

static LLVMValueRef at_least(tg_dot_nest *n, LLVMValueRef v, unsigned limit) {
    return LLVMBuildICmp(n->e.l->builder, LLVMIntSGE, v, tg_llvm_i64(n->e.l, limit), "");
}

static void edge_tile(tg_dot_nest *n, LLVMValueRef from, unsigned rows, unsigned vecs, bool masked) {
    tg_dot_tile t = tg_dot_run_tile(n, from, rows, vecs, masked);
    results_to_edge(n, &t, from);
}

/* Where tiles of `width` columns end that are to leave a rest of 1 to `lanes` columns. */
static LLVMValueRef leave_rest(tg_dot_nest *n, unsigned width) {
    tg_llvm *l = n->e.l;
    LLVMValueRef whole = whole_columns(n, n->p.n_columns, width), rest = LLVMBuildSub(l->builder, n->p.n_columns, whole, "");
    LLVMValueRef apart = LLVMBuildICmp(l->builder, LLVMIntSLE, rest, tg_llvm_i64(l, n->e.lanes), "");
    return tg_dot_choose(n, apart, whole, n->p.n_columns);
}

/* Columns that do not fill the panel, in tiles of half its width, and a last one of a vector if that is enough. */
static void narrow_tiles(tg_dot_nest *n, bool masked) {
    unsigned half = n->e.vecs > 1 ? n->e.vecs / 2 : 1;
    tg_llvm *l = n->e.l;
    tg_llvm_loop loop;
    LLVMValueRef until = half > 1 ? leave_rest(n, half * n->e.lanes) : n->p.n_columns;
    LLVMValueRef from = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), until, tg_llvm_i64(l, half * n->e.lanes));
    edge_tile(n, from, n->e.rows, half, masked);
    tg_llvm_loop_close(l, &loop);
    if (half > 1) {
        tg_llvm_if c;
        tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntSLT, until, n->p.n_columns, ""));
        edge_tile(n, until, n->e.rows, 1, masked);
        tg_llvm_if_close(l, &c);
    }
}

void tg_dot_roots_of_lines(tg_dot_nest *n, LLVMValueRef n_rows) {
    tg_llvm_outline o;
    tg_llvm_outline_open(n->e.l, &o);
    roots_from_edge(n, n_rows);
    tg_x86_outline_close(n->e.x, &o, "finish_edge");
}

/* The roots of a tile whose sums are in the edge block, if these are the final ones. */
static void finish_edge(tg_dot_nest *n) {
    tg_llvm_if c;
    if (n->in_parts) {
        tg_llvm_if_open(n->e.l, &c, n->last);
    }
    LLVMValueRef n_rows = tg_llvm_min64(n->e.l, n->n_rows, tg_llvm_i64(n->e.l, n->e.rows));
    if (n->compact) {
        roots_from_edge(n, n_rows);
    } else {
        tg_dot_roots_of_lines(n, n_rows);
    }
    if (n->in_parts) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

/* The last rows, if they are few, in a tile of their own; goes on to `edge` then. A tile of fewer accumulators than the
 * multipliers keep under way would take no less time, but where one row is all there is, its sums have room for no more. */
static void low_tiles(tg_dot_nest *n, LLVMBasicBlockRef edge) {
    enum { UNDER_WAY = 8 };
    tg_llvm *l = n->e.l;
    unsigned least = UNDER_WAY / n->e.vecs > 1 ? UNDER_WAY / n->e.vecs : 1;
    for (unsigned height = 1; height < n->e.rows; height = height < least ? least : height * 2) {
        LLVMBasicBlockRef low = tg_llvm_block(l), high = tg_llvm_block(l);
        LLVMBuildCondBr(l->builder, at_least(n, n->n_rows, height + 1), high, low);
        LLVMPositionBuilderAtEnd(l->builder, low);
        tg_llvm_outline o;
        tg_llvm_outline_open(l, &o);
        edge_tile(n, tg_llvm_i64(l, 0), height, n->e.vecs, false);
        tg_x86_outline_close(n->e.x, &o, "low_tile");
        LLVMBuildBr(l->builder, edge);
        LLVMPositionBuilderAtEnd(l->builder, high);
    }
}

/* The lines that the tile will store to, before it is summed: nothing waits for them then. */
static void prefetch_results(tg_dot_nest *n) {
    tg_llvm_if c;
    LLVMValueRef now = n->in_parts && n->in_line ? LLVMBuildAnd(n->e.l->builder, n->last, n->in_line, "") : n->in_parts ? n->last : n->in_line;
    if (now) {
        tg_llvm_if_open(n->e.l, &c, now);
    }
    for (uint32_t i = 0; i < n->e.d->roots.len; i++) {
        const tg_x86_root *root = &n->e.d->roots.data[i];
        for (unsigned r = 0; r < n->e.rows && root->kind == TG_X86_ROOT_STORE; r++) {
            tg_x86_prefetch_tensor(n->e.x, row_frame(n, column_frame(n, n->p.column), n->row_index[r]), root->op, n->e.vecs * n->e.lanes);
        }
    }
    if (now) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

void tg_dot_whole_tile(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    LLVMValueRef zero = tg_llvm_i64(l, 0);
    if (n->compact) {
        edge_tile(n, zero, n->e.rows, n->e.vecs, false);
        finish_edge(n);
        return;
    }
    LLVMBasicBlockRef edge = tg_llvm_block(l), done = tg_llvm_block(l), direct = tg_llvm_block(l), spill = tg_llvm_block(l);
    LLVMBasicBlockRef narrow = tg_llvm_block(l), wide = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, at_least(n, n->p.n_columns, n->e.vecs * n->e.lanes), wide, narrow);
    LLVMPositionBuilderAtEnd(l->builder, wide);
    low_tiles(n, edge);
    if (n->e.x->machine->waits_for_results) {
        prefetch_results(n);
    }
    n->hidden = n->masks ? tg_dot_is_hidden(n) : NULL;
    tg_dot_tile t = tg_dot_run_tile(n, zero, n->e.rows, n->e.vecs, false);
    n->hidden = NULL;
    LLVMValueRef whole = n->n_row_axes ? n->in_line : at_least(n, n->n_rows, n->e.rows);
    whole = n->in_parts ? LLVMBuildAnd(l->builder, whole, n->last, "") : whole;
    LLVMBuildCondBr(l->builder, whole, direct, spill);
    LLVMPositionBuilderAtEnd(l->builder, spill);
    results_to_edge(n, &t, zero);
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, direct);
    roots_of_whole(n, &t);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, narrow);
    narrow_tiles(n, n->pays && !n->columns.packed); /* which zeros fill up */
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, edge);
    finish_edge(n);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, done);
}
