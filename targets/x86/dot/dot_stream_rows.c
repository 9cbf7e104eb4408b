/* A few rows against a large vector side. As with one row (dot_stream.c) the sums of all columns of a group rest in scratch while LINES lines at a time
 * pass in memory order, but a piece of these lines serves several register tiles:
 *
 *   for k by LINES                     the rows' elements at these points are copied: a tile's lie in a few lines of the first-level cache
 *     for columns by VECS vectors
 *       for rows by height             sums += row · piece
 *
 * Tiles are small: what the next one loads and the one before stores then passes while one multiplies, and few rows are computed in vain. Rows past the
 * last repeat it; the scratch has lines for their sums. */
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"

enum { LINES = TG_DOT_STREAM_LINES, VECS = 2 };

bool tg_dot_streams_few(const tg_dot_nest *n) {
    const tg_x86_dot *d = n->e.d;
    bool plain = n->columns.direct && d->group <= 1 && d->multiply == TG_DOT_PLAIN && n->n_row_axes == 1;
    return plain && !d->over[0]->scheduled && !tg_func_scheduled(n->e.x->f, "reg", n->row_axes[0], NULL); /* which say what tiles and parts to take */
}

typedef struct few {
    tg_dot_emission *e;
    const tg_dot_stream *s;
    LLVMValueRef block;    /* [row][LINES]: the rows' elements */
    LLVMValueRef lines;    /* address of column 0 at the first of the lines */
    LLVMValueRef requests; /* i1: they are requested */
    unsigned height;       /* of a tile */
    unsigned vecs;         /* of a piece, in equal parts of a panel */
    tg_dot_loop points;
} few;

static LLVMValueRef bytes_at(const few *f, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    return tg_llvm_gep(f->e->l, f->e->l->i8, base, LLVMBuildMul(f->e->l->builder, index, step, ""));
}

static int64_t width_of(const few *f) {
    return (int64_t)f->vecs * f->e->lanes;
}

/* Row r + i. */
static LLVMValueRef row_in_block(const few *f, LLVMValueRef r, unsigned i) {
    tg_llvm *l = f->e->l;
    LLVMValueRef line = tg_llvm_i64(l, (int64_t)LINES * f->e->size);
    return tg_llvm_gep(l, f->e->elem, bytes_at(f, f->block, r, line), tg_llvm_i64(l, (int64_t)i * LINES));
}

static void copy_rows(const few *f, LLVMValueRef k) {
    tg_llvm *l = f->e->l;
    LLVMValueRef last = LLVMBuildSub(l->builder, f->s->n_rows, tg_llvm_i64(l, 1), "");
    LLVMValueRef height = tg_llvm_i64(l, f->height), until = LLVMBuildMul(l->builder, tg_llvm_ceil_div(l, f->s->n_rows, height), height, "");
    tg_llvm_loop rows;
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, tg_llvm_i64(l, 0), until, tg_llvm_i64(l, 1)), to = row_in_block(f, r, 0);
    LLVMValueRef from = bytes_at(f, bytes_at(f, f->s->row, tg_llvm_min64(l, r, last), f->s->rows_apart), k, f->s->row_step);
    for (unsigned i = 0; i < LINES; i++) {
        LLVMValueRef v = tg_llvm_load(l, f->e->elem, bytes_at(f, from, tg_llvm_i64(l, i), f->s->row_step), f->e->size);
        tg_llvm_store(l, v, tg_llvm_gep(l, f->e->elem, to, tg_llvm_i64(l, i)), f->e->size);
    }
    tg_llvm_loop_close(l, &rows);
}

/* The tile of rows from r on at a piece of the lines; its sums begin at `sums`. `left`: columns that exist, where that may be less than all; there the
 * points are a loop, for little code. */
static void run_tile(const few *f, LLVMValueRef piece, LLVMValueRef r, LLVMValueRef sums, LLVMValueRef left) {
    tg_dot_emission *e = f->e;
    tg_llvm *l = e->l;
    tg_dot_tile t = {.elem = e->elem, .lanes = e->lanes, .vecs = f->vecs, .rows = f->height, .vector_base = piece, .multiply = e->d->multiply,
                     .loops = &f->points, .n_loops = 1, .unroll = !left, .steps = 1};
    unsigned line = e->vecs * e->lanes;
    LLVMValueRef at[TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS], first = bytes_at(f, sums, r, tg_llvm_i64(l, (int64_t)line * e->size));
    for (unsigned i = 0; i < f->height; i++) {
        t.row_at[i] = row_in_block(f, r, i);
        for (unsigned v = 0; v < f->vecs; v++) {
            at[i * f->vecs + v] = tg_llvm_gep(l, e->elem, first, tg_llvm_i64(l, i * line + v * e->lanes));
            t.acc[i * f->vecs + v] = tg_llvm_load(l, e->vector, at[i * f->vecs + v], e->size);
        }
    }
    for (unsigned v = 0; v < f->vecs && left; v++) {
        t.masks[v] = tg_x86_dot_lanes_below(e, tg_llvm_i64(l, v * e->lanes), left);
    }
    tg_x86_emit_dot_tile(l, &t);
    for (unsigned i = 0; i < f->height * f->vecs; i++) {
        tg_llvm_store(l, t.acc[i], at[i], e->size);
    }
}

