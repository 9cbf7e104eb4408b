/* Few rows against a large vector side whose elements are multiplied in groups of lines (dot_groups.c): packing all of it would take longer than
 * the products. The multiplication is so fast that the sums must not come from memory with each group: those of a slice of columns stay in
 * registers for a part of the lines.
 *
 *   for k by part
 *     for columns by slice
 *       for rows by tile               up to six rows share what is interleaved
 *         for groups of lines          sums[row][slice] += word of the row · group of each column, interleaved in registers
 *
 * One row waits for its lines: a part is few of them, which the processor foresees. Several rows wait for the multipliers: parts are long, so that sums are
 * rarely loaded and stored, and what the next slice reads of so many lines is requested. The first tile of rows leaves what it interleaves in scratch for the
 * others: lines that lie a power of two apart share sets of the first-level cache, and do not stay there.
 *
 * Interleaving within 128 bits leaves the sums of a block of columns in another order, to be undone at the end. Where bytes of equal signedness meet,
 * rows come with their sign bits flipped (dot_groups.c), which would need the sums of the columns. Here the columns' bits are flipped instead: that adds
 * ±128 times the sum of the row to every sum, which is taken back at the end too. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

enum {
    ONE_ROW_PART = 16,    /* lines */
    ONE_ROW_BLOCKS = 2,   /* of a slice, which has no more of several rows */
    VECTORS = ONE_ROW_BLOCKS * 4,
    SUMS_OF_ROW = 4,      /* vectors, of a row in a tile */
    TILE = 6,             /* rows, at most */
    FEW = 4,              /* that are a tile by themselves */
    REST = 2,             /* the last ones */
    SUMS = TILE * SUMS_OF_ROW,
    KEPT_BYTES = 16384,   /* half of the first level */
    RUN = 4               /* columns whose sums share 128 bits */
};
_Static_assert((int)KEPT_BYTES <= (int)TG_DOT_STREAM_BYTES, "scratch");

typedef struct groups {
    tg_dot_emission *e;
    const tg_dot_stream *s;
    LLVMValueRef row_sums;        /* scratch: i32 each */
    LLVMValueRef words, lines, n; /* of a part: address of the first row's words, of the first line; groups */
} groups;

typedef enum source { LINES, LINES_KEPT, KEPT } source; /* of interleaved columns; LINES_KEPT leaves them in scratch */

typedef struct slice { /* of columns: `blocks` vectors of each line; `rows` rows */
    source source;
    unsigned rows, blocks;
    LLVMValueRef column, row[TILE];
} slice;

bool tg_x86_dot_streams_groups(const tg_dot_emission *e) {
    tg_dot_multiply m = e->d->multiply;
    bool wide = m == TG_DOT_QUADS_UNSIGNED_ROW || m == TG_DOT_QUADS_SIGNED_ROW || m == TG_DOT_PAIRS_BF16;
    return wide && (!e->x->machine->has_masks || e->vecs % e->d->group == 0); /* panels of whole blocks */
}

static bool is_signed(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_SINT;
}

static LLVMValueRef bytes_at(groups *g, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    return tg_llvm_gep(g->e->l, g->e->l->i8, base, LLVMBuildMul(g->e->l->builder, index, step, ""));
}

static unsigned block_width(const tg_dot_emission *e) {
    return e->d->group * e->lanes;
}

static LLVMValueRef element_bytes(groups *g) {
    return tg_llvm_i64(g->e->l, tg_x86_dot_part_bytes(g->e));
}

/* Of a block of columns, the address of each vector. With masks panels are whole blocks. */
static void sums_of_block(groups *g, LLVMValueRef row, LLVMValueRef column, LLVMValueRef *at) {
    tg_dot_emission *e = g->e;
    bool together = e->x->machine->has_masks;
    for (unsigned i = 0; i < e->d->group; i++) {
        LLVMValueRef next = tg_llvm_i64(e->l, i * e->lanes);
        at[i] = i && together ? tg_llvm_gep(e->l, e->elem, at[0], next) : tg_x86_dot_stream_sum(e, g->s, row, LLVMBuildAdd(e->l->builder, column, next, ""));
    }
}

