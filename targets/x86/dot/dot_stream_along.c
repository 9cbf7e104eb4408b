/* Few rows against columns that lie along the reduction, as the weights of a linear layer do: laying them across, as packing does, takes longer than
 * the products. Lanes run along the reduction here too, so that columns are multiplied as they come:
 *
 *   the rows are copied                vector by vector, those of a tile side by side
 *   for columns by width
 *     for rows by height
 *       for k by vector                sum[row][column] += vector of the row · vector of the column
 *       the lanes of each sum are added
 *
 * A vector is one of words: elements, or groups of them (dot_groups.c). Rows in place lie a power of two apart, often, and would share a set of the first
 * level. What a column's vector takes to be read, converted or computed serves all rows of a tile. Rows whose sign bits are flipped are multiplied as such,
 * and what a row of zeros would yield is taken off at the end. */
#include "targets/x86/dot/dot_nest.h"

enum { TILE = 24 /* sums, at most */, WIDE = 8 /* columns, at most */, HIGH = 8 /* rows, at most */ };

typedef struct along {
    tg_dot_nest *n;
    const tg_dot_stream *s;
    LLVMValueRef words; /* of a row, which are summed: whole vectors */
} along;

typedef struct tile {
    unsigned rows, columns;
    LLVMValueRef first;                   /* row: a multiple of `rows` */
    LLVMValueRef row[HIGH], column[WIDE]; /* numbers; those past the last repeat it */
    LLVMValueRef next[WIDE];              /* columns of the next tile, which are requested */
    LLVMValueRef sums[TILE], zeros[WIDE]; /* zeros: sums of a row of zeros, if rows are flipped */
} tile;

bool tg_dot_streams_along(const tg_dot_nest *n) {
    const tg_dot_emission *e = &n->e;
    const tg_x86_dot *d = e->d;
    bool rows = n->n_row_axes <= 1 && (d->group > 1 ? !tg_x86_dot_packs_across(e, &n->rows) : tg_x86_dot_lies_along(e, &n->rows));
    return !n->compact && rows && !d->over[0]->scheduled && tg_x86_dot_packs_along(e, &n->columns);
}

/* Groups come as words side by side; others as they are stored. */
static LLVMValueRef row_at(const along *a, LLVMValueRef row, LLVMValueRef k) {
    tg_dot_emission *e = &a->n->e;
    if (e->d->group > 1) {
        LLVMValueRef words = tg_dot_bytes_at(a->n, a->s->words, row, a->s->words_apart);
        return tg_llvm_load(e->l, e->vector, tg_llvm_gep(e->l, e->elem, words, k), tg_x86_dot_part_bytes(e));
    }
    const LLVMValueRef index[1][TG_DOT_AXES] = {{row}};
    tg_dot_rows one = {.value = a->n->rows.value, .axes = a->n->row_axes, .n_axes = a->n->n_row_axes, .index = index, .n = 1};
    return tg_x86_dot_row_vector(e, &one, 0, k);
}

/* Where the copies of a tile of `rows` rows from `first` on are, of the vector that begins at k. */
static LLVMValueRef copies_at(const along *a, LLVMValueRef first, LLVMValueRef k, unsigned rows) {
    LLVMBuilderRef b = a->n->e.l->builder;
    LLVMValueRef before = LLVMBuildMul(b, first, a->words, ""), within = LLVMBuildMul(b, k, tg_llvm_i64(a->n->e.l, rows), "");
    return tg_llvm_gep(a->n->e.l, a->n->e.elem, a->s->scratch, LLVMBuildAdd(b, before, within, ""));
}

static LLVMValueRef copy_at(const along *a, LLVMValueRef copies, unsigned r) {
    return tg_llvm_gep(a->n->e.l, a->n->e.elem, copies, tg_llvm_i64(a->n->e.l, (int64_t)r * a->n->e.lanes));
}

static LLVMValueRef multiply(const along *a, LLVMValueRef row, LLVMValueRef column, LLVMValueRef sum) {
    const tg_dot_emission *e = &a->n->e;
    return e->d->multiply == TG_DOT_PLAIN ? tg_x86_dot_multiply_add(e->l, e->elem, row, column, sum)
                                          : tg_x86_dot_multiply_groups(e->l, e->d->multiply, row, column, sum);
}

