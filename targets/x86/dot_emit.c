/* The loops of the fast dot path, its register tiles, and the roots that run on their results; see dot.h.
 *
 * A whole tile runs its roots straight on the accumulators. Tiles at the edges leave theirs in a small block of scratch, from
 * which one loop with masks runs the roots: edges cost little code that way, and code is what compile time is made of. Rows
 * past the last are computed as copies of it and dropped; columns past the last are masked, or zero in a packed panel.
 *
 * A panel as long as the reduction has to stay in the second-level cache while all rows pass it. Longer reductions run in parts;
 * between parts the sums of the panel's columns rest in a strip of scratch, the roots run after the last part. */
#include "targets/x86/dot.h"

#include <string.h>

enum { PACK_BYTES = 192 << 10, PACK_TILES = 8, PANEL_BYTES = 256 << 10, SHORT = 2048 };

typedef struct panel {
    LLVMValueRef at;                       /* address of column 0 at the first reduction point */
    LLVMValueRef column;                   /* of column 0, relative to the first */
    LLVMValueRef n_columns;                /* from there to the end of the axis */
    LLVMValueRef packed;                   /* i1: zero padded; null: never, `always` below */
    bool always;
    tg_dot_loop loops[TG_DOT_AXES];
} panel;

typedef struct nest {
    tg_dot_emission e;
    tg_dot_side columns, rows;
    tg_dot_scratch panel_memory, row_memory;
    panel p;
    tg_axis *row_axes[TG_DOT_AXES]; /* the rows are their points, numbered with the last running fastest */
    uint32_t n_row_axes;
    LLVMValueRef row, n_rows;                                  /* of the tile: number of the first, rows from there to the end */
    LLVMValueRef row_at[TG_DOT_MAX_ROWS];                      /* address; rows past the last repeat it */
    LLVMValueRef row_index[TG_DOT_MAX_ROWS][TG_DOT_AXES];      /* relative */
    LLVMValueRef edge;                                         /* scratch block [rows][lanes·vecs] */
    tg_dot_scratch strip_memory;
    LLVMValueRef k_block, in_parts; /* a long reduction runs in parts; i1: more than one. Null: known to be short */
    LLVMValueRef first, last;       /* i1: of the parts */
    LLVMValueRef strip;             /* [rows…][lanes·vecs]: the panel's sums between parts */
    bool compact; /* little code: one tile, panels always packed */
} nest;

static LLVMValueRef size_of(nest *n, const tg_axis *a) {
    return n->e.x->ranges[a->rank].size;
}

static LLVMValueRef bytes_at(nest *n, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    LLVMValueRef offset = LLVMBuildMul(n->e.l->builder, index, step, "");
    return tg_llvm_gep(n->e.l, n->e.l->i8, base, offset);
}

static LLVMValueRef choose(nest *n, LLVMValueRef test, LLVMValueRef yes, LLVMValueRef no) {
    return LLVMBuildSelect(n->e.l->builder, test, yes, no, "");
}

/* ---- roots --------------------------------------------------------------------------------------------- */

static void run_roots(nest *n, tg_x86_frame *f, LLVMValueRef result) {
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

static tg_x86_frame *column_frame(nest *n, LLVMValueRef relative) {
    tg_x86 *x = n->e.x;
    const tg_axis *a = n->e.d->vector;
    LLVMValueRef at = LLVMBuildAdd(x->builder, x->ranges[a->rank].first, relative, "");
    tg_x86_frame *f = tg_x86_frame_create(x, tg_x86_dot_frame(&n->e), x->place);
    tg_x86_frame_bind(f, n->e.d->vector, (tg_x86_val){at, tg_llvm_i64(x->l, 1), NULL});
    return f;
}

static tg_x86_frame *row_frame(nest *n, tg_x86_frame *parent, const LLVMValueRef *index) {
    tg_x86 *x = n->e.x;
    tg_x86_frame *f = tg_x86_frame_create(x, parent, x->place);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        LLVMValueRef first = x->ranges[n->row_axes[i]->rank].first;
        tg_x86_frame_bind(f, n->row_axes[i], (tg_x86_val){LLVMBuildAdd(x->builder, first, index[i], ""), NULL, NULL});
    }
    return f;
}