static LLVMValueRef column_of(groups *g, const slice *s, unsigned block) {
    return LLVMBuildAdd(g->e->l->builder, s->column, tg_llvm_i64(g->e->l, block * block_width(g->e)), "");
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Of the elements of each row. */
static void sum_rows(groups *g) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop rows, elements;
    LLVMValueRef zero = tg_llvm_i64(l, 0), one = tg_llvm_i64(l, 1);
    LLVMValueRef row = tg_llvm_loop_open(l, &rows, zero, g->s->n_rows, one), sum = tg_llvm_gep(l, l->i32, g->row_sums, row);
    LLVMBuildStore(b, tg_llvm_i32(l, 0), sum);
    LLVMValueRef k = tg_llvm_loop_open(l, &elements, zero, g->s->k_until, one);
    LLVMValueRef v = tg_llvm_load(l, l->i8, tg_llvm_gep(l, l->i8, bytes_at(g, g->s->words, row, g->s->words_apart), k), 1);
    v = g->e->d->flip_rows ? LLVMBuildXor(b, v, tg_llvm_int(l->i8, -128), "") : v;
    v = is_signed(g->s->row_type) ? LLVMBuildSExt(b, v, l->i32, "") : LLVMBuildZExt(b, v, l->i32, "");
    LLVMBuildStore(b, LLVMBuildAdd(b, LLVMBuildLoad2(b, l->i32, sum, ""), v, ""), sum);
    tg_llvm_loop_close(l, &elements);
    tg_llvm_loop_close(l, &rows);
}

/* Of a row at a group of the part, in all lanes. */
static LLVMValueRef word_of(groups *g, LLVMValueRef row, LLVMValueRef index) {
    tg_dot_emission *e = g->e;
    LLVMValueRef at = tg_llvm_gep(e->l, e->elem, bytes_at(g, g->words, row, g->s->words_apart), index);
    LLVMValueRef word = tg_llvm_splat(e->l, tg_llvm_load(e->l, e->elem, at, e->size), e->lanes);
    return e->d->flip_rows ? LLVMBuildXor(e->l->builder, word, tg_llvm_int(e->vector, (int64_t)0x80808080), "") : word;
}

/* ---- slices ----------------------------------------------------------------------------------------------------- */

/* Elements of a block from `column` on that exist; null: all do. */
static LLVMValueRef mask_of(groups *g, LLVMValueRef column) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    if (!g->e->x->machine->has_masks) {
        return NULL;
    }
    LLVMValueRef width = tg_llvm_i64(l, block_width(g->e)), zero = tg_llvm_i64(l, 0);
    LLVMValueRef left = tg_llvm_min64(l, tg_llvm_max64(l, LLVMBuildSub(b, g->s->n_columns, column, ""), zero), width);
    LLVMValueRef bits = LLVMBuildLShr(b, tg_llvm_i64(l, -1), LLVMBuildAnd(b, LLVMBuildNeg(b, left, ""), tg_llvm_i64(l, 63), ""), "");
    bits = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntEQ, left, zero, ""), zero, bits, "");
    LLVMTypeRef type = LLVMIntTypeInContext(LLVMGetTypeContext(l->i1), block_width(g->e));
    return LLVMBuildBitCast(b, LLVMBuildTrunc(b, bits, type, ""), tg_llvm_wide(l->i1, block_width(g->e)), "");
}

static LLVMValueRef load_block(groups *g, LLVMValueRef at, LLVMValueRef mask) {
    tg_dot_emission *e = g->e;
    unsigned size = tg_x86_dot_part_bytes(e);
    LLVMTypeRef type = tg_llvm_wide(size == 1 ? e->l->i8 : e->l->i16, block_width(e));
    return mask ? tg_llvm_masked_load(e->l, type, at, size, mask) : tg_llvm_load(e->l, type, at, size);
}

/* Group `index` of the slice's columns, of block `i`, interleaved from the lines. */
static void interleave_group(groups *g, const slice *s, LLVMValueRef index, unsigned i, LLVMValueRef mask, LLVMValueRef *v) {
    tg_dot_emission *e = g->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef ahead = tg_llvm_i64(l, s->blocks * block_width(e) * tg_x86_dot_part_bytes(e));
    LLVMValueRef line = bytes_at(g, g->lines, LLVMBuildMul(b, index, tg_llvm_i64(l, e->d->group), ""), g->s->column_step);
    line = bytes_at(g, line, column_of(g, s, i), element_bytes(g));
    for (unsigned j = 0; j < e->d->group; j++) {
        LLVMValueRef at = bytes_at(g, line, tg_llvm_i64(l, j), g->s->column_step);
        if (s->rows > 1) {
            tg_llvm_prefetch(l, tg_llvm_gep(l, l->i8, at, ahead), 2);
        }
        v[j] = load_block(g, at, mask);
        v[j] = e->d->same_signs ? LLVMBuildXor(b, v[j], tg_llvm_int(LLVMTypeOf(v[j]), -128), "") : v[j];
    }
    tg_x86_dot_interleave(e, v);
}