static void add_vectors(const along *a, tile *t, LLVMValueRef k) {
    tg_dot_emission *e = &a->n->e;
    LLVMValueRef copies = copies_at(a, t->first, k, t->rows), column[WIDE], flipped = e->d->flip_rows ? tg_llvm_int(e->vector, (int64_t)0x80808080) : NULL;
    for (unsigned c = 0; c < t->columns; c++) {
        column[c] = tg_x86_dot_column_vector(e, &a->n->columns, LLVMBuildAdd(e->l->builder, a->n->group_from, t->column[c], ""), k);
        tg_x86_dot_request_column(e, &a->n->columns, LLVMBuildAdd(e->l->builder, a->n->group_from, t->next[c], ""), k);
        t->zeros[c] = flipped ? multiply(a, flipped, column[c], t->zeros[c]) : NULL;
    }
    for (unsigned r = 0; r < t->rows; r++) {
        LLVMValueRef row = tg_llvm_load(e->l, e->vector, copy_at(a, copies, r), e->size);
        for (unsigned c = 0; c < t->columns; c++) {
            LLVMValueRef *sum = &t->sums[r * t->columns + c];
            *sum = multiply(a, row, column[c], *sum);
        }
    }
}

static LLVMValueRef add(const tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b) {
    return e->elem == e->l->i32 ? LLVMBuildAdd(e->l->builder, a, b, "") : LLVMBuildFAdd(e->l->builder, a, b, "");
}

static LLVMValueRef sum_of_lanes(const tg_dot_emission *e, LLVMValueRef v) {
    for (unsigned half = e->lanes / 2; half > 0; half /= 2) {
        v = add(e, tg_llvm_slice(e->l, v, 0, half), tg_llvm_slice(e->l, v, half, half));
    }
    return tg_llvm_is_vector(v) ? LLVMBuildExtractElement(e->l->builder, v, tg_llvm_i32(e->l, 0), "") : v;
}

static void store_sums(const along *a, const tile *t) {
    tg_dot_emission *e = &a->n->e;
    for (unsigned i = 0; i < t->rows * t->columns; i++) {
        unsigned c = i % t->columns;
        LLVMValueRef v = e->d->flip_rows ? LLVMBuildSub(e->l->builder, t->sums[i], t->zeros[c], "") : t->sums[i];
        tg_llvm_store(e->l, sum_of_lanes(e, v), tg_x86_dot_stream_sum(e, a->s, t->row[i / t->columns], t->column[c]), e->size);
    }
}

static void open_sums(const tg_dot_emission *e, LLVMValueRef *sums, LLVMValueRef *phi, unsigned n, LLVMBasicBlockRef before) {
    LLVMValueRef zero = LLVMConstNull(e->vector);
    for (unsigned i = 0; i < n; i++) {
        sums[i] = phi[i] = LLVMBuildPhi(e->l->builder, e->vector, "");
        LLVMAddIncoming(phi[i], &zero, &before, 1);
    }
}

static void run_tile(const along *a, tile *t) {
    tg_dot_emission *e = &a->n->e;
    LLVMBuilderRef b = e->l->builder;
    unsigned n = t->rows * t->columns, n_zeros = e->d->flip_rows ? t->columns : 0;
    LLVMValueRef sums[TILE], zeros[WIDE], first = tg_llvm_i64(e->l, 0);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(b), body = tg_llvm_block(e->l), after = tg_llvm_block(e->l);
    LLVMBuildBr(b, body);
    LLVMPositionBuilderAtEnd(b, body);
    LLVMValueRef k = LLVMBuildPhi(b, e->l->i64, "");
    open_sums(e, t->sums, sums, n, before);
    open_sums(e, t->zeros, zeros, n_zeros, before);
    add_vectors(a, t, k);
    LLVMValueRef next = LLVMBuildAdd(b, k, tg_llvm_i64(e->l, e->lanes), "");
    LLVMBasicBlockRef end = LLVMGetInsertBlock(b);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntULT, next, a->words, ""), body, after);
    LLVMAddIncoming(k, (LLVMValueRef[]){first, next}, (LLVMBasicBlockRef[]){before, end}, 2);
    for (unsigned i = 0; i < n; i++) {
        LLVMAddIncoming(sums[i], &t->sums[i], &end, 1);
    }
    for (unsigned i = 0; i < n_zeros; i++) {
        LLVMAddIncoming(zeros[i], &t->zeros[i], &end, 1);
    }
    LLVMPositionBuilderAtEnd(b, after);
    store_sums(a, t);
}

