/* The loops of the fast dot path, its register tiles, and the roots that run on their results; see dot.h.
 *
 * A whole tile runs its roots straight on the accumulators. Tiles at the edges leave theirs in a small block of scratch, from
 * which one loop with masks runs the roots: edges cost little code that way, and code is what compile time is made of. Rows
 * past the last are computed as copies of it and dropped; columns past the last are masked, or zero in a packed panel.
 *
 *   for columns by group               panels packed together: as many as a share of the third-level cache takes, or one
 *     for k by part                    the rest of the reduction waits
 *       [pack the group's panels]
 *       for rows by block              rows of the broadcast side that stay in the second-level cache
 *         [pack the block's rows]      dot_rows.c
 *         for panels of the group
 *           for rows of the block      register tiles
 *
 * A panel of a part and a block of rows have to share the second-level cache. Between parts the sums of a group rest in strips of
 * scratch, one per panel; the roots run after the last part.
 *
 * Few rows over a large vector side (a matrix times a vector) have no use for panels: every element is used a few times only,
 * and a narrow panel walks over as many pages as it has lines. Then a part is a few lines (sets of the caches hold no more of them
 * if they lie a power of two apart), the group is all columns, and the vector side streams by in the order in which it lies in
 * memory, while the sums stay in the strips. */
#include "targets/x86/dot_nest.h"

#include <string.h>

enum { PREFETCH_STEPS = 8 };

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

static tg_x86_frame *row_frame(tg_dot_nest *n, tg_x86_frame *parent, const LLVMValueRef *index) {
    tg_x86 *x = n->e.x;
    tg_x86_frame *f = tg_x86_frame_create(x, parent, x->place);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        LLVMValueRef first = x->ranges[n->row_axes[i]->rank].first;
        tg_x86_frame_bind(f, n->row_axes[i], (tg_x86_val){LLVMBuildAdd(x->builder, first, index[i], ""), NULL, NULL});
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
            run_roots(n, row_frame(n, f, n->row_index[r]), t->acc[r * t->vecs + v]);
        }
    }
}

/* The outermost row axis that is not known to have one point, as joined ones have: its index needs no wrapping. */
static uint32_t top_row_axis(const tg_dot_nest *n) {
    uint32_t i = 0;
    while (i + 1 < n->n_row_axes && n->e.x->ranges[n->row_axes[i]->rank].bound == 1) {
        i++;
    }
    return i;
}

/* Indices of the row axes for a row number. */
static void decode_row(tg_dot_nest *n, LLVMValueRef row, LLVMValueRef *index) {
    LLVMBuilderRef b = n->e.l->builder;
    uint32_t top = top_row_axis(n);
    for (uint32_t i = 0; i < top; i++) {
        index[i] = tg_llvm_i64(n->e.l, 0);
    }
    for (uint32_t i = n->n_row_axes; i-- > top + 1;) {
        LLVMValueRef size = tg_dot_size_of(n, n->row_axes[i]), rest = LLVMBuildUDiv(b, row, size, "");
        index[i] = LLVMBuildSub(b, row, LLVMBuildMul(b, rest, size, ""), "");
        row = rest;
    }
    index[top] = row;
}

/* Where the tile leaves its sums: its rows of the strip if there are several parts. */
static LLVMValueRef edge_of_tile(tg_dot_nest *n) {
    if (!n->in_parts) {
        return n->edge;
    }
    LLVMValueRef line = tg_llvm_i64(n->e.l, n->e.lanes * n->e.vecs * n->e.size);
    return tg_dot_choose(n, n->in_parts, tg_dot_bytes_at(n, n->strip, n->row, line), n->edge);
}

static LLVMValueRef edge_at(tg_dot_nest *n, LLVMValueRef row, LLVMValueRef column) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef i = LLVMBuildMul(b, row, tg_llvm_i64(n->e.l, n->e.lanes * n->e.vecs), "");
    return tg_llvm_gep(n->e.l, n->e.elem, edge_of_tile(n), LLVMBuildAdd(b, i, column, ""));
}