static void roots_in_registers(nest *n, const tg_dot_tile *t) {
    LLVMBuilderRef b = n->e.l->builder;
    for (unsigned v = 0; v < t->vecs; v++) {
        LLVMValueRef at = LLVMBuildAdd(b, n->p.column, tg_llvm_i64(n->e.l, v * t->lanes), "");
        tg_x86_frame *f = column_frame(n, at);
        for (unsigned r = 0; r < t->rows; r++) {
            run_roots(n, row_frame(n, f, n->row_index[r]), t->acc[r * t->vecs + v]);
        }
    }
}

/* Indices of the row axes for a row number. */
static void decode_row(nest *n, LLVMValueRef row, LLVMValueRef *index) {
    LLVMBuilderRef b = n->e.l->builder;
    for (uint32_t i = n->n_row_axes; i-- > 1;) {
        LLVMValueRef size = size_of(n, n->row_axes[i]), rest = LLVMBuildUDiv(b, row, size, "");
        index[i] = LLVMBuildSub(b, row, LLVMBuildMul(b, rest, size, ""), "");
        row = rest;
    }
    index[0] = row;
}

/* Where the tile leaves its sums: its rows of the strip if there are several parts. */
static LLVMValueRef edge_of_tile(nest *n) {
    if (!n->in_parts) {
        return n->edge;
    }
    LLVMValueRef line = tg_llvm_i64(n->e.l, n->e.lanes * n->e.vecs * n->e.size);
    return choose(n, n->in_parts, bytes_at(n, n->strip, n->row, line), n->edge);
}

static LLVMValueRef edge_at(nest *n, LLVMValueRef row, LLVMValueRef column) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef i = LLVMBuildMul(b, row, tg_llvm_i64(n->e.l, n->e.lanes * n->e.vecs), "");
    return tg_llvm_gep(n->e.l, n->e.elem, edge_of_tile(n), LLVMBuildAdd(b, i, column, ""));
}

static void results_to_edge(nest *n, const tg_dot_tile *t, LLVMValueRef from) {
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef row = tg_llvm_i64(n->e.l, i / t->vecs), column = tg_llvm_i64(n->e.l, i % t->vecs * t->lanes);
        column = LLVMBuildAdd(n->e.l->builder, from, column, "");
        tg_llvm_store(n->e.l, t->acc[i], edge_at(n, row, column), n->e.size);
    }
}

static void roots_from_edge(nest *n) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop rows, columns;
    LLVMValueRef zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, n->e.lanes * n->e.vecs);
    LLVMValueRef n_rows = tg_llvm_min64(l, n->n_rows, tg_llvm_i64(l, n->e.rows)), index[TG_DOT_AXES];
    LLVMValueRef n_columns = tg_llvm_min64(l, n->p.n_columns, width);
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, zero, n_rows, tg_llvm_i64(l, 1));
    decode_row(n, LLVMBuildAdd(l->builder, n->row, r, ""), index);
    LLVMValueRef c = tg_llvm_loop_open(l, &columns, zero, n_columns, tg_llvm_i64(l, n->e.lanes));
    LLVMValueRef result = tg_llvm_load(l, n->e.vector, edge_at(n, r, c), n->e.size);
    tg_x86_frame *f = column_frame(n, LLVMBuildAdd(l->builder, n->p.column, c, ""));
    tg_x86_frame_mask(n->e.x, f, tg_x86_dot_lanes_below(&n->e, c, n_columns));
    run_roots(n, row_frame(n, f, index), result);
    tg_llvm_loop_close(l, &columns);
    tg_llvm_loop_close(l, &rows);
}

/* ---- tiles ------------------------------------------------------------------------------------------------- */