/* first, first + 1 … up to the last of `count`. */
static void number(const tg_dot_emission *e, LLVMValueRef first, LLVMValueRef count, unsigned n, LLVMValueRef *out) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef last = LLVMBuildSub(b, count, tg_llvm_i64(e->l, 1), "");
    for (unsigned i = 0; i < n; i++) {
        out[i] = tg_llvm_min64(e->l, LLVMBuildAdd(b, first, tg_llvm_i64(e->l, i), ""), last);
    }
}

static void copy_rows(const along *a, unsigned rows) {
    tg_dot_emission *e = &a->n->e;
    tg_llvm *l = e->l;
    tg_llvm_loop tiles, vectors;
    LLVMValueRef zero = tg_llvm_i64(l, 0), row[HIGH];
    LLVMValueRef first = tg_llvm_loop_open(l, &tiles, zero, a->s->n_rows, tg_llvm_i64(l, rows));
    number(e, first, a->s->n_rows, rows, row);
    LLVMValueRef k = tg_llvm_loop_open(l, &vectors, zero, a->words, tg_llvm_i64(l, e->lanes)), to = copies_at(a, first, k, rows);
    for (unsigned r = 0; r < rows; r++) {
        tg_llvm_store(l, row_at(a, row[r], k), copy_at(a, to, r), e->size);
    }
    tg_llvm_loop_close(l, &vectors);
    tg_llvm_loop_close(l, &tiles);
}

static void run_tiles(const along *a, unsigned rows, unsigned columns) {
    tg_llvm *l = a->n->e.l;
    tg_llvm_loop column_loop, row_loop;
    LLVMValueRef zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, columns);
    tile t = {.rows = rows, .columns = columns};
    copy_rows(a, rows);
    LLVMValueRef column = tg_llvm_loop_open(l, &column_loop, zero, a->s->n_columns, width);
    number(&a->n->e, column, a->s->n_columns, columns, t.column);
    number(&a->n->e, LLVMBuildAdd(l->builder, column, width, ""), a->s->n_columns, columns, t.next);
    t.first = tg_llvm_loop_open(l, &row_loop, zero, a->s->n_rows, tg_llvm_i64(l, rows));
    number(&a->n->e, t.first, a->s->n_rows, rows, t.row);
    run_tile(a, &t);
    tg_llvm_loop_close(l, &row_loop);
    tg_llvm_loop_close(l, &column_loop);
}

typedef struct shape {
    unsigned rows, columns;
} shape;

typedef struct shapes { /* rising */
    shape of[3];
    unsigned n;
} shapes;

/* Tiles whose sums stay in registers. */
static shapes shapes_of(const tg_machine *m) {
    static const shapes many = {{{1, 8}, {4, 4}, {8, 3}}, 3}, few = {{{1, 4}, {4, 2}}, 2};
    return m->has_masks ? many : few;
}

/* Columns that are computed are so again for each tile of rows. */
int64_t tg_dot_along_rows(const tg_dot_nest *n) {
    const tg_op *op = n->columns.value->def;
    const shapes s = shapes_of(n->e.x->machine);
    return op && op->opcode == TG_OP_LOAD ? TG_DOT_STREAM_ALONG : s.of[s.n - 1].rows;
}

/* The lowest of the shapes, of which there are `n`, that has room for all rows; else the highest, again and again. */
static void run_shapes(const along *a, const shape *first, unsigned n) {
    tg_llvm *l = a->n->e.l;
    tg_llvm_if c;
    if (n > 1) {
        tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntSLE, a->s->n_rows, tg_llvm_i64(l, first->rows), ""));
    }
    run_tiles(a, first->rows, first->columns);
    if (n > 1) {
        tg_llvm_if_else(l, &c);
        run_shapes(a, first + 1, n - 1);
        tg_llvm_if_close(l, &c);
    }
}

LLVMValueRef tg_dot_along_bytes(tg_dot_nest *n, LLVMValueRef points) { /* tiles have all rows */
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef rows = LLVMBuildAdd(b, tg_dot_total_rows(n), tg_llvm_i64(l, HIGH - 1), "");
    return LLVMBuildMul(b, LLVMBuildMul(b, rows, points, ""), tg_llvm_i64(l, tg_x86_dot_part_bytes(&n->e)), "");
}

void tg_dot_stream_along(tg_dot_nest *n, const tg_dot_stream *s) {
    const along a = {.n = n, .s = s, .words = LLVMBuildUDiv(n->e.l->builder, s->k_until, tg_llvm_i64(n->e.l, n->e.d->group), "")};
    const shapes tiles = shapes_of(n->e.x->machine);
    tg_x86_dot_stream_clear(&n->e, s);
    run_shapes(&a, tiles.of, tiles.n);
}