static void results_to_edge(tg_dot_nest *n, const tg_dot_tile *t, LLVMValueRef from) {
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef row = tg_llvm_i64(n->e.l, i / t->vecs), column = tg_llvm_i64(n->e.l, i % t->vecs * t->lanes);
        column = LLVMBuildAdd(n->e.l->builder, from, column, "");
        tg_llvm_store(n->e.l, t->acc[i], edge_at(n, row, column), n->e.size);
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

static void roots_from_edge(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop rows;
    LLVMValueRef zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, n->e.lanes * n->e.vecs);
    LLVMValueRef n_rows = tg_llvm_min64(l, n->n_rows, tg_llvm_i64(l, n->e.rows)), index[TG_DOT_AXES];
    LLVMValueRef n_columns = tg_llvm_min64(l, n->p.n_columns, width);
    LLVMValueRef whole = masks_cost(n) ? whole_columns(n, n_columns, n->e.lanes) : zero;
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, zero, n_rows, tg_llvm_i64(l, 1));
    decode_row(n, LLVMBuildAdd(l->builder, n->row, r, ""), index);
    if (masks_cost(n)) {
        roots_of_line(n, index, r, zero, whole, false);
    }
    roots_of_line(n, index, r, whole, n_columns, true);
    tg_llvm_loop_close(l, &rows);
}

/* ---- tiles ------------------------------------------------------------------------------------------------- */

/* Adds what the parts before have left, if there are any. Loads at the end of a tile wait for nothing; in front they would. */
static void add_parts(tg_dot_nest *n, tg_dot_tile *t, LLVMValueRef from) {
    tg_llvm *l = n->e.l;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), more = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, n->first, after, more);
    LLVMPositionBuilderAtEnd(l->builder, more);
    LLVMValueRef sums[TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS];
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef column = LLVMBuildAdd(l->builder, from, tg_llvm_i64(l, i % t->vecs * t->lanes), "");
        sums[i] = tg_llvm_load(l, n->e.vector, edge_at(n, tg_llvm_i64(l, i / t->vecs), column), n->e.size);
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
        for (unsigned r = 0; r < t->rows; r++) {
            t->acc[r * t->vecs + v] = LLVMBuildAdd(n->e.l->builder, t->acc[r * t->vecs + v], c, "");
        }
    }
}

/* Which lanes of a vector exist; null: all of them are known to. */
static LLVMValueRef mask_at(tg_dot_nest *n, LLVMValueRef at) {
    int64_t first, until;
    bool known = tg_llvm_is_const(at, &first) && tg_llvm_is_const(n->p.n_columns, &until);
    return known && first + n->e.lanes <= until ? NULL : tg_x86_dot_lanes_below(&n->e, at, n->p.n_columns);
}

tg_dot_tile tg_dot_run_tile(tg_dot_nest *n, LLVMValueRef from, unsigned rows, unsigned vecs, bool masked) {
    tg_dot_emission *e = &n->e;
    tg_dot_tile t = {.elem = e->elem, .lanes = e->lanes, .vecs = vecs, .rows = rows,
                     .vector_base = tg_dot_bytes_at(n, n->p.at, from, tg_llvm_i64(e->l, e->size)),
                     .multiply = e->d->multiply, .loops = n->p.loops, .n_loops = e->d->n_over};
    t.unroll = n->exact || (vecs == e->vecs && rows == e->rows && !n->compact);
    t.prefetch = vecs == e->vecs ? n->p.ahead : NULL;
    memcpy(t.row_at, n->row_at, sizeof t.row_at);
    for (unsigned v = 0; v < vecs && masked; v++) {
        LLVMValueRef at = LLVMBuildAdd(e->l->builder, from, tg_llvm_i64(e->l, v * e->lanes), "");
        t.masks[v] = mask_at(n, at);
    }
    start_values(n, &t, from);
    tg_x86_emit_dot_tile(e->l, &t);
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

/* Columns that do not fill the panel, in tiles of half its width. */
static void narrow_tiles(tg_dot_nest *n, bool masked) {
    unsigned half = n->e.vecs > 1 ? n->e.vecs / 2 : 1;
    tg_llvm *l = n->e.l;
    tg_llvm_loop loop;
    LLVMValueRef from = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), n->p.n_columns, tg_llvm_i64(l, half * n->e.lanes));
    edge_tile(n, from, n->e.rows, half, masked);
    tg_llvm_loop_close(l, &loop);
}