/* Zero, or what the parts before have left. */
static void start_values(nest *n, tg_dot_tile *t, LLVMValueRef from) {
    tg_llvm *l = n->e.l;
    LLVMValueRef zero = LLVMConstNull(n->e.vector);
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        t->acc[i] = zero;
    }
    if (!n->in_parts) {
        return;
    }
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), more = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, n->first, after, more);
    LLVMPositionBuilderAtEnd(l->builder, more);
    LLVMValueRef sums[TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS];
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        LLVMValueRef column = LLVMBuildAdd(l->builder, from, tg_llvm_i64(l, i % t->vecs * t->lanes), "");
        sums[i] = tg_llvm_load(l, n->e.vector, edge_at(n, tg_llvm_i64(l, i / t->vecs), column), n->e.size);
    }
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
    for (unsigned i = 0; i < t->rows * t->vecs; i++) {
        t->acc[i] = LLVMBuildPhi(l->builder, n->e.vector, "");
        LLVMAddIncoming(t->acc[i], (LLVMValueRef[]){zero, sums[i]}, (LLVMBasicBlockRef[]){before, more}, 2);
    }
}

/* `vecs` vectors from column `from` of the panel on. */
static tg_dot_tile run_tile(nest *n, LLVMValueRef from, unsigned vecs, bool masked) {
    tg_dot_emission *e = &n->e;
    tg_dot_tile t = {.elem = e->elem, .lanes = e->lanes, .vecs = vecs, .rows = e->rows,
                     .vector_base = bytes_at(n, n->p.at, from, tg_llvm_i64(e->l, e->size)),
                     .loops = n->p.loops, .n_loops = e->d->n_over};
    t.prefetch = vecs == e->vecs;
    memcpy(t.row_at, n->row_at, sizeof t.row_at);
    for (unsigned v = 0; v < vecs && masked; v++) {
        LLVMValueRef at = LLVMBuildAdd(e->l->builder, from, tg_llvm_i64(e->l, v * e->lanes), "");
        t.masks[v] = tg_x86_dot_lanes_below(e, at, n->p.n_columns);
    }
    start_values(n, &t, from);
    tg_x86_emit_dot_tile(e->l, &t);
    return t;
}

static LLVMValueRef at_least(nest *n, LLVMValueRef v, unsigned limit) {
    return LLVMBuildICmp(n->e.l->builder, LLVMIntSGE, v, tg_llvm_i64(n->e.l, limit), "");
}

static void edge_tile(nest *n, LLVMValueRef from, unsigned vecs, bool masked) {
    tg_dot_tile t = run_tile(n, from, vecs, masked);
    results_to_edge(n, &t, from);
}

/* Columns that do not fill the panel, in tiles of half its width. */
static void narrow_tiles(nest *n, bool masked) {
    tg_llvm *l = n->e.l;
    tg_llvm_loop loop;
    unsigned half = n->e.vecs / 2;
    LLVMValueRef step = tg_llvm_i64(l, half * n->e.lanes);
    LLVMValueRef from = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), n->p.n_columns, step);
    edge_tile(n, from, half, masked);
    tg_llvm_loop_close(l, &loop);
}

/* The roots of a tile whose sums are in the edge block, if these are the final ones. */
static void finish_edge(nest *n) {
    tg_llvm_if c;
    if (n->in_parts) {
        tg_llvm_if_open(n->e.l, &c, n->last);
    }
    roots_from_edge(n);
    if (n->in_parts) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

static void whole_tile(nest *n) {
    tg_llvm *l = n->e.l;
    LLVMValueRef zero = tg_llvm_i64(l, 0);
    if (n->compact) {
        edge_tile(n, zero, n->e.vecs, false);
        finish_edge(n);
        return;
    }
    LLVMBasicBlockRef edge = tg_llvm_block(l), done = tg_llvm_block(l), direct = tg_llvm_block(l), spill = tg_llvm_block(l);
    LLVMBasicBlockRef narrow = tg_llvm_block(l), wide = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, at_least(n, n->p.n_columns, n->e.vecs * n->e.lanes), wide, narrow);
    LLVMPositionBuilderAtEnd(l->builder, wide);
    tg_dot_tile t = run_tile(n, zero, n->e.vecs, false);
    LLVMValueRef whole = at_least(n, n->n_rows, n->e.rows);
    whole = n->in_parts ? LLVMBuildAnd(l->builder, whole, n->last, "") : whole;
    LLVMBuildCondBr(l->builder, whole, direct, spill);
    LLVMPositionBuilderAtEnd(l->builder, spill);
    results_to_edge(n, &t, zero);
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, direct);
    roots_in_registers(n, &t);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, narrow);
    narrow_tiles(n, !n->p.always);
    LLVMBuildBr(l->builder, edge);
    LLVMPositionBuilderAtEnd(l->builder, edge);
    finish_edge(n);
    LLVMBuildBr(l->builder, done);
    LLVMPositionBuilderAtEnd(l->builder, done);
}

