/* The loops of the fast dot path around its panels (dot_panels.c) and register tiles (dot_tiles.c); see dot.h.
 *
 *   for columns by group               panels packed together: as many as a share of the third-level cache takes, or one
 *     for k by part                    the rest of the reduction waits; a box of several axes of it
 *       [copy the part's window]       where the reduction moves it farther than the rows do
 *       [pack the group's panels]   dot_panels.c; where tg_dot_may_copy, the first tile of each does while it computes
 *       for rows by block              rows of the broadcast side that stay in the second-level cache
 *         [pack the block's rows]      dot_rows.c
 *         for panels of the group
 *           for rows of the block      register tiles, dot_tiles.c
 *
 * A panel of a part and a block of rows have to share the second-level cache. Between parts the sums of a group rest in strips of
 * scratch, one per panel; the roots run after the last part.
 *
 * Few rows over a large vector side (a matrix times a vector) have no use for panels: every element is used a few times only,
 * and a narrow panel walks over as many pages as it has lines. Then a part is a few lines (sets of the caches hold no more of them
 * if they lie a power of two apart), the group is all columns, and the vector side streams by in the order in which it lies in
 * memory, while the sums stay in the strips. */
#include "base/abi.h"
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"


#include <string.h>

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* One loop over an axis that both sides' addresses follow. */
static void open_axis(tg_dot_nest *n, tg_llvm_loop *loop, tg_axis *a) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef i = tg_llvm_loop_open(e->l, loop, tg_llvm_i64(e->l, 0), tg_dot_size_of(n, a), tg_llvm_i64(e->l, 1));
    tg_dot_side *sides[] = {&n->columns, &n->across, &n->rows, &n->narrow_columns, &n->narrow_rows};
    for (unsigned k = 0; k < sizeof sides / sizeof *sides; k++) {
        if (sides[k]->direct) {
            sides[k]->base = tg_dot_bytes_at(n, sides[k]->base, i, tg_x86_dot_step(e, sides[k], a));
        }
    }
    tg_x86_dot_bind(e, a, i);
}

static LLVMValueRef row_base(tg_dot_nest *n) {
    return tg_x86_dot_part_base(&n->e, &n->rows);
}

LLVMValueRef tg_dot_address_of_row(tg_dot_nest *n, const LLVMValueRef *index) {
    LLVMValueRef at = row_base(n);
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        at = tg_dot_bytes_at(n, at, index[i], tg_x86_dot_step(&n->e, &n->rows, n->row_axes[i]));
    }
    return at;
}

static void address_rows(tg_dot_nest *n) {
    for (unsigned r = 0; r < n->e.rows; r++) {
        n->row_at[r] = tg_dot_address_of_row(n, n->row_index[r]);
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
void tg_dot_decode_row(tg_dot_nest *n, LLVMValueRef row, LLVMValueRef *index) {
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

/* The rows of a tile, each the successor of the one before; past the end they stay at the last. */
void tg_dot_number_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1);
    uint32_t top = top_row_axis(n);
    tg_dot_decode_row(n, n->row, n->row_index[0]);
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

/* Where the tile's first row is, to *at; gives back how far apart rows are that lie within a line, or are packed. */
static LLVMValueRef first_row(tg_dot_nest *n, const LLVMValueRef *index, LLVMValueRef *at) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef step = tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]), size = tg_llvm_i64(e->l, e->size);
    *at = n->rows.direct ? tg_dot_address_of_row(n, index) : NULL;
    if (!n->packs_rows) {
        return step;
    }
    LLVMValueRef line = LLVMBuildMul(b, tg_x86_dot_counts(e, 0), size, "");
    LLVMValueRef packed = tg_dot_bytes_at(n, n->packed_rows, LLVMBuildSub(b, n->row, n->row_from, ""), line);
    *at = *at ? tg_dot_choose(n, n->packs_rows, packed, *at) : packed;
    return n->rows.direct ? tg_dot_choose(n, n->packs_rows, size, step) : size;
}