/* The roots of a tile whose sums are in the edge block, if these are the final ones. */
static void finish_edge(tg_dot_nest *n) {
    tg_llvm_if c;
    if (n->in_parts) {
        tg_llvm_if_open(n->e.l, &c, n->last);
    }
    roots_from_edge(n);
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
    if (n->in_parts) {
        tg_llvm_if_open(n->e.l, &c, n->last);
    }
    for (uint32_t i = 0; i < n->e.d->roots.len; i++) {
        const tg_x86_root *root = &n->e.d->roots.data[i];
        for (unsigned r = 0; r < n->e.rows && root->kind == TG_X86_ROOT_STORE; r++) {
            tg_x86_prefetch_tensor(n->e.x, row_frame(n, column_frame(n, n->p.column), n->row_index[r]), root->op, n->e.vecs * n->e.lanes);
        }
    }
    if (n->in_parts) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

static void whole_tile(tg_dot_nest *n) {
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
    prefetch_results(n);
    tg_dot_tile t = tg_dot_run_tile(n, zero, n->e.rows, n->e.vecs, false);
    LLVMValueRef whole = at_least(n, n->n_rows, n->e.rows);
    whole = n->in_parts ? LLVMBuildAnd(l->builder, whole, n->last, "") : whole;
    LLVMBuildCondBr(l->builder, whole, direct, spill);
    LLVMPositionBuilderAtEnd(l->builder, spill);
    results_to_edge(n, &t, zero);
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, direct);
    tg_dot_roots_in_registers(n, &t);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, narrow);
    narrow_tiles(n, n->pays);
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, edge);
    finish_edge(n);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, done);
}

/* ---- panels --------------------------------------------------------------------------------------------------- */

static LLVMValueRef points_of_part(tg_dot_nest *n) {
    return LLVMBuildMul(n->e.l->builder, n->e.k_count, tg_x86_dot_extents(&n->e, 1), "");
}

/* Number of the panel in its group. */
static LLVMValueRef panel_number(tg_dot_nest *n, LLVMValueRef column) {
    LLVMBuilderRef b = n->e.l->builder;
    return n->group ? LLVMBuildUDiv(b, LLVMBuildSub(b, column, n->group_from, ""), tg_dot_panel_width(n), "") : tg_llvm_i64(n->e.l, 0);
}

static LLVMValueRef correction_bytes(tg_dot_nest *n) {
    return n->e.d->flip_rows ? tg_dot_line_bytes(n) : tg_llvm_i64(n->e.l, 0);
}

static LLVMValueRef correction_of(tg_dot_nest *n, LLVMValueRef at) {
    return tg_dot_bytes_at(n, at, LLVMBuildSub(n->e.l->builder, n->panel_bytes, correction_bytes(n), ""), tg_llvm_i64(n->e.l, 1));
}

/* Whole panels of columns that lie along the reduction are transposed; others are gathered. */
static void pack_panel_across(tg_dot_nest *n, const tg_dot_panels *p) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    tg_llvm_if c;
    LLVMValueRef end = LLVMBuildAdd(b, p->at, tg_dot_panel_width(n), "");
    LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntSLE, end, p->limit, "");
    tg_llvm_if_open(e->l, &c, LLVMBuildAnd(b, whole, tg_x86_dot_is_flat(e, &n->across), ""));
    tg_x86_dot_pack_columns(e, &n->across, p);
    tg_llvm_if_else(e->l, &c);
    tg_x86_dot_pack_panels(e, &n->columns, p);
    tg_llvm_if_close(e->l, &c);
}