/* ---- panels --------------------------------------------------------------------------------------------------- */

/* Packing pays if enough tiles read the panel again and its lines are spread over many pages. */
static LLVMValueRef packing_pays(nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef rows = tg_x86_dot_points(e, d->rows, d->n_rows);
    rows = d->row ? LLVMBuildMul(b, rows, size_of(n, d->row), "") : rows;
    LLVMValueRef step = tg_x86_dot_step(e, &n->columns, d->over[d->n_over - 1]);
    LLVMValueRef spread = LLVMBuildMul(b, step, size_of(n, d->over[d->n_over - 1]), "");
    LLVMValueRef many = LLVMBuildICmp(b, LLVMIntSGE, rows, tg_llvm_i64(e->l, PACK_TILES * e->rows), "");
    LLVMValueRef far = LLVMBuildICmp(b, LLVMIntSGE, spread, tg_llvm_i64(e->l, PACK_BYTES), "");
    return LLVMBuildAnd(b, many, far, "");
}

static LLVMValueRef points_of_part(nest *n) {
    const tg_x86_dot *d = n->e.d;
    return LLVMBuildMul(n->e.l->builder, n->e.k_count, tg_x86_dot_points(&n->e, d->over + 1, d->n_over - 1), "");
}

static LLVMValueRef pack_panel(nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef line = tg_llvm_i64(e->l, e->vecs * e->lanes * e->size);
    LLVMValueRef bytes = LLVMBuildMul(e->l->builder, points_of_part(n), line, "");
    LLVMValueRef to = tg_x86_dot_reserve(e->x, &n->panel_memory, bytes);
    LLVMValueRef limit = size_of(n, e->d->vector);
    tg_x86_dot_pack_panel(e, &n->columns, to, n->p.column, limit);
    return to;
}

static void packed_loops(nest *n, LLVMValueRef *steps) {
    LLVMValueRef step = tg_llvm_i64(n->e.l, n->e.vecs * n->e.lanes * n->e.size);
    for (uint32_t i = n->e.d->n_over; i-- > 0;) {
        steps[i] = step;
        step = LLVMBuildMul(n->e.l->builder, step, size_of(n, n->e.d->over[i]), "");
    }
}

/* Where the panel's columns are: in place, packed, or whichever is better as known at run time. */
static void locate_panel(nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMValueRef steps[TG_DOT_AXES];
    packed_loops(n, steps);
    LLVMValueRef pays = n->columns.direct && !n->compact ? packing_pays(n) : NULL;
    n->p.always = !pays;
    for (uint32_t i = 0; i < d->n_over; i++) {
        LLVMValueRef in_place = tg_x86_dot_step(e, &n->columns, d->over[i]);
        n->p.loops[i].count = tg_x86_dot_count(e, i);
        n->p.loops[i].vector_step = pays ? choose(n, pays, steps[i], in_place) : steps[i];
        n->p.loops[i].row_step = tg_x86_dot_step(e, &n->rows, d->over[i]);
    }
    if (!pays) {
        n->p.at = pack_panel(n);
        return;
    }
    LLVMValueRef slot = tg_x86_alloca(e->x, e->l->ptr);
    LLVMValueRef in_place = bytes_at(n, n->columns.base, n->p.column, tg_llvm_i64(e->l, e->size));
    in_place = bytes_at(n, in_place, e->k_from, tg_x86_dot_step(e, &n->columns, d->over[0]));
    LLVMBuildStore(e->l->builder, in_place, slot);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, pays);
    LLVMBuildStore(e->l->builder, pack_panel(n), slot);
    tg_llvm_if_close(e->l, &c);
    n->p.at = LLVMBuildLoad2(e->l->builder, e->l->ptr, slot, "");
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* One loop over an axis that both sides' addresses follow. */
static void open_axis(nest *n, tg_llvm_loop *loop, tg_axis *a) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef i = tg_llvm_loop_open(e->l, loop, tg_llvm_i64(e->l, 0), size_of(n, a), tg_llvm_i64(e->l, 1));
    if (n->columns.direct) {
        n->columns.base = bytes_at(n, n->columns.base, i, tg_x86_dot_step(e, &n->columns, a));
    }
    if (n->rows.direct) {
        n->rows.base = bytes_at(n, n->rows.base, i, tg_x86_dot_step(e, &n->rows, a));
    }
    tg_x86_dot_bind(e, a, i);
}