/* The addresses of rows that are not a step apart, `at` otherwise: past the end or a line's end they are numbered one by one. */
static void number_if(tg_dot_nest *n, LLVMValueRef odd, LLVMValueRef *at) {
    tg_llvm *l = n->e.l;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(l->builder), apart = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildCondBr(l->builder, odd, apart, after);
    LLVMPositionBuilderAtEnd(l->builder, apart);
    tg_dot_number_rows(n);
    LLVMBuildBr(l->builder, after);
    LLVMPositionBuilderAtEnd(l->builder, after);
    for (unsigned r = 1; r < n->e.rows; r++) {
        LLVMValueRef phi = LLVMBuildPhi(l->builder, l->ptr, "");
        LLVMAddIncoming(phi, (LLVMValueRef[]){at[r], n->row_at[r]}, (LLVMBasicBlockRef[]){before, apart}, 2);
        at[r] = phi;
    }
}

/* The rows after the first, a step apart. Those of a single axis that lie past its end stay at the last, without a branch. */
static void step_rows(tg_dot_nest *n, LLVMValueRef step, bool single, LLVMValueRef *at) {
    tg_llvm *l = n->e.l;
    for (unsigned r = 1; r < n->e.rows; r++) {
        LLVMValueRef more = single ? LLVMBuildICmp(l->builder, LLVMIntSGT, n->n_rows, tg_llvm_i64(l, r), "") : NULL;
        at[r] = tg_llvm_gep(l, l->i8, at[r - 1], single ? tg_dot_choose(n, more, step, tg_llvm_i64(l, 0)) : step);
    }
}

/* Most tiles lie within a line of the last row axis: their rows are a step apart, and nothing has to be counted row by row. Packed rows are
 * so anyhow. The indices are those of such a tile; others find theirs where their results come from the edge block. */
static void place_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    uint32_t inner = n->n_row_axes - 1;
    LLVMValueRef first[TG_DOT_AXES], at[TG_DOT_MAX_ROWS];
    if (n->compact) {
        tg_dot_number_rows(n);
        return;
    }
    tg_dot_decode_row(n, n->row, first);
    n->in_line = LLVMBuildICmp(b, LLVMIntSLE, LLVMBuildAdd(b, first[inner], tg_llvm_i64(l, e->rows), ""), tg_dot_size_of(n, n->row_axes[inner]), "");
    LLVMValueRef step = first_row(n, first, at);
    bool single = n->n_row_axes == 1;
    step_rows(n, step, single && n->rows.direct, at);
    n->next_rows = tg_llvm_gep(l, l->i8, at[e->rows - 1], step);
    if (n->rows.direct && !single) {
        number_if(n, LLVMBuildNot(b, n->packs_rows ? LLVMBuildOr(b, n->in_line, n->packs_rows, "") : n->in_line, ""), at);
    }
    memcpy(n->row_at, at, sizeof *at * e->rows);
    for (unsigned r = 0; r < e->rows; r++) {
        memcpy(n->row_index[r], first, sizeof first);
        n->row_index[r][inner] = LLVMBuildAdd(b, first[inner], tg_llvm_i64(l, r), "");
    }
}

/* Rows in place. */
static void interleave_rows(tg_dot_nest *n, LLVMValueRef memory) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef step = tg_x86_dot_step(e, &n->rows, n->row_axes[0]), from = tg_dot_bytes_at(n, row_base(n), n->row_from, step);
    LLVMValueRef rows = LLVMBuildSub(b, tg_dot_total_rows(n), n->row_from, ""), until = LLVMBuildSub(b, n->row_until, n->row_from, "");
    LLVMValueRef point_step = tg_x86_dot_step(e, &n->rows, e->d->over[0]), height = tg_llvm_i64(e->l, e->rows), size = tg_llvm_i64(e->l, e->size);
    LLVMValueRef args[] = {memory, from, step, point_step, e->count[0], rows, until, height, size};
    tg_x86_worker_call(e->x, offsetof(tg_worker, pack_tiles), args, 9);
}