/* Panels from column `from` on, `count` at a time; gives back where it stops: less than that many are left. */
static LLVMValueRef pack_panels(tg_dot_nest *n, LLVMValueRef memory, LLVMValueRef from, unsigned count) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef step = LLVMBuildMul(b, tg_dot_panel_width(n), tg_llvm_i64(e->l, count), ""), until = n->group_until;
    if (count > 1) {
        LLVMValueRef whole = LLVMBuildUDiv(b, LLVMBuildSub(b, until, from, ""), step, "");
        until = LLVMBuildAdd(b, from, LLVMBuildMul(b, whole, step, ""), "");
    }
    tg_llvm_loop loop;
    LLVMValueRef column = tg_llvm_loop_open(e->l, &loop, from, until, step);
    tg_dot_panels p = {.bytes = n->panel_bytes, .at = column, .limit = tg_dot_size_of(n, e->d->vector), .n = count};
    p.to = tg_dot_bytes_at(n, memory, panel_number(n, column), n->panel_bytes);
    if (n->across.direct) {
        pack_panel_across(n, &p);
    } else {
        tg_x86_dot_pack_panels(e, &n->columns, &p);
    }
    if (e->d->flip_rows) {
        tg_x86_dot_correct(e, p.to, n->p.loops, correction_of(n, p.to));
    }
    tg_llvm_loop_close(e->l, &loop);
    return until;
}

/* Several panels at a time read longer pieces of each row of the tensor. */
static void pack_group(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    n->panel_bytes = LLVMBuildMul(b, points_of_part(n), tg_dot_line_bytes(n), "");
    n->panel_bytes = LLVMBuildAdd(b, n->panel_bytes, correction_bytes(n), "");
    LLVMValueRef columns = LLVMBuildSub(b, n->group_until, n->group_from, "");
    LLVMValueRef count = n->group ? tg_llvm_ceil_div(e->l, columns, tg_dot_panel_width(n)) : tg_llvm_i64(e->l, 1), from = n->group_from;
    LLVMValueRef bytes = LLVMBuildMul(b, n->panel_bytes, count, "");
    if (n->across.direct) { /* transposed in whole vectors of points */
        bytes = LLVMBuildAdd(b, bytes, LLVMBuildMul(b, tg_dot_line_bytes(n), tg_llvm_i64(e->l, e->lanes), ""), "");
    }
    LLVMValueRef memory = tg_x86_dot_reserve(e->x, &n->panel_memory, bytes);
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    if (n->group && tg_x86_dot_packs_broad(e, &n->columns) && !n->across.direct) {
        from = pack_panels(n, memory, from, TG_DOT_PACK_BROAD);
    }
    pack_panels(n, memory, from, 1);
    tg_x86_outline_close(e->x, &o, "pack_panels");
    n->panels = memory;
}

static void packed_loops(tg_dot_nest *n, LLVMValueRef *steps) {
    LLVMValueRef step = tg_dot_line_bytes(n);
    for (uint32_t i = n->e.d->n_over; i-- > 0;) {
        steps[i] = step;
        step = LLVMBuildMul(n->e.l->builder, step, tg_x86_dot_extent(&n->e, i), "");
    }
}

/* A loop around another whose points follow those of the one before is done by that: 7 columns of 3 channels are a run of 21. */
static void merge_loops(tg_dot_nest *n) {
    LLVMBuilderRef b = n->e.l->builder;
    for (uint32_t i = 1; i < n->e.d->n_over; i++) {
        int64_t count;
        tg_dot_loop *in = &n->p.loops[i], *out = in - 1;
        if (tg_llvm_is_const(in->count, &count) && count <= TG_DOT_SHORT) { /* better without a loop */
            continue;
        }
        LLVMValueRef columns = LLVMBuildICmp(b, LLVMIntEQ, out->vector_step, LLVMBuildMul(b, in->count, in->vector_step, ""), "");
        LLVMValueRef rows = LLVMBuildICmp(b, LLVMIntEQ, out->row_step, LLVMBuildMul(b, in->count, in->row_step, ""), "");
        LLVMValueRef one = LLVMBuildAnd(b, columns, rows, ""), all = LLVMBuildMul(b, out->count, in->count, "");
        in->count = tg_dot_choose(n, one, all, in->count);
        out->count = tg_dot_choose(n, one, tg_llvm_i64(n->e.l, 1), out->count);
    }
}