/* Likewise, from where the slice has it: a vector of words each. */
static void load_group(groups *g, const slice *s, LLVMValueRef index, unsigned i, LLVMValueRef mask, LLVMValueRef *v) {
    tg_dot_emission *e = g->e;
    LLVMBuilderRef b = e->l->builder;
    unsigned group = e->d->group, bytes = e->lanes * e->size;
    LLVMValueRef kept = bytes_at(g, g->s->scratch, index, tg_llvm_i64(e->l, s->blocks * group * bytes));
    if (s->source != KEPT) {
        interleave_group(g, s, index, i, mask, v);
    }
    for (unsigned j = 0; j < group && s->source != LINES; j++) {
        LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, kept, tg_llvm_i64(e->l, (i * group + j) * bytes));
        if (s->source == KEPT) {
            v[j] = tg_llvm_load(e->l, e->vector, at, e->size);
        } else {
            tg_llvm_store(e->l, LLVMBuildBitCast(b, v[j], e->vector, ""), at, e->size);
        }
    }
}

/* Adds group `index` to the sums of a slice. The word of a row takes a register just before its products, which leave few. */
static void add_group(groups *g, const slice *s, LLVMValueRef index, const LLVMValueRef *masks, LLVMValueRef *sums) {
    tg_dot_emission *e = g->e;
    unsigned group = e->d->group, per_row = s->blocks * group;
    tg_dot_multiply multiply = group == 2                   ? e->d->multiply
                             : is_signed(g->s->row_type) ? TG_DOT_QUADS_SIGNED_ROW
                                                         : TG_DOT_QUADS_UNSIGNED_ROW;
    LLVMValueRef v[VECTORS];
    for (unsigned i = 0; i < s->blocks; i++) {
        load_group(g, s, index, i, masks[i], v + i * group);
    }
    for (unsigned r = 0; r < s->rows; r++) {
        LLVMValueRef word = word_of(g, s->row[r], index);
        for (unsigned i = 0; i < per_row; i++) {
            LLVMValueRef *sum = &sums[r * per_row + i];
            *sum = tg_x86_dot_multiply_groups(e->l, multiply, word, v[i], *sum);
        }
    }
}

static void run_slice(groups *g, const slice *s) {
    tg_dot_emission *e = g->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    unsigned group = e->d->group, n = s->rows * s->blocks * group;
    LLVMValueRef sums[SUMS], phi[SUMS], place[SUMS], masks[ONE_ROW_BLOCKS], zero = tg_llvm_i64(l, 0);
    for (unsigned i = 0; i < s->blocks; i++) {
        masks[i] = mask_of(g, column_of(g, s, i));
    }
    for (unsigned i = 0; i < s->rows * s->blocks; i++) {
        sums_of_block(g, s->row[i / s->blocks], column_of(g, s, i % s->blocks), place + i * group);
    }
    for (unsigned i = 0; i < n; i++) {
        sums[i] = tg_llvm_load(l, e->vector, place[i], e->size);
    }
    LLVMBasicBlockRef before = LLVMGetInsertBlock(b), body = tg_llvm_block(l), after = tg_llvm_block(l);
    LLVMBuildBr(b, body);
    LLVMPositionBuilderAtEnd(b, body);
    LLVMValueRef index = LLVMBuildPhi(b, l->i64, "");
    for (unsigned i = 0; i < n; i++) {
        phi[i] = LLVMBuildPhi(b, e->vector, "");
        LLVMAddIncoming(phi[i], &sums[i], &before, 1);
        sums[i] = phi[i];
    }
    add_group(g, s, index, masks, sums);
    LLVMValueRef next = LLVMBuildAdd(b, index, tg_llvm_i64(l, 1), "");
    LLVMAddIncoming(index, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){before, body}, 2);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntULT, next, g->n, ""), body, after);
    LLVMPositionBuilderAtEnd(b, after);
    for (unsigned i = 0; i < n; i++) {
        LLVMAddIncoming(phi[i], &sums[i], &body, 1);
        tg_llvm_store(l, sums[i], place[i], e->size);
    }
}