/* Do the rows of the tile, which are numbered, lie side by side? */
static LLVMValueRef are_neighbours(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef last = LLVMBuildPtrToInt(b, n->row_at[e->rows - 1], e->l->i64, ""), first = LLVMBuildPtrToInt(b, n->row_at[0], e->l->i64, "");
    LLVMValueRef size = tg_llvm_i64(e->l, e->size), step = tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]);
    LLVMValueRef length = LLVMBuildMul(b, size, tg_llvm_i64(e->l, e->rows - 1), "");
    LLVMValueRef side_by_side = LLVMBuildICmp(b, LLVMIntEQ, step, size, ""), straight = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildSub(b, last, first, ""), length, "");
    return LLVMBuildAnd(b, side_by_side, straight, "");
}

static void pack_rows_of_block(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef height = tg_llvm_i64(e->l, e->rows), line = LLVMBuildMul(b, tg_x86_dot_counts(e, 0), tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef rows = LLVMBuildAdd(b, LLVMBuildSub(b, n->row_until, n->row_from, ""), height, "");
    LLVMValueRef bytes = LLVMBuildAdd(b, LLVMBuildMul(b, rows, line, ""), tg_llvm_i64(e->l, e->rows * e->lanes * e->size), "");
    LLVMValueRef memory = tg_x86_dot_reserve(e->x, &n->block_memory, bytes);
    if (n->rows.direct && n->n_row_axes == 1 && e->d->n_over == 1) {
        interleave_rows(n, memory);
        return;
    }
    tg_llvm_loop tiles;
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    n->row = tg_llvm_loop_open(e->l, &tiles, n->row_from, n->row_until, height);
    n->n_rows = LLVMBuildSub(b, tg_dot_total_rows(n), n->row, "");
    tg_dot_number_rows(n);
    tg_dot_rows r = {.value = n->rows.value, .at = n->rows.direct ? n->row_at : NULL, .axes = n->row_axes, .n_axes = n->n_row_axes};
    r.n = e->rows;
    r.count = e->count[0];
    r.index = (const LLVMValueRef(*)[TG_DOT_AXES])n->row_index;
    r.ahead = LLVMBuildMul(b, height, tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]), "");
    LLVMValueRef to = tg_dot_bytes_at(n, memory, LLVMBuildSub(b, n->row, n->row_from, ""), line);
    if (n->rows.direct) {
        tg_x86_dot_pack_box(e, &n->rows, &r, are_neighbours(n), to);
    } else {
        tg_x86_dot_pack_tile(e, &r, to);
    }
    tg_llvm_loop_close(e->l, &tiles);
    tg_x86_outline_close(e->x, &o, "pack_rows");
}

/* Do the rows wait to be packed? Those of a single block and part stay for the groups that follow. */
static LLVMValueRef is_unpacked(tg_dot_nest *n) {
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef first = LLVMBuildICmp(b, LLVMIntEQ, n->group_from, tg_llvm_i64(n->e.l, 0), "");
    LLVMValueRef several = LLVMBuildICmp(b, LLVMIntSLT, n->block, tg_dot_total_rows(n), "");
    several = n->in_parts ? LLVMBuildOr(b, several, n->in_parts, "") : several;
    return LLVMBuildAnd(b, n->packs_rows, LLVMBuildOr(b, first, several, ""), "");
}

static void open_block(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    tg_llvm_if c;
    tg_llvm_if_open(l, &c, is_unpacked(n));
    pack_rows_of_block(n);
    tg_llvm_if_close(l, &c);
    n->packed_rows = LLVMBuildLoad2(l->builder, l->ptr, n->block_memory.pointer, "");
}