/* The reduction loops of a part, in the panels of its group, which are packed if that pays. */
void tg_dot_open_part(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMValueRef steps[TG_DOT_AXES];
    packed_loops(n, steps);
    for (uint32_t i = 0; i < d->n_over; i++) {
        LLVMValueRef in_place = tg_x86_dot_step(e, &n->columns, d->over[i]);
        n->p.loops[i].count = tg_x86_dot_count(e, i);
        n->p.loops[i].vector_step = n->pays ? tg_dot_choose(n, n->pays, steps[i], in_place) : steps[i];
        n->p.loops[i].row_step = tg_x86_dot_step(e, &n->rows, d->over[i]);
        if (n->packs_rows) {
            n->p.loops[i].row_step = tg_dot_choose(n, n->packs_rows, tg_llvm_i64(e->l, e->rows * e->size), n->p.loops[i].row_step);
        }
    }
    merge_loops(n);
    LLVMValueRef step = n->p.loops[d->n_over - 1].vector_step;
    n->p.ahead = LLVMBuildMul(e->l->builder, step, tg_llvm_i64(e->l, PREFETCH_STEPS), "");
    n->p.ahead = n->streams ? tg_dot_choose(n, n->streams, tg_llvm_i64(e->l, TG_DOT_STREAM_AHEAD), n->p.ahead) : n->p.ahead;
    if (!n->pays) {
        pack_group(n);
        return;
    }
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), in_place = tg_dot_bytes_at(n, n->columns.base, e->k_from, tg_x86_dot_step(e, &n->columns, d->over[0]));
    int64_t ever;
    if (tg_llvm_is_const(n->pays, &ever) && !ever) {
        n->panels = in_place;
        n->panel_bytes = zero;
        return;
    }
    LLVMValueRef memory = tg_x86_alloca(e->x, e->l->ptr), bytes = tg_x86_alloca(e->x, e->l->i64);
    LLVMBuildStore(e->l->builder, in_place, memory);
    LLVMBuildStore(e->l->builder, zero, bytes);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, n->pays);
    pack_group(n);
    LLVMBuildStore(e->l->builder, n->panels, memory);
    LLVMBuildStore(e->l->builder, n->panel_bytes, bytes);
    tg_llvm_if_close(e->l, &c);
    n->panels = LLVMBuildLoad2(e->l->builder, e->l->ptr, memory, "");
    n->panel_bytes = LLVMBuildLoad2(e->l->builder, e->l->i64, bytes, "");
}

void tg_dot_locate_panel(tg_dot_nest *n) {
    LLVMValueRef number = panel_number(n, n->p.column);
    n->p.at = tg_dot_bytes_at(n, n->panels, number, n->panel_bytes);
    if (n->pays) {
        LLVMValueRef in_place = tg_dot_choose(n, n->pays, tg_llvm_i64(n->e.l, 0), n->p.column);
        LLVMValueRef step = n->columns.packed ? tg_x86_dot_step(&n->e, &n->columns, n->e.d->vector) : tg_llvm_i64(n->e.l, n->e.size);
        n->p.at = tg_dot_bytes_at(n, n->p.at, in_place, step);
    }
    n->correction = n->e.d->flip_rows ? correction_of(n, n->p.at) : NULL;
    n->strip = n->in_parts ? tg_dot_bytes_at(n, n->strips, number, n->strip_bytes) : NULL;
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* One loop over an axis that both sides' addresses follow. */
static void open_axis(tg_dot_nest *n, tg_llvm_loop *loop, tg_axis *a) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef i = tg_llvm_loop_open(e->l, loop, tg_llvm_i64(e->l, 0), tg_dot_size_of(n, a), tg_llvm_i64(e->l, 1));
    tg_dot_side *sides[] = {&n->columns, &n->across, &n->rows};
    for (unsigned k = 0; k < sizeof sides / sizeof *sides; k++) {
        if (sides[k]->direct) {
            sides[k]->base = tg_dot_bytes_at(n, sides[k]->base, i, tg_x86_dot_step(e, sides[k], a));
        }
    }
    tg_x86_dot_bind(e, a, i);
}

static LLVMValueRef row_base(tg_dot_nest *n) {
    return tg_dot_bytes_at(n, n->rows.base, n->e.k_from, tg_x86_dot_step(&n->e, &n->rows, n->e.d->over[0]));
}

static void address_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    for (unsigned r = 0; r < e->rows; r++) {
        n->row_at[r] = row_base(n);
        for (uint32_t i = 0; i < n->n_row_axes; i++) {
            n->row_at[r] = tg_dot_bytes_at(n, n->row_at[r], n->row_index[r][i], tg_x86_dot_step(e, &n->rows, n->row_axes[i]));
        }
    }
}