/* A single row. */
static void one_row(groups *g, LLVMValueRef from, LLVMValueRef until, unsigned blocks) {
    tg_llvm *l = g->e->l;
    tg_llvm_loop columns;
    slice s = {.rows = 1, .blocks = blocks, .row = {tg_llvm_i64(l, 0)}};
    s.column = tg_llvm_loop_open(l, &columns, from, until, tg_llvm_i64(l, blocks * block_width(g->e)));
    run_slice(g, &s);
    tg_llvm_loop_close(l, &columns);
}

/* `rows` of them; those past the last repeat it. */
static void run_tile(groups *g, slice *s, source from, LLVMValueRef first, unsigned rows) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef last = LLVMBuildSub(b, g->s->n_rows, tg_llvm_i64(l, 1), "");
    s->source = from;
    s->rows = rows;
    for (unsigned r = 0; r < rows; r++) {
        s->row[r] = tg_llvm_min64(l, LLVMBuildAdd(b, first, tg_llvm_i64(l, r), ""), last);
    }
    run_slice(g, s);
}

/* Tiles of kept columns from row `first` on. */
static void run_kept(groups *g, slice *s, LLVMValueRef first, LLVMValueRef until, unsigned rows) {
    tg_llvm_loop loop;
    run_tile(g, s, KEPT, tg_llvm_loop_open(g->e->l, &loop, first, until, tg_llvm_i64(g->e->l, rows)), rows);
    tg_llvm_loop_close(g->e->l, &loop);
}

/* Tiles of TILE rows, the last with REST - 1 too many at most; the others REST at a time. */
static void many_rows(groups *g, slice *s) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0), tile = tg_llvm_i64(l, TILE);
    LLVMValueRef tiles = LLVMBuildUDiv(b, LLVMBuildAdd(b, g->s->n_rows, tg_llvm_i64(l, REST - 1), ""), tile, "");
    LLVMValueRef whole = LLVMBuildMul(b, tiles, tile, "");
    run_tile(g, s, LINES_KEPT, zero, TILE);
    run_kept(g, s, tile, whole, TILE);
    run_kept(g, s, whole, g->s->n_rows, REST);
}

static void several_rows(groups *g) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop columns;
    tg_llvm_if c;
    slice s = {.blocks = SUMS_OF_ROW / g->e->d->group};
    s.column = tg_llvm_loop_open(l, &columns, tg_llvm_i64(l, 0), g->s->n_columns, tg_llvm_i64(l, s.blocks * block_width(g->e)));
    tg_llvm_if_open(l, &c, LLVMBuildICmp(b, LLVMIntSLE, g->s->n_rows, tg_llvm_i64(l, FEW), ""));
    run_tile(g, &s, LINES, tg_llvm_i64(l, 0), FEW);
    tg_llvm_if_else(l, &c);
    many_rows(g, &s);
    tg_llvm_if_close(l, &c);
    tg_llvm_loop_close(l, &columns);
}

static LLVMValueRef whole(groups *g, LLVMValueRef v, unsigned of) {
    LLVMBuilderRef b = g->e->l->builder;
    LLVMValueRef unit = tg_llvm_i64(g->e->l, of);
    return LLVMBuildMul(b, LLVMBuildUDiv(b, v, unit, ""), unit, "");
}

/* The next part: up to `lines` from the k-th on. */
static void open_part(groups *g, tg_llvm_loop *parts, unsigned lines) {
    tg_dot_emission *e = g->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef k = tg_llvm_loop_open(l, parts, tg_llvm_i64(l, 0), g->s->k_until, tg_llvm_i64(l, lines));
    LLVMValueRef left = LLVMBuildUDiv(b, LLVMBuildSub(b, g->s->k_until, k, ""), tg_llvm_i64(l, e->d->group), "");
    g->n = tg_llvm_min64(l, left, tg_llvm_i64(l, lines / e->d->group));
    g->lines = bytes_at(g, g->s->columns, k, g->s->column_step);
    g->words = bytes_at(g, g->s->words, k, element_bytes(g));
}

