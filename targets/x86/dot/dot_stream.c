/* One row against a large vector side: sums of all columns of a group rest in scratch while the lines of the vector side pass,
 * LINES at a time, each in memory order.
 *
 *   for k by LINES                     a[k] … a[k + LINES - 1] stay in registers, spread over the lanes
 *     for columns by vector            sum[column] += a[k] · b[k][column] + … + a[k + LINES - 1] · b[k + LINES - 1][column]
 *
 * Elements of 8 or 16 bits are read as they are stored and converted here: packing them would take longer than the sums.
 *
 * A loop that kept the sums in registers instead would visit a new page with every line. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/ops/ops.h"
#include "targets/x86/x86_target.h"

enum { LINES = TG_DOT_STREAM_LINES };

typedef struct stream {
    tg_dot_emission *e;
    const tg_dot_stream *s;
    LLVMValueRef line[LINES], row[LINES]; /* address of column 0; value in all lanes */
    LLVMValueRef requests;                /* i1: the columns are requested */
} stream;

static LLVMValueRef at(stream *t, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    return tg_llvm_gep(t->e->l, t->e->l->i8, base, LLVMBuildMul(t->e->l->builder, index, step, ""));
}

static LLVMValueRef sum_at(stream *t, LLVMValueRef column) {
    return tg_llvm_gep(t->e->l, t->e->elem, t->s->sums, column);
}

static unsigned stored_size(const stream *t) {
    return (unsigned)tg_dtype_size(t->s->column_type);
}

static LLVMValueRef column_of(stream *t, LLVMValueRef line, LLVMValueRef column) {
    return at(t, line, column, tg_llvm_i64(t->e->l, stored_size(t)));
}

/* Elements that are stored as `from`, in the type of the sums; a scalar for one lane. */
static LLVMValueRef load(stream *t, LLVMValueRef p, tg_dtype from, unsigned lanes, LLVMValueRef mask) {
    tg_x86 *x = t->e->x;
    LLVMTypeRef one = tg_x86_mem_type(x, from), type = lanes > 1 ? tg_llvm_wide(one, lanes) : one;
    unsigned size = (unsigned)tg_dtype_size(from);
    LLVMValueRef v = mask ? tg_llvm_masked_load(x->l, type, p, size, mask) : tg_llvm_load(x->l, type, p, size);
    return tg_x86_convert(x, tg_x86_from_memory(x, v, from), from, t->e->d->dtype);
}

/* `lanes`: a vector's, or 1 */
static LLVMValueRef add_lines(stream *t, LLVMValueRef sum, LLVMValueRef column, unsigned lanes, LLVMValueRef mask) {
    tg_dot_emission *e = t->e;
    for (unsigned i = 0; i < LINES; i++) {
        LLVMValueRef b = load(t, column_of(t, t->line[i], column), t->s->column_type, lanes, mask);
        LLVMValueRef a = lanes > 1 ? t->row[i] : LLVMBuildExtractElement(e->l->builder, t->row[i], tg_llvm_i32(e->l, 0), "");
        sum = tg_x86_dot_multiply_add(e->l, e->elem, a, b, sum);
    }
    return sum;
}

static void prefetch_lines(stream *t, LLVMValueRef column) {
    LLVMValueRef at[LINES];
    for (unsigned i = 0; i < LINES; i++) {
        at[i] = column_of(t, t->line[i], column);
    }
    tg_x86_dot_stream_request(t->e, t->requests, at, (int64_t)t->e->lanes * stored_size(t));
}

/* `lanes` columns at a time; `masked`: the last ones perhaps a part of a vector. */
static void columns_loop(stream *t, LLVMValueRef from, LLVMValueRef until, unsigned lanes, bool masked) {
    tg_dot_emission *e = t->e;
    tg_llvm_loop loop;
    LLVMValueRef column = tg_llvm_loop_open(e->l, &loop, from, until, tg_llvm_i64(e->l, lanes));
    if (lanes > 1) {
        prefetch_lines(t, column);
    }
    LLVMValueRef sum = tg_llvm_load(e->l, lanes > 1 ? e->vector : e->elem, sum_at(t, column), e->size);
    LLVMValueRef mask = masked ? tg_x86_dot_lanes_below(e, column, until) : NULL;
    tg_llvm_store(e->l, add_lines(t, sum, column, lanes, mask), sum_at(t, column), e->size);
    tg_llvm_loop_close(e->l, &loop);
}

/* A vector at a time, the last perhaps a part of one: with mask registers what comes from memory leaves time to make masks, otherwise only that one
 * has a mask. There are none for narrow elements, so their last columns go one by one. */
static void all_columns(stream *t, LLVMValueRef from) {
    LLVMBuilderRef b = t->e->l->builder;
    LLVMValueRef lanes = tg_llvm_i64(t->e->l, t->e->lanes), n = t->s->n_columns;
    bool narrow = stored_size(t) < t->e->size;
    if (!narrow && t->e->x->machine->has_masks) {
        columns_loop(t, from, n, t->e->lanes, true);
        return;
    }
    LLVMValueRef whole = LLVMBuildMul(b, LLVMBuildUDiv(b, n, lanes, ""), lanes, "");
    columns_loop(t, from, whole, t->e->lanes, false);
    columns_loop(t, whole, n, narrow ? 1 : t->e->lanes, !narrow);
}