/* The rows of a tile, each the successor of the one before; past the end they stay at the last. */
void tg_dot_number_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1);
    uint32_t top = top_row_axis(n);
    decode_row(n, n->row, n->row_index[0]);
    for (unsigned r = 1; r < e->rows; r++) {
        LLVMValueRef more = LLVMBuildICmp(b, LLVMIntSGT, n->n_rows, tg_llvm_i64(e->l, r), "");
        LLVMValueRef carry = tg_dot_choose(n, more, one, zero);
        for (uint32_t i = n->n_row_axes; i-- > 0;) {
            if (i < top) {
                n->row_index[r][i] = zero;
                continue;
            }
            LLVMValueRef next = LLVMBuildAdd(b, n->row_index[r - 1][i], carry, "");
            LLVMValueRef wraps = LLVMBuildICmp(b, LLVMIntEQ, next, tg_dot_size_of(n, n->row_axes[i]), "");
            n->row_index[r][i] = i > top ? tg_dot_choose(n, wraps, zero, next) : next;
            carry = tg_dot_choose(n, wraps, one, zero);
        }
    }
    if (n->rows.direct) {
        address_rows(n);
    }
}

/* The rows of a tile where they are packed, if they are. */
static void address_packed_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef line = LLVMBuildMul(b, e->k_count, tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef tile = tg_dot_bytes_at(n, n->packed_rows, LLVMBuildSub(b, n->row, n->row_from, ""), line);
    for (unsigned r = 0; r < e->rows; r++) {
        LLVMValueRef packed = tg_llvm_gep(e->l, e->l->i8, tile, tg_llvm_i64(e->l, r * e->size));
        n->row_at[r] = n->rows.direct ? tg_dot_choose(n, n->packs_rows, packed, n->row_at[r]) : packed;
    }
}

static void pack_rows_of_block(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef height = tg_llvm_i64(e->l, e->rows), line = LLVMBuildMul(b, e->k_count, tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef rows = LLVMBuildAdd(b, LLVMBuildSub(b, n->row_until, n->row_from, ""), height, "");
    LLVMValueRef bytes = LLVMBuildAdd(b, LLVMBuildMul(b, rows, line, ""), tg_llvm_i64(e->l, e->rows * e->lanes * e->size), "");
    LLVMValueRef memory = tg_x86_dot_reserve(e->x, &n->block_memory, bytes);
    tg_llvm_loop tiles;
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    n->row = tg_llvm_loop_open(e->l, &tiles, n->row_from, n->row_until, height);
    n->n_rows = LLVMBuildSub(b, tg_dot_total_rows(n), n->row, "");
    tg_dot_number_rows(n);
    tg_dot_rows r = {.value = n->rows.value, .at = n->rows.direct ? n->row_at : NULL, .axes = n->row_axes, .n_axes = n->n_row_axes};
    r.n = e->rows;
    r.count = e->k_count;
    r.index = (const LLVMValueRef(*)[TG_DOT_AXES])n->row_index;
    r.ahead = LLVMBuildMul(b, height, tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]), "");
    tg_x86_dot_pack_tile(e, &r, tg_dot_bytes_at(n, memory, LLVMBuildSub(b, n->row, n->row_from, ""), line));
    tg_llvm_loop_close(e->l, &tiles);
    tg_x86_outline_close(e->x, &o, "pack_rows");
    n->packed_rows = memory;
}

static void open_block(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    LLVMValueRef slot = tg_x86_alloca(n->e.x, l->ptr);
    LLVMBuildStore(l->builder, LLVMConstNull(l->ptr), slot);
    tg_llvm_if c;
    tg_llvm_if_open(l, &c, n->packs_rows);
    pack_rows_of_block(n);
    LLVMBuildStore(l->builder, n->packed_rows, slot);
    tg_llvm_if_close(l, &c);
    n->packed_rows = LLVMBuildLoad2(l->builder, l->ptr, slot, "");
}