static void row_loops(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop tiles;
    n->row = tg_llvm_i64(e->l, 0);
    n->n_rows = tg_llvm_i64(e->l, 1);
    if (!n->n_row_axes) {
        n->row_at[0] = row_base(n);
        tg_dot_whole_tile(n);
        return;
    }
    n->row = tg_llvm_loop_open(e->l, &tiles, n->row_from, n->row_until, tg_llvm_i64(e->l, e->rows));
    n->n_rows = LLVMBuildSub(e->l->builder, tg_dot_total_rows(n), n->row, "");
    place_rows(n);
    tg_dot_whole_tile(n);
    tg_llvm_loop_close(e->l, &tiles);
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

static void panels_of_block(tg_dot_nest *n) {
    if (n->e.d->amx) {
        tg_dot_amx_block(n);
    } else if (n->compact) {
        panel_loop(n);
    } else {
        tg_llvm_outline o;
        tg_llvm_outline_open(n->e.l, &o);
        panel_loop(n);
        bool apart = tg_x86_outline_close(n->e.x, &o, "panels");
        n->e.x->panels_apart |= apart && tg_x86_dot_runs_once(n->e.d);
    }
}

static void block_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    tg_dot_open_part(n);
    n->row_from = tg_llvm_i64(e->l, 0);
    n->row_until = tg_dot_total_rows(n);
    if (!n->block) {
        panels_of_block(n);
        return;
    }
    n->row_from = tg_llvm_loop_open(e->l, &loop, n->row_from, n->row_until, n->block);
    n->row_until = tg_llvm_min64(e->l, n->row_until, LLVMBuildAdd(e->l->builder, n->row_from, n->block, ""));
    if (n->packs_rows) {
        open_block(n);
    }
    panels_of_block(n);
    tg_llvm_loop_close(e->l, &loop);
}

/* The operands as lines of columns, which one row or a few pass. */
static void place_lines(tg_dot_nest *n, tg_dot_stream *s) {
    tg_dot_emission *e = &n->e;
    tg_axis *k = e->d->over[0];
    const tg_dot_side *columns = n->columns.direct ? &n->columns : &n->narrow_columns;
    const tg_dot_side *side = tg_dot_streams_narrow(n) ? &n->narrow_rows : &n->rows;
    s->column_type = columns->value->type->dtype;
    s->row_type = side->value->type->dtype;
    s->column_step = tg_x86_dot_step(e, columns, k);
    s->row = side->base;
    s->row_step = tg_x86_dot_step(e, side, k);
    s->rows_apart = tg_dot_streams_few(n) ? tg_x86_dot_step(e, &n->rows, n->row_axes[0]) : NULL;
    s->columns = tg_dot_bytes_at(n, columns->base, n->group_from, tg_llvm_i64(e->l, (int64_t)tg_dtype_size(s->column_type)));
    s->scratch = e->d->group > 1 ? tg_x86_dot_reserve(e->x, &n->panel_memory, tg_llvm_i64(e->l, TG_DOT_STREAM_BYTES)) : NULL;
}

/* Few rows go through tile registers, if there are any and they pay: vdpbf16ps is slow where there are, but vpdpbusd does 8 rows while columns are
 * read. */
static void stream(tg_dot_nest *n, const tg_dot_stream *s) {
    tg_llvm *l = n->e.l;
    tg_llvm_if c;
    bool tiles = n->e.d->amx && tg_dot_streams_rows(n);
    if (tg_dot_streams_along(n)) {
        tg_dot_stream_along(n, s);
        return;
    }
    if (tiles) {
        tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntSGT, s->n_rows, tg_llvm_i64(l, tg_x86_dot_stream_vectors(n->e.d)), ""));
        tg_dot_amx_stream(n, s->k_until);
        tg_llvm_if_else(l, &c);
    }
    tg_x86_dot_stream(&n->e, s);
    if (tiles) {
        tg_llvm_if_close(l, &c);
    }
}

/* Reduction points that stream at a time. */
static int64_t streamed_points(const tg_dot_nest *n) {
    const tg_dot_emission *e = &n->e;
    return tg_dot_streams_along(n) ? (int64_t)e->d->group * e->lanes : e->d->amx ? TG_AMX_STREAM : TG_DOT_STREAM_LINES;
}