static LLVMValueRef row_base(nest *n) {
    return bytes_at(n, n->rows.base, n->e.k_from, tg_x86_dot_step(&n->e, &n->rows, n->e.d->over[0]));
}

static void address_rows(nest *n) {
    tg_dot_emission *e = &n->e;
    for (unsigned r = 0; r < e->rows; r++) {
        n->row_at[r] = row_base(n);
        for (uint32_t i = 0; i < n->n_row_axes; i++) {
            n->row_at[r] = bytes_at(n, n->row_at[r], n->row_index[r][i], tg_x86_dot_step(e, &n->rows, n->row_axes[i]));
        }
    }
}

/* The rows of a tile, each the successor of the one before; past the end they stay at the last. */
static void number_rows(nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1);
    decode_row(n, n->row, n->row_index[0]);
    for (unsigned r = 1; r < e->rows; r++) {
        LLVMValueRef more = LLVMBuildICmp(b, LLVMIntSGT, n->n_rows, tg_llvm_i64(e->l, r), "");
        LLVMValueRef carry = choose(n, more, one, zero);
        for (uint32_t i = n->n_row_axes; i-- > 0;) {
            LLVMValueRef next = LLVMBuildAdd(b, n->row_index[r - 1][i], carry, "");
            LLVMValueRef wraps = LLVMBuildICmp(b, LLVMIntEQ, next, size_of(n, n->row_axes[i]), "");
            n->row_index[r][i] = i ? choose(n, wraps, zero, next) : next;
            carry = choose(n, wraps, one, zero);
        }
    }
    address_rows(n);
}

static void row_loops(nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop tiles;
    n->row = tg_llvm_i64(e->l, 0);
    n->n_rows = tg_llvm_i64(e->l, 1);
    if (!n->n_row_axes) {
        n->row_at[0] = row_base(n);
        whole_tile(n);
        return;
    }
    LLVMValueRef total = tg_x86_dot_points(e, n->row_axes, n->n_row_axes);
    n->row = tg_llvm_loop_open(e->l, &tiles, n->row, total, tg_llvm_i64(e->l, e->rows));
    n->n_rows = LLVMBuildSub(e->l->builder, total, n->row, "");
    number_rows(n);
    whole_tile(n);
    tg_llvm_loop_close(e->l, &tiles);
}

/* Is the reduction known to fit one panel? */
static bool is_short(nest *n) {
    int64_t points = 1;
    for (uint32_t i = 0; i < n->e.d->n_over && points; i++) {
        int64_t bound = n->e.x->ranges[n->e.d->over[i]->rank].bound;
        points = bound > SHORT ? 0 : points * bound;
    }
    return points > 0 && points <= SHORT;
}