static void row_loops(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop tiles;
    n->row = tg_llvm_i64(e->l, 0);
    n->n_rows = tg_llvm_i64(e->l, 1);
    if (!n->n_row_axes) {
        n->row_at[0] = row_base(n);
        whole_tile(n);
        return;
    }
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o); /* about half of the code: two threads emit a half each */
    n->row = tg_llvm_loop_open(e->l, &tiles, n->row_from, n->row_until, tg_llvm_i64(e->l, e->rows));
    n->n_rows = LLVMBuildSub(e->l->builder, tg_dot_total_rows(n), n->row, "");
    tg_dot_number_rows(n);
    if (n->packs_rows) {
        address_packed_rows(n);
    }
    whole_tile(n);
    tg_llvm_loop_close(e->l, &tiles);
    tg_x86_outline_close(e->x, &o, "panel");
}

static void panel_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    n->p.column = tg_llvm_loop_open(e->l, &loop, n->group_from, n->group_until, tg_dot_panel_width(n));
    n->p.n_columns = LLVMBuildSub(e->l->builder, tg_dot_size_of(n, e->d->vector), n->p.column, "");
    tg_dot_locate_panel(n);
    row_loops(n);
    tg_llvm_loop_close(e->l, &loop);
}

static void block_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    tg_dot_open_part(n);
    n->row_from = tg_llvm_i64(e->l, 0);
    n->row_until = tg_dot_total_rows(n);
    if (!n->block) {
        panel_loop(n);
        return;
    }
    n->row_from = tg_llvm_loop_open(e->l, &loop, n->row_from, n->row_until, n->block);
    n->row_until = tg_llvm_min64(e->l, n->row_until, LLVMBuildAdd(e->l->builder, n->row_from, n->block, ""));
    if (n->packs_rows) {
        open_block(n);
    }
    panel_loop(n);
    tg_llvm_loop_close(e->l, &loop);
}

/* A single row that streams: all but the last few reduction points are summed here. Returns where the parts go on. */
static LLVMValueRef stream_row(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    tg_axis *k = e->d->over[0];
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1), size = tg_dot_size_of(n, k);
    LLVMValueRef single = LLVMBuildAnd(b, n->streams, LLVMBuildICmp(b, LLVMIntEQ, tg_dot_total_rows(n), one, ""), "");
    LLVMValueRef until = LLVMBuildAnd(b, LLVMBuildSub(b, size, one, ""), tg_llvm_i64(e->l, -TG_DOT_STREAM_LINES), "");
    single = LLVMBuildAnd(b, single, n->in_parts, "");
    until = tg_dot_choose(n, single, tg_llvm_max64(e->l, until, zero), zero);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, LLVMBuildICmp(b, LLVMIntSGT, until, zero, ""));
    tg_dot_stream s = {.columns = tg_dot_bytes_at(n, n->columns.base, n->group_from, tg_llvm_i64(e->l, e->size)),
                       .column_step = tg_x86_dot_step(e, &n->columns, k),
                       .row = n->rows.base,
                       .row_step = tg_x86_dot_step(e, &n->rows, k),
                       .n_columns = LLVMBuildSub(b, n->group_until, n->group_from, ""),
                       .k_until = until,
                       .sums = n->strips};
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    tg_x86_dot_stream(e, &s);
    tg_x86_outline_close(e->x, &o, "stream_row");
    tg_llvm_if_close(e->l, &c);
    return until;
}

static void part_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), size = tg_x86_dot_extent(e, 0);
    e->k_from = zero;
    e->k_count = size;
    if (!n->in_parts) {
        block_loop(n);
        return;
    }
    tg_llvm_loop loop;
    LLVMValueRef until = tg_llvm_max64(e->l, size, tg_llvm_i64(e->l, 1)); /* the roots run even if nothing is summed */
    LLVMValueRef start = n->streams ? stream_row(n) : zero;
    e->k_from = tg_llvm_loop_open(e->l, &loop, start, until, n->k_block);
    LLVMValueRef left = LLVMBuildSub(b, size, e->k_from, "");
    e->k_count = tg_llvm_min64(e->l, n->k_block, left);
    n->first = LLVMBuildICmp(b, LLVMIntEQ, e->k_from, zero, "");
    n->last = LLVMBuildICmp(b, LLVMIntSLE, left, n->k_block, "");
    block_loop(n);
    tg_llvm_loop_close(e->l, &loop);
}