/* i1: do the rows stream? */
static LLVMValueRef rows_stream(tg_dot_nest *n, LLVMValueRef rows) {
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    if (tg_dot_streams_along(n)) { /* from where a vector begins */
        LLVMValueRef past = LLVMBuildAnd(b, n->e.x->ranges[n->e.d->over[0]->rank].first, tg_llvm_i64(l, n->e.lanes - 1), "");
        return LLVMBuildAnd(b, n->streams, LLVMBuildICmp(b, LLVMIntEQ, past, tg_llvm_i64(l, 0), ""), "");
    }
    LLVMValueRef most = tg_llvm_i64(l, tg_dot_streams_few(n) ? TG_DOT_STREAM_FEW : 1);
    return tg_dot_streams_rows(n) ? n->streams : LLVMBuildAnd(b, n->streams, LLVMBuildICmp(b, LLVMIntSLE, rows, most, ""), "");
}

/* One row that streams, or few in groups: all but the last few reduction points are summed here. Returns where the parts go on, which count groups. */
static LLVMValueRef stream_rows(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1), rows = tg_dot_total_rows(n);
    LLVMValueRef few = rows_stream(n, rows), unit = tg_llvm_i64(e->l, -streamed_points(n));
    LLVMValueRef until = LLVMBuildAnd(b, LLVMBuildSub(b, tg_dot_size_of(n, e->d->over[0]), one, ""), unit, "");
    until = tg_dot_choose(n, LLVMBuildAnd(b, few, n->in_parts, ""), tg_llvm_max64(e->l, until, zero), zero);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, LLVMBuildICmp(b, LLVMIntSGT, until, zero, ""));
    tg_dot_stream s = {.n_rows = rows,
                       .words = n->rows.base,
                       .words_apart = n->n_row_axes ? tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]) : zero,
                       .n_columns = LLVMBuildSub(b, n->group_until, n->group_from, ""),
                       .k_until = until,
                       .sums = n->strips,
                       .strip_bytes = n->strip_bytes};
    if (tg_dot_streams_along(n)) {
        s.scratch = tg_x86_dot_reserve(e->x, &n->panel_memory, tg_dot_along_bytes(n, until));
    } else {
        place_lines(n, &s);
    }
    tg_llvm_outline o;
    tg_llvm_outline_open(e->l, &o);
    stream(n, &s);
    tg_x86_outline_close(e->x, &o, "stream_row");
    tg_llvm_if_close(e->l, &c);
    return LLVMBuildUDiv(b, until, tg_llvm_i64(e->l, e->d->group), "");
}

/* The part of reduction axis i that begins at from[i]. */
static void open_piece(tg_dot_nest *n, uint32_t i, LLVMValueRef start, tg_llvm_loop *loop) {
    tg_dot_emission *e = &n->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef size = tg_x86_dot_extent(e, i);
    LLVMValueRef until = tg_llvm_max64(e->l, size, tg_llvm_i64(e->l, 1)); /* the roots run even if nothing is summed */
    e->from[i] = tg_llvm_loop_open(e->l, loop, start, until, n->part[i]);
    LLVMValueRef left = LLVMBuildSub(b, size, e->from[i], "");
    e->count[i] = tg_llvm_min64(e->l, n->part[i], left);
    LLVMValueRef first = LLVMBuildICmp(b, LLVMIntEQ, e->from[i], tg_llvm_i64(e->l, 0), "");
    LLVMValueRef last = LLVMBuildICmp(b, LLVMIntSLE, left, n->part[i], "");
    n->first = i ? LLVMBuildAnd(b, n->first, first, "") : first;
    n->last = i ? LLVMBuildAnd(b, n->last, last, "") : last;
}

static void part_loops(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0);
    tg_llvm_loop loops[TG_DOT_AXES];
    tg_x86_dot_whole(e);
    if (e->d->amx && n->streams) {
        e->from[0] = stream_rows(n);
        e->count[0] = LLVMBuildSub(e->l->builder, tg_x86_dot_extent(e, 0), e->from[0], "");
    }
    if (!n->in_parts || e->d->amx) {
        block_loop(n);
        return;
    }
    LLVMValueRef start = n->streams && !tg_dot_leaves_few_out(n) ? stream_rows(n) : zero;
    for (uint32_t i = 0; i < e->d->n_over; i++) {
        if (n->part[i]) {
            open_piece(n, i, i ? zero : start, &loops[i]);
        }
    }
    if (n->slides) {
        n->rows.direct = false;
        tg_x86_dot_stage_window(e, &n->rows, &n->row_memory, true);
    }
    block_loop(n);
    for (uint32_t i = e->d->n_over; i-- > 0;) {
        if (n->part[i]) {
            tg_llvm_loop_close(e->l, &loops[i]);
        }
    }
}