/* Without masks whole blocks only. */
static void parts_of_one_row(groups *g, LLVMValueRef until) {
    tg_dot_emission *e = g->e;
    tg_llvm_loop parts;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), wide = until;
    open_part(g, &parts, ONE_ROW_PART);
    if (!e->x->machine->has_masks) {
        wide = whole(g, until, ONE_ROW_BLOCKS * block_width(e));
        one_row(g, wide, until, 1);
    }
    one_row(g, zero, wide, ONE_ROW_BLOCKS);
    tg_llvm_loop_close(e->l, &parts);
}

static void parts_of_several_rows(groups *g) {
    tg_dot_emission *e = g->e;
    tg_llvm_loop parts;
    open_part(g, &parts, KEPT_BYTES / (SUMS_OF_ROW * e->lanes * e->size) * e->d->group);
    several_rows(g);
    tg_llvm_loop_close(e->l, &parts);
}

/* Without masks there is a single row. */
static void all_parts(groups *g, LLVMValueRef until) {
    tg_dot_emission *e = g->e;
    tg_llvm *l = e->l;
    bool one = !e->x->machine->has_masks || (e->d->amx && tg_x86_dot_stream_vectors(e->d) == 1);
    tg_llvm_if c;
    if (one) {
        parts_of_one_row(g, until);
        return;
    }
    tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntEQ, g->s->n_rows, tg_llvm_i64(l, 1), ""));
    parts_of_one_row(g, until);
    tg_llvm_if_else(l, &c);
    parts_of_several_rows(g);
    tg_llvm_if_close(l, &c);
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

/* Vector `i` of a block in the order of the columns: tg_x86_dot_interleave has dealt out their runs. */
static LLVMValueRef in_order(tg_dot_emission *e, const LLVMValueRef *sums, unsigned i) {
    LLVMValueRef piece[4];
    unsigned n = e->lanes / RUN, group = e->d->group;
    for (unsigned r = 0; r < n; r++) {
        unsigned run = i * n + r;
        piece[r] = tg_llvm_slice(e->l, sums[run % group], run / group * RUN, RUN);
    }
    return tg_llvm_beside(e->l, piece, n);
}

static LLVMValueRef without_flips(groups *g, LLVMValueRef sum, LLVMValueRef row) {
    tg_llvm *l = g->e->l;
    LLVMBuilderRef b = l->builder;
    if (!g->e->d->same_signs) {
        return sum;
    }
    LLVMValueRef of_row = LLVMBuildLoad2(b, l->i32, tg_llvm_gep(l, l->i32, g->row_sums, row), "");
    LLVMValueRef more = LLVMBuildMul(b, of_row, tg_llvm_i32(l, is_signed(g->s->column_type) ? -128 : 128), "");
    return LLVMBuildAdd(b, sum, tg_llvm_splat(l, more, g->e->lanes), "");
}

/* The sums of columns [0, until) as they should be. */
static void finish(groups *g, LLVMValueRef until) {
    tg_dot_emission *e = g->e;
    tg_llvm *l = e->l;
    LLVMValueRef sums[4], at[4], zero = tg_llvm_i64(l, 0);
    tg_llvm_loop columns, rows;
    LLVMValueRef column = tg_llvm_loop_open(l, &columns, zero, until, tg_llvm_i64(l, block_width(e)));
    LLVMValueRef row = tg_llvm_loop_open(l, &rows, zero, g->s->n_rows, tg_llvm_i64(l, 1));
    sums_of_block(g, row, column, at);
    for (unsigned i = 0; i < e->d->group; i++) {
        sums[i] = tg_llvm_load(l, e->vector, at[i], e->size);
    }
    for (unsigned i = 0; i < e->d->group; i++) {
        tg_llvm_store(l, without_flips(g, in_order(e, sums, i), row), at[i], e->size);
    }
    tg_llvm_loop_close(l, &rows);
    tg_llvm_loop_close(l, &columns);
}

LLVMValueRef tg_x86_dot_stream_groups(tg_dot_emission *e, const tg_dot_stream *s) {
    tg_llvm *l = e->l;
    groups g = {.e = e, .s = s, .row_sums = tg_x86_alloca(e->x, LLVMArrayType2(l->i32, TG_DOT_STREAM_ROWS))};
    LLVMValueRef until = e->x->machine->has_masks ? s->n_columns : whole(&g, s->n_columns, block_width(e));
    if (e->d->same_signs) {
        sum_rows(&g);
    }
    all_parts(&g, until);
    finish(&g, until);
    return until;
}