/* Equal parts of at most PANEL_BYTES, if one of twice that is not enough; and room for the sums between them. */
static void plan_parts(nest *n) {
    tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    LLVMBuilderRef b = e->l->builder;
    if (is_short(n) || n->compact) {
        return;
    }
    LLVMValueRef one = tg_llvm_i64(e->l, 1), size = size_of(n, d->over[0]);
    LLVMValueRef lines = tg_llvm_i64(e->l, PANEL_BYTES / (e->vecs * e->lanes * e->size));
    LLVMValueRef inner = tg_llvm_max64(e->l, tg_x86_dot_points(e, d->over + 1, d->n_over - 1), one);
    LLVMValueRef most = tg_llvm_max64(e->l, LLVMBuildUDiv(b, lines, inner, ""), one);
    LLVMValueRef twice = LLVMBuildMul(b, most, tg_llvm_i64(e->l, 2), "");
    n->in_parts = LLVMBuildICmp(b, LLVMIntSGT, size, twice, "");
    LLVMValueRef part = tg_llvm_ceil_div(e->l, size, tg_llvm_max64(e->l, tg_llvm_ceil_div(e->l, size, most), one));
    n->k_block = tg_llvm_max64(e->l, choose(n, n->in_parts, part, size), one);
    LLVMValueRef rows = tg_llvm_i64(e->l, e->rows), line = tg_llvm_i64(e->l, e->vecs * e->lanes * e->size);
    LLVMValueRef total = tg_x86_dot_points(e, n->row_axes, n->n_row_axes);
    total = LLVMBuildMul(b, LLVMBuildMul(b, tg_llvm_ceil_div(e->l, total, rows), rows, ""), line, "");
    n->strip_memory = tg_x86_dot_scratch(e->x);
    n->strip = tg_x86_dot_reserve(e->x, &n->strip_memory, choose(n, n->in_parts, total, tg_llvm_i64(e->l, 0)));
}

static void panel_of_part(nest *n) {
    locate_panel(n);
    row_loops(n);
}

static void part_loop(nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), size = size_of(n, e->d->over[0]);
    e->k_from = zero;
    e->k_count = size;
    if (!n->in_parts) {
        panel_of_part(n);
        return;
    }
    tg_llvm_loop loop;
    LLVMValueRef until = tg_llvm_max64(e->l, size, tg_llvm_i64(e->l, 1)); /* the roots run even if nothing is summed */
    e->k_from = tg_llvm_loop_open(e->l, &loop, zero, until, n->k_block);
    LLVMValueRef left = LLVMBuildSub(b, size, e->k_from, "");
    e->k_count = tg_llvm_min64(e->l, n->k_block, left);
    n->first = LLVMBuildICmp(b, LLVMIntEQ, e->k_from, zero, "");
    n->last = LLVMBuildICmp(b, LLVMIntSLE, left, n->k_block, "");
    panel_of_part(n);
    tg_llvm_loop_close(e->l, &loop);
}

static void panel_loop(nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    LLVMValueRef size = size_of(n, e->d->vector), width = tg_llvm_i64(e->l, e->vecs * e->lanes);
    n->p.column = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), size, width);
    n->p.n_columns = LLVMBuildSub(e->l->builder, size, n->p.column, "");
    part_loop(n);
    tg_llvm_loop_close(e->l, &loop);
}

static void batch_loops(nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loops[TG_DOT_AXES];
    for (uint32_t i = 0; i < e->d->n_batch; i++) {
        open_axis(n, &loops[i], e->d->batch[i]);
    }
    if (!n->rows.direct && tg_x86_dot_has_window(e->x, e->d, n->rows.value)) {
        tg_x86_dot_stage_window(e, &n->rows, &n->row_memory);
    } else if (!n->rows.direct) {
        tg_x86_dot_pack_rows(e, &n->rows, &n->row_memory);
    }
    panel_loop(n);
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

static LLVMValueRef edge_block(nest *n) {
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
    tg_x86_dot_tile_shape(x->machine->vector_regs, &e->rows, &e->vecs);
    e->rows = d->row ? e->rows : 1;
}

void tg_x86_emit_dot(tg_x86 *x, const tg_x86_dot *d) {
    nest *n = TG_NEW(x->arena, nest);
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
    n->panel_memory = tg_x86_dot_scratch(x);
    n->row_memory = tg_x86_dot_scratch(x);
    n->edge = edge_block(n);
    plan_parts(n);
    batch_loops(n);
    x->lanes = 1;
}