static void group(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    tg_llvm_if c;
    if (!n->skips) {
        part_loops(n);
        return;
    }
    LLVMValueRef done = tg_x86_alloca(n->e.x, l->i1);
    LLVMBuildStore(l->builder, LLVMConstInt(l->i1, 0, 0), done);
    tg_llvm_if_open(l, &c, n->skips);
    tg_dot_skip_borders(n, done);
    tg_llvm_if_close(l, &c);
    tg_llvm_if_open(l, &c, LLVMBuildNot(l->builder, LLVMBuildLoad2(l->builder, l->i1, done, ""), ""));
    part_loops(n);
    tg_llvm_if_close(l, &c);
}

static void group_loop(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loop;
    LLVMValueRef size = tg_dot_size_of(n, e->d->vector), step = n->group ? n->group : tg_dot_panel_width(n);
    step = n->skips ? tg_dot_choose(n, n->skips, tg_dot_panel_width(n), step) : step;
    n->group_from = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), size, step);
    n->group_until = tg_llvm_min64(e->l, size, LLVMBuildAdd(e->l->builder, n->group_from, step, ""));
    group(n);
    tg_llvm_loop_close(e->l, &loop);
}

/* May rows be read as they are stored? Their width must be that of a group's members, and no signs flipped. */
static bool has_rows_of_groups(const tg_dot_nest *n) {
    const tg_dot_emission *e = &n->e;
    bool parts = e->d->group > 1 && n->narrow_rows.direct && !e->d->flip_rows;
    return parts && tg_dtype_size(n->narrow_rows.value->type->dtype) == tg_x86_dot_part_bytes(e);
}

static void batch_loops(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm_loop loops[TG_DOT_AXES];
    for (uint32_t i = 0; i < e->d->n_batch; i++) {
        open_axis(n, &loops[i], e->d->batch[i]);
    }
    n->as_stored = LLVMConstInt(e->l->i1, 0, 0);
    if (!n->rows.direct && tg_x86_dot_has_window(e->x, e->d, n->rows.value)) {
        n->slides = n->in_parts && tg_x86_dot_slides(e->x, e->d);
        if (!n->slides) {
            tg_x86_dot_stage_window(e, &n->rows, &n->row_memory, false);
        }
    } else if (!n->rows.direct && has_rows_of_groups(n)) {
        n->as_stored = tg_x86_dot_place_groups(e, &n->rows, &n->narrow_rows, &n->row_memory);
    } else if (!n->rows.direct && !n->packs_rows) {
        tg_x86_dot_pack_rows(e, &n->rows, &n->row_memory);
    }
    tg_dot_plan_borders(n);
    tg_dot_plan_masks(n);
    if (!n->skips && !e->d->amx && tg_x86_dot_is_exact(n)) {
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
    x->scratch_bytes = offset + n->e.rows * tg_x86_dot_strip_columns(&n->e) * n->e.size;
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
    if (!n->compact && d->n_over == 1) {
        if (!n->columns.direct) {
            tg_x86_dot_side_narrow(&n->e, &n->narrow_columns, columns, d->vector);
        }
        if (!n->columns.direct || d->group > 1) {
            tg_x86_dot_side_narrow(&n->e, &n->narrow_rows, rows, NULL);
        }
    }
    n->panel_memory = tg_x86_dot_scratch(x);
    n->row_memory = tg_x86_dot_scratch(x);
    n->edge = edge_block(n);
    tg_x86_dot_whole(&n->e);
    tg_x86_dot_plan_sizes(n);
    batch_loops(n);
    x->lanes = 1;
}