static void request_lines(const few *f, LLVMValueRef piece) {
    LLVMValueRef line[LINES];
    for (unsigned i = 0; i < LINES; i++) {
        line[i] = bytes_at(f, piece, tg_llvm_i64(f->e->l, i), f->s->column_step);
    }
    tg_x86_dot_stream_request(f->e, f->requests, line, width_of(f) * f->e->size);
}

/* Where the sums of row 0 begin, at `column`. */
static LLVMValueRef sums_at(const few *f, LLVMValueRef column) {
    LLVMBuilderRef b = f->e->l->builder;
    LLVMValueRef panel = tg_llvm_i64(f->e->l, (int64_t)f->e->vecs * f->e->lanes), size = tg_llvm_i64(f->e->l, f->e->size);
    LLVMValueRef strip = bytes_at(f, f->s->sums, LLVMBuildUDiv(b, column, panel, ""), f->s->strip_bytes);
    return bytes_at(f, strip, LLVMBuildURem(b, column, panel, ""), size);
}

/* Pieces of columns [from, until); `masked`: the columns of one may end within it. */
static void columns_loop(const few *f, LLVMValueRef from, LLVMValueRef until, bool masked) {
    tg_llvm *l = f->e->l;
    LLVMValueRef width = tg_llvm_i64(l, width_of(f)), size = tg_llvm_i64(l, f->e->size);
    tg_llvm_loop columns, rows;
    LLVMValueRef column = tg_llvm_loop_open(l, &columns, from, until, width), piece = bytes_at(f, f->lines, column, size);
    LLVMValueRef sums = sums_at(f, column);
    request_lines(f, piece);
    LLVMValueRef r = tg_llvm_loop_open(l, &rows, tg_llvm_i64(l, 0), f->s->n_rows, tg_llvm_i64(l, f->height));
    run_tile(f, piece, r, sums, masked ? LLVMBuildSub(l->builder, until, column, "") : NULL);
    tg_llvm_loop_close(l, &rows);
    tg_llvm_loop_close(l, &columns);
}

/* The last piece, which is not whole, in code of its own: without mask registers masks take longer than the products. */
static void last_columns(const few *f, LLVMValueRef whole) {
    tg_llvm_outline o;
    tg_llvm_outline_open(f->e->l, &o);
    columns_loop(f, whole, f->s->n_columns, true);
    LLVMValueRef fn = tg_x86_outline_close(f->e->x, &o, "stream_last");
    if (fn) {
        tg_x86_mark_cold(f->e->x, fn);
    }
}

void tg_x86_dot_stream_few(tg_dot_emission *e, const tg_dot_stream *s) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    few f = {.e = e, .s = s, .block = tg_x86_alloca(e->x, LLVMArrayType2(e->elem, (uint64_t)LINES * TG_DOT_STREAM_FEW))};
    f.height = tg_x86_dot_stream_height(e->x->machine);
    f.vecs = e->vecs % VECS ? e->vecs : VECS;
    f.requests = tg_x86_dot_stream_requests(e, s);
    f.points = (tg_dot_loop){tg_llvm_i64(l, LINES), s->column_step, tg_llvm_i64(l, e->size)};
    LLVMValueRef width = tg_llvm_i64(l, width_of(&f)), whole = LLVMBuildMul(b, LLVMBuildUDiv(b, s->n_columns, width, ""), width, "");
    tg_llvm_loop parts;
    LLVMValueRef k = tg_llvm_loop_open(l, &parts, tg_llvm_i64(l, 0), s->k_until, tg_llvm_i64(l, LINES));
    f.lines = bytes_at(&f, s->columns, k, s->column_step);
    copy_rows(&f, k);
    columns_loop(&f, tg_llvm_i64(l, 0), whole, false);
    last_columns(&f, whole);
    tg_llvm_loop_close(l, &parts);
}
