/* One row against a large vector side: sums of all columns of a group rest in scratch while the lines of the vector side pass,
 * LINES at a time, each in memory order.
 *
 *   for k by LINES                     a[k] … a[k + LINES - 1] stay in registers, spread over the lanes
 *     for columns by vector            sum[column] += a[k] · b[k][column] + … + a[k + LINES - 1] · b[k + LINES - 1][column]
 *
 * A loop that kept the sums in registers instead would visit a new page with every line. */
#include "targets/x86/dot.h"

enum { LINES = TG_DOT_STREAM_LINES };

typedef struct stream {
    tg_dot_emission *e;
    const tg_dot_stream *s;
    LLVMValueRef line[LINES], row[LINES]; /* address of column 0; value in all lanes */
} stream;

static LLVMValueRef at(stream *t, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    return tg_llvm_gep(t->e->l, t->e->l->i8, base, LLVMBuildMul(t->e->l->builder, index, step, ""));
}

static LLVMValueRef column_of(stream *t, LLVMValueRef base, LLVMValueRef column) {
    return tg_llvm_gep(t->e->l, t->e->elem, base, column);
}

static LLVMValueRef add_lines(stream *t, LLVMValueRef sum, LLVMValueRef column, LLVMValueRef mask) {
    tg_dot_emission *e = t->e;
    for (unsigned i = 0; i < LINES; i++) {
        LLVMValueRef p = column_of(t, t->line[i], column);
        LLVMValueRef b = tg_llvm_masked_load(e->l, e->vector, p, e->size, mask);
        sum = tg_x86_dot_multiply_add(e->l, e->elem, t->row[i], b, sum);
    }
    return sum;
}

static void prefetch_lines(stream *t, LLVMValueRef column) {
    tg_llvm *l = t->e->l;
    for (unsigned i = 0; i < LINES; i++) {
        tg_llvm_prefetch(l, tg_llvm_gep(l, l->i8, column_of(t, t->line[i], column), tg_llvm_i64(l, TG_DOT_STREAM_AHEAD)), 3);
    }
}

/* All columns a vector at a time, the last perhaps a part of one: what comes from memory leaves time to make masks. */
static void columns_loop(stream *t) {
    tg_dot_emission *e = t->e;
    tg_llvm_loop loop;
    LLVMValueRef until = t->s->n_columns;
    LLVMValueRef column = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), until, tg_llvm_i64(e->l, e->lanes));
    LLVMValueRef at_sum = column_of(t, t->s->sums, column);
    prefetch_lines(t, column);
    LLVMValueRef sum = tg_llvm_load(e->l, e->vector, at_sum, e->size);
    tg_llvm_store(e->l, add_lines(t, sum, column, tg_x86_dot_lanes_below(e, column, until)), at_sum, e->size);
    tg_llvm_loop_close(e->l, &loop);
}

static void clear(stream *t) {
    tg_dot_emission *e = t->e;
    tg_llvm_loop loop;
    LLVMValueRef c = tg_llvm_loop_open(e->l, &loop, tg_llvm_i64(e->l, 0), t->s->n_columns, tg_llvm_i64(e->l, e->lanes));
    tg_llvm_store(e->l, LLVMConstNull(e->vector), column_of(t, t->s->sums, c), e->size);
    tg_llvm_loop_close(e->l, &loop);
}

void tg_x86_dot_stream(tg_dot_emission *e, const tg_dot_stream *s) {
    stream t = {.e = e, .s = s};
    tg_llvm *l = e->l;
    tg_llvm_loop loop;
    clear(&t);
    LLVMValueRef k = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), s->k_until, tg_llvm_i64(l, LINES));
    for (unsigned i = 0; i < LINES; i++) {
        LLVMValueRef index = LLVMBuildAdd(l->builder, k, tg_llvm_i64(l, i), "");
        t.line[i] = at(&t, s->columns, index, s->column_step);
        t.row[i] = tg_llvm_splat(l, tg_llvm_load(l, e->elem, at(&t, s->row, index, s->row_step), e->size), e->lanes);
    }
    columns_loop(&t);
    tg_llvm_loop_close(l, &loop);
}