static void group_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    LLVMValueRef size = tg_dot_size_of(n, e->d->vector), step = n->group ? n->group : tg_dot_panel_width(n);
    n->group_from = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), size, step);
    n->group_until = tg_llvm_min64(e->l, size, LLVMBuildAdd(e->l->builder, n->group_from, step, ""));
    part_loop(n);
    tg_llvm_loop_close(e->l, &loop);
}

static void batch_loops(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loops[TG_DOT_AXES];
    for (uint32_t i = 0; i < e->d->n_batch; i++) {
        open_axis(n, &loops[i], e->d->batch[i]);
    }
    if (!n->rows.direct && tg_x86_dot_has_window(e->x, e->d, n->rows.value)) {
        tg_x86_dot_stage_window(e, &n->rows, &n->row_memory);
    } else if (!n->rows.direct && !n->packs_rows) {
        tg_x86_dot_pack_rows(e, &n->rows, &n->row_memory);
    }
    if (tg_x86_dot_is_exact(n)) {
        tg_x86_dot_exact(n);
    } else {
        group_loop(n);
    }
    for (uint32_t i = e->d->n_batch; i-- > 0;) {
        tg_llvm_loop_close(e->l, &loops[i]);
    }
    e->n_bound = 0;
}

/* ---- set-up ---------------------------------------------------------------------------------------------------------- */

static void reserve_buffers(tg_x86 *x, const tg_x86_dot *d) {
    for (uint32_t i = 0; i < d->roots.len; i++) {
        const tg_x86_root *r = &d->roots.data[i];
        tg_value *v = r->op && r->op->n_results ? tg_result(r->op, 0) : NULL;
        if (r->to) {
            tg_x86_buffer_reserve(x, r->to);
        } else if (r->kind == TG_X86_ROOT_FILL && v) {
            x->buffers[v->id] = x->buffers[v->id] ? x->buffers[v->id] : tg_x86_buffer_create(x, v->type, d->vector);
            tg_x86_buffer_reserve(x, x->buffers[v->id]);
        }
    }
}

static LLVMValueRef edge_block(tg_dot_nest *n) {
    tg_x86 *x = n->e.x;
    int64_t offset = (x->scratch_bytes + 63) / 64 * 64;
    x->scratch_bytes = offset + n->e.rows * n->e.vecs * n->e.lanes * n->e.size;
    return tg_llvm_gep(x->l, x->l->i8, x->scratch, tg_llvm_i64(x->l, offset));
}

static void open_emission(tg_dot_emission *e, tg_x86 *x, const tg_x86_dot *d) {
    *e = (tg_dot_emission){.x = x, .l = x->l, .d = d, .elem = tg_x86_reg_type(x, d->dtype)};
    e->size = (unsigned)tg_dtype_size(d->dtype);
    e->lanes = (unsigned)x->machine->vector_bits / (8 * e->size);
    e->vector = tg_llvm_wide(e->elem, e->lanes);
    tg_x86_dot_register_tile(x, d, &e->rows, &e->vecs);
}

void tg_x86_emit_dot(tg_x86 *x, const tg_x86_dot *d) {
    tg_dot_nest *n = TG_NEW(x->arena, tg_dot_nest);
    open_emission(&n->e, x, d);
    n->compact = !x->unit;
    for (uint32_t i = 0; i < d->n_rows; i++) {
        n->row_axes[n->n_row_axes++] = d->rows[i];
    }
    if (d->row) {
        n->row_axes[n->n_row_axes++] = d->row;
    }
    x->lanes = n->e.lanes;
    reserve_buffers(x, d);
    tg_value *columns = tg_operand(d->op, d->side), *rows = tg_operand(d->op, 1 - d->side);
    tg_x86_dot_side_open(&n->e, &n->columns, columns, d->vector);
    tg_x86_dot_side_open(&n->e, &n->rows, rows, NULL);
    if (!n->columns.direct && !n->compact && d->group <= 1 && d->multiply == TG_DOT_PLAIN && !d->flip_rows) {
        tg_x86_dot_side_across(&n->e, &n->across, columns);
    }
    n->panel_memory = tg_x86_dot_scratch(x);
    n->row_memory = tg_x86_dot_scratch(x);
    n->edge = edge_block(n);
    tg_x86_dot_plan_sizes(n);
    batch_loops(n);
    x->lanes = 1;
}