void tg_x86_dot_stream_clear(tg_dot_emission *e, const tg_dot_stream *s) {
    tg_llvm *l = e->l;
    tg_llvm_loop loop;
    unsigned width = e->vecs * e->lanes, strips = width / tg_x86_dot_strip_columns(e);
    LLVMValueRef panels = tg_llvm_ceil_div(l, s->n_columns, tg_llvm_i64(l, width)), vector = tg_llvm_i64(l, e->lanes * e->size);
    LLVMValueRef bytes = LLVMBuildMul(l->builder, s->strip_bytes, tg_llvm_i64(l, strips), "");
    LLVMValueRef i = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), LLVMBuildMul(l->builder, panels, bytes, ""), vector);
    tg_llvm_store(l, LLVMConstNull(e->vector), tg_llvm_gep(l, l->i8, s->sums, i), e->size);
    tg_llvm_loop_close(l, &loop);
}

LLVMValueRef tg_x86_dot_stream_sum(const tg_dot_emission *e, const tg_dot_stream *s, LLVMValueRef row, LLVMValueRef column) {
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef width = tg_llvm_i64(l, tg_x86_dot_strip_columns(e)), panel = LLVMBuildUDiv(b, column, width, "");
    LLVMValueRef within = LLVMBuildAdd(b, LLVMBuildMul(b, row, width, ""), LLVMBuildURem(b, column, width, ""), "");
    LLVMValueRef strip = tg_llvm_gep(l, l->i8, s->sums, LLVMBuildMul(b, panel, s->strip_bytes, ""));
    return tg_llvm_gep(l, e->elem, strip, within);
}

/* One row, columns from `from` on. */
static void stream_lines(stream *t, LLVMValueRef from) {
    tg_dot_emission *e = t->e;
    tg_llvm *l = e->l;
    const tg_dot_stream *s = t->s;
    tg_llvm_loop loop;
    t->requests = tg_x86_dot_stream_requests(e, s);
    LLVMValueRef k = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), s->k_until, tg_llvm_i64(l, LINES));
    for (unsigned i = 0; i < LINES; i++) {
        LLVMValueRef index = LLVMBuildAdd(l->builder, k, tg_llvm_i64(l, i), "");
        t->line[i] = at(t, s->columns, index, s->column_step);
        t->row[i] = tg_llvm_splat(l, load(t, at(t, s->row, index, s->row_step), s->row_type, 1, NULL), e->lanes);
    }
    all_columns(t, from);
    tg_llvm_loop_close(l, &loop);
}

/* With AVX-512 what the third level has comes in time without requests, which only take the place of loads then. */
LLVMValueRef tg_x86_dot_stream_requests(tg_dot_emission *e, const tg_dot_stream *s) {
    tg_llvm *l = e->l;
    if (!e->x->machine->has_masks) {
        return LLVMConstInt(l->i1, 1, 0);
    }
    LLVMValueRef line = LLVMBuildMul(l->builder, s->n_columns, tg_llvm_i64(l, (int64_t)tg_dtype_size(s->column_type)), "");
    LLVMValueRef bytes = LLVMBuildMul(l->builder, line, s->k_until, "");
    return LLVMBuildICmp(l->builder, LLVMIntSGT, bytes, tg_llvm_i64(l, tg_x86_share_of_last(e->x->machine)), "");
}

/* With AVX-512 to the second level: LINES lines of a matrix lie in the same set of the first if they are a page apart, and sums pass through it as
 * well. Vectors of half a line leave twice the time to fetch one, and are served by the first level, a few lines ahead. */
void tg_x86_dot_stream_request(tg_dot_emission *e, LLVMValueRef requests, const LLVMValueRef *at, int64_t bytes) {
    enum { LINE = 64 };
    tg_llvm *l = e->l;
    tg_llvm_if c;
    bool second = e->x->machine->has_masks;
    int64_t ahead = second ? 1024 : TG_DOT_STREAM_AHEAD;
    tg_llvm_if_open(l, &c, requests);
    for (unsigned i = 0; i < LINES; i++) {
        for (int64_t b = 0; b < bytes; b += LINE) {
            tg_llvm_prefetch(l, tg_llvm_gep(l, l->i8, at[i], tg_llvm_i64(l, ahead + b)), second ? 2 : 3);
        }
    }
    tg_llvm_if_close(l, &c);
}

void tg_x86_dot_stream(tg_dot_emission *e, const tg_dot_stream *s) {
    stream t = {.e = e, .s = s};
    tg_llvm *l = e->l;
    tg_x86_dot_stream_clear(e, s);
    LLVMValueRef from = tg_llvm_i64(l, 0);
    if (tg_x86_dot_streams_groups(e)) {
        from = tg_x86_dot_stream_groups(e, s);
        if (e->x->machine->has_masks) {
            return;
        }
    }
    tg_llvm_if c;
    if (s->rows_apart) {
        tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntSGT, s->n_rows, tg_llvm_i64(l, 1), ""));
        tg_x86_dot_stream_few(e, s);
        tg_llvm_if_else(l, &c);
    }
    stream_lines(&t, from);
    if (s->rows_apart) {
        tg_llvm_if_close(l, &c);
    }
}
