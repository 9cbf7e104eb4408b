/* Products of bytes and of bf16 on tile registers (AMX): eight of 16 rows of 64 bytes, and an instruction that multiplies two of them.
 *
 *   A  16 rows of 16 groups            rows of the broadcast side, as they are stored or packed
 *   B  16 groups of 16 columns         what a panel's line of a group holds (dot_groups.c): 4 bytes a column
 *   C  16 rows of 16 columns, 32 bits  C += A · B, 16 cycles; a tile is loaded in 8
 *
 *        B0 B1
 *     A0 C0 C1          a block of sums, 32 by 32: four products for four loads, and four chains of products,
 *     A1 C2 C3          each of which takes 52 cycles
 *
 *   for columns by 32                  half a panel, which stays in the first-level cache while
 *     for rows by 32                   the rows pass
 *       for groups by 16               the block of sums
 *       store the block; roots         from the edge block, as those of other tiles at edges
 *
 * Tiles of a panel lie one after the other, those of 16 columns in a row, and so do those of packed rows. Rows are read in place where
 * they are stored at even distances and end with a tile; others are packed when a block of them begins, and zeros fill the last tile: in panels too, since zero times
 * what might lie there need not be zero. Fewer than 16 rows make a lower tile, which takes less time.
 *
 * Results are those of dot_groups.c, of bf16 but for the order: the sum of a group's first members and that of the others go apart through the 16 groups of
 * a tile, and subnormals count as zero (docs/decisions/0018-bf16-products.md, 0019-amx.md). Bytes need no flipped signs: there is an instruction for each pair.
 *
 * Tiles are numbered by hand: LLVM's allocator of tile registers is not asked. They are set up and given back within a block, around code that calls nothing
 * that would use them. */
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"

enum { GROUPS = TG_AMX_BYTES / 4, TILE = TG_AMX_ROWS * TG_AMX_BYTES, SIDE = TG_AMX_TILES, A = SIDE * SIDE, B = A + SIDE, FEW_ROWS = 2, FEW_POINTS = 4,
       FEW_BLOCKS = 4, MOST_ROWS = 512, SHARE = 16, SLICE = 256 /* columns that stream by at a time */ };

typedef struct amx {
    tg_dot_nest *n;
    LLVMValueRef from, count, steps, bytes; /* of a part: its groups, from the first in the panels on; tiles; bytes of a row that are stored in them */
    LLVMValueRef first, last;               /* i1: of the parts; null: there is one */
    LLVMValueRef stored, apart;             /* address of row 0 at the part, and bytes from row to row, if they are even */
    LLVMValueRef packed_from, packed;       /* rows from there on are packed, tile by tile */
    LLVMValueRef row[SIDE], row_step[SIDE], column[SIDE]; /* of a block of sums: the first tiles of each side; bytes from row to row */
    LLVMValueRef tile_step[SIDE];           /* from a tile of the rows to the next */
    LLVMValueRef sums;
} amx;

static bool is_small(const tg_axis *a, int64_t least) {
    return a->extent >= 0 && a->extent < least;
}

bool tg_x86_dot_suits_amx(tg_x86 *x, const tg_x86_dot *d) {
    if (!x->machine->has_amx || d->n_over != 1 || !d->row || tg_x86_dot_has_window(x, d, tg_operand(d->op, 1 - d->side))) {
        return false;
    }
    bool vectors = tg_func_scheduled(x->f, "reg", d->row, NULL) || tg_func_scheduled(x->f, "reg", d->vector, NULL);
    return !vectors && !is_small(d->row, FEW_ROWS) && !is_small(d->over[0], FEW_POINTS);
}

/* ---- instructions ------------------------------------------------------------------------------------------------ */

static void call(amx *a, const char *name, LLVMValueRef *args, unsigned n) {
    tg_llvm_call(a->n->e.l, name, NULL, 0, args, n);
}

static LLVMValueRef number(amx *a, unsigned tile) {
    return LLVMConstInt(a->n->e.l->i8, tile, 0);
}

static void zero_tile(amx *a, unsigned tile) {
    call(a, "llvm.x86.tilezero", (LLVMValueRef[]){number(a, tile)}, 1);
}

static void load_tile(amx *a, unsigned tile, LLVMValueRef at, LLVMValueRef step) {
    call(a, "llvm.x86.tileloadd64", (LLVMValueRef[]){number(a, tile), at, step}, 3);
}

static void store_tile(amx *a, unsigned tile, LLVMValueRef at, LLVMValueRef step) {
    call(a, "llvm.x86.tilestored64", (LLVMValueRef[]){number(a, tile), at, step}, 3);
}

static bool is_signed(const amx *a, uint32_t operand) {
    return tg_dtype_kind_of(tg_operand(a->n->e.d->op, operand)->type->dtype) == TG_KIND_SINT;
}

static void multiply(amx *a, unsigned sums, unsigned rows, unsigned columns) {
    static const char *const bytes[2][2] = {{"llvm.x86.tdpbuud", "llvm.x86.tdpbusd"}, {"llvm.x86.tdpbsud", "llvm.x86.tdpbssd"}};
    const tg_x86_dot *d = a->n->e.d;
    const char *name = d->multiply == TG_DOT_PAIRS_BF16 ? "llvm.x86.tdpbf16ps" : bytes[is_signed(a, 1 - d->side)][is_signed(a, d->side)];
    call(a, name, (LLVMValueRef[]){number(a, sums), number(a, rows), number(a, columns)}, 3);
}

/* Palette 1: 64 bytes a row; `rows` of the tiles of sums and of A. */
static void configure(amx *a, LLVMValueRef rows) {
    enum { WIDTHS = 16, HEIGHTS = 48, SIZE = 64 };
    tg_llvm *l = a->n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef bytes[SIZE], varies[SIZE];
    for (unsigned i = 0; i < SIZE; i++) {
        bool width = i >= WIDTHS && i < WIDTHS + 2 * (B + SIDE) && i % 2 == 0, height = i >= HEIGHTS && i < HEIGHTS + B + SIDE;
        bytes[i] = LLVMConstInt(l->i8, i == 0 ? 1 : width ? TG_AMX_BYTES : height ? TG_AMX_ROWS : 0, 0);
        varies[i] = LLVMConstInt(l->i1, i >= HEIGHTS && i < HEIGHTS + B, 0);
    }
    LLVMValueRef low = tg_llvm_splat(l, LLVMBuildTrunc(b, rows, l->i8, ""), SIZE), all = LLVMConstVector(bytes, SIZE);
    LLVMValueRef at = tg_x86_alloca(a->n->e.x, LLVMTypeOf(all));
    LLVMBuildStore(b, LLVMBuildSelect(b, LLVMConstVector(varies, SIZE), low, all, ""), at);
    call(a, "llvm.x86.ldtilecfg", &at, 1);
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */

static LLVMValueRef offset(amx *a, LLVMValueRef base, LLVMValueRef index, int64_t bytes) {
    return tg_dot_bytes_at(a->n, base, index, tg_llvm_i64(a->n->e.l, bytes));
}

/* Are the rows stored at even distances? */
static LLVMValueRef are_even(amx *a) {
    tg_dot_nest *n = a->n;
    LLVMBuilderRef b = n->e.l->builder;
    LLVMValueRef even = LLVMConstInt(n->e.l->i1, 1, 0), step = a->apart;
    for (uint32_t i = n->n_row_axes; i-- > 1;) {
        step = LLVMBuildMul(b, step, tg_dot_size_of(n, n->row_axes[i]), "");
        LLVMValueRef one = LLVMBuildICmp(b, LLVMIntEQ, tg_dot_size_of(n, n->row_axes[i - 1]), tg_llvm_i64(n->e.l, 1), "");
        LLVMValueRef follows = LLVMBuildICmp(b, LLVMIntEQ, tg_x86_dot_step(&n->e, &n->rows, n->row_axes[i - 1]), step, "");
        even = LLVMBuildAnd(b, even, LLVMBuildOr(b, one, follows, ""), "");
    }
    return even;
}

/* Rows of a block of sums whose distance is a multiple of a large power of two crowd a few sets of the first-level cache. At 2048 bytes products took
 * 1.5 times as long, at 4096 twice. If few panels read the rows, packing them costs as much. */
static LLVMValueRef crowd_sets(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef unit = LLVMBuildAnd(b, a->apart, LLVMBuildNeg(b, a->apart, ""), ""), columns = LLVMBuildSub(b, n->group_until, n->group_from, "");
    LLVMValueRef crowded = LLVMBuildICmp(b, LLVMIntSGT, unit, tg_llvm_i64(l, n->e.x->machine->l1_bytes / (SIDE * TG_AMX_ROWS)), "");
    LLVMValueRef many = LLVMBuildICmp(b, LLVMIntSGE, columns, tg_llvm_i64(l, (int64_t)FEW_BLOCKS * SIDE * n->e.lanes), "");
    return LLVMBuildAnd(b, crowded, many, "");
}

/* Sets where the rows of the block are in this part: some, in whole tiles unless all that there are lie in a single one, where they are stored. */
static void plan_rows(amx *a) {
    tg_dot_nest *n = a->n;
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef index[TG_DOT_AXES], zero = tg_llvm_i64(l, 0), size = tg_llvm_i64(l, e->size), k = LLVMBuildMul(b, a->from, size, "");
    for (uint32_t i = 0; i < n->n_row_axes; i++) {
        index[i] = zero;
    }
    a->stored = tg_llvm_gep(l, l->i8, tg_dot_address_of_row(n, index), k);
    a->apart = tg_x86_dot_step(e, &n->rows, n->row_axes[n->n_row_axes - 1]);
    a->steps = tg_llvm_ceil_div(l, a->count, tg_llvm_i64(l, GROUPS));
    LLVMValueRef all = LLVMBuildMul(b, tg_dot_size_of(n, e->d->over[0]), tg_llvm_i64(l, tg_x86_dot_part_bytes(e)), "");
    LLVMValueRef left = LLVMBuildSub(b, LLVMBuildSub(b, all, LLVMBuildMul(b, e->from[0], size, ""), ""), k, "");
    a->bytes = tg_llvm_min64(l, left, LLVMBuildMul(b, a->count, size, ""));
    LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntEQ, a->bytes, LLVMBuildMul(b, a->steps, tg_llvm_i64(l, TG_AMX_BYTES), ""), "");
    LLVMValueRef padded = LLVMBuildNot(b, n->as_stored, ""), rows = LLVMBuildSub(b, n->row_until, n->row_from, "");
    LLVMValueRef single = LLVMBuildICmp(b, LLVMIntSLT, rows, tg_llvm_i64(l, TG_AMX_ROWS), "");
    LLVMValueRef tiles = LLVMBuildAnd(b, rows, tg_llvm_i64(l, -TG_AMX_ROWS), "");
    LLVMValueRef most = tg_dot_choose(n, LLVMBuildOr(b, padded, single, ""), rows, tiles);
    LLVMValueRef good = LLVMBuildAnd(b, are_even(a), LLVMBuildNot(b, crowd_sets(a), ""), "");
    LLVMValueRef in_place = LLVMBuildAnd(b, LLVMBuildOr(b, padded, whole, ""), good, "");
    a->packed_from = LLVMBuildAdd(b, n->row_from, tg_dot_choose(n, in_place, most, zero), "");
}

/* The next 64 bytes of a row, of which `left` exist, if that is fewer: zeros follow. */
static LLVMValueRef load_piece(amx *a, LLVMValueRef at, LLVMValueRef left) {
    tg_llvm *l = a->n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMTypeRef type = tg_llvm_wide(l->i8, TG_AMX_BYTES);
    if (!left) {
        return tg_llvm_load(l, type, at, 1);
    }
    LLVMValueRef gone = LLVMBuildSub(b, tg_llvm_i64(l, TG_AMX_BYTES), left, "");
    LLVMValueRef bits = LLVMBuildLShr(b, tg_llvm_i64(l, -1), gone, "");
    return tg_llvm_masked_load(l, type, at, 1, LLVMBuildBitCast(b, bits, tg_llvm_wide(l->i1, TG_AMX_BYTES), ""));
}

static void pack_row(amx *a, LLVMValueRef from, LLVMValueRef to) {
    tg_llvm *l = a->n->e.l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop loop;
    tg_llvm_if c;
    LLVMValueRef zero = tg_llvm_i64(l, 0), width = tg_llvm_i64(l, TG_AMX_BYTES);
    LLVMValueRef whole = LLVMBuildUDiv(b, a->bytes, width, ""), rest = LLVMBuildURem(b, a->bytes, width, "");
    LLVMValueRef i = tg_llvm_loop_open(l, &loop, zero, whole, tg_llvm_i64(l, 1));
    tg_llvm_store(l, load_piece(a, offset(a, from, i, TG_AMX_BYTES), NULL), offset(a, to, i, TILE), 1);
    tg_llvm_loop_close(l, &loop);
    tg_llvm_if_open(l, &c, LLVMBuildICmp(b, LLVMIntSGT, rest, zero, ""));
    tg_llvm_store(l, load_piece(a, offset(a, from, whole, TG_AMX_BYTES), rest), offset(a, to, whole, TILE), 1);
    tg_llvm_if_close(l, &c);
}

static void pack_rows(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef rows = LLVMBuildSub(b, n->row_until, a->packed_from, ""), height = tg_llvm_i64(l, TG_AMX_ROWS), index[TG_DOT_AXES];
    LLVMValueRef row_of_tiles = LLVMBuildMul(b, a->steps, tg_llvm_i64(l, TILE), "");
    a->packed = tg_x86_dot_reserve(n->e.x, &n->block_memory, LLVMBuildMul(b, tg_llvm_ceil_div(l, rows, height), row_of_tiles, ""));
    tg_llvm_outline o;
    tg_llvm_outline_open(l, &o);
    tg_llvm_loop loop;
    LLVMValueRef row = tg_llvm_loop_open(l, &loop, a->packed_from, n->row_until, tg_llvm_i64(l, 1));
    LLVMValueRef i = LLVMBuildSub(b, row, a->packed_from, "");
    tg_dot_decode_row(n, row, index);
    LLVMValueRef to = tg_dot_bytes_at(n, a->packed, LLVMBuildUDiv(b, i, height, ""), row_of_tiles);
    LLVMValueRef from = offset(a, tg_dot_address_of_row(n, index), a->from, n->e.size);
    pack_row(a, from, offset(a, to, LLVMBuildURem(b, i, height, ""), TG_AMX_BYTES));
    tg_llvm_loop_close(l, &loop);
    tg_x86_outline_close(n->e.x, &o, "pack_rows");
}

/* The first tiles of the rows of a block of sums. */
static void locate_rows(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef width = tg_llvm_i64(l, TG_AMX_BYTES), tile = tg_llvm_i64(l, TILE);
    for (unsigned i = 0; i < SIDE; i++) {
        LLVMValueRef row = LLVMBuildAdd(b, n->row, tg_llvm_i64(l, i * TG_AMX_ROWS), "");
        LLVMValueRef is_packed = LLVMBuildICmp(b, LLVMIntSGE, row, a->packed_from, "");
        LLVMValueRef past = LLVMBuildMul(b, LLVMBuildSub(b, row, a->packed_from, ""), a->steps, "");
        a->row[i] = tg_dot_choose(n, is_packed, offset(a, a->packed, past, TG_AMX_BYTES), tg_dot_bytes_at(n, a->stored, row, a->apart));
        a->row_step[i] = tg_dot_choose(n, is_packed, width, a->apart);
        a->tile_step[i] = tg_dot_choose(n, is_packed, tile, width);
    }
}

/* ---- blocks of sums --------------------------------------------------------------------------------------------------- */

static LLVMValueRef strip_line(const amx *a) {
    return tg_llvm_i64(a->n->e.l, SIDE * TG_AMX_BYTES);
}

static LLVMValueRef sums_of_tile(amx *a, unsigned i) {
    tg_llvm *l = a->n->e.l;
    return tg_llvm_gep(l, l->i8, a->sums, tg_llvm_i64(l, i / SIDE * TG_AMX_ROWS * SIDE * TG_AMX_BYTES + i % SIDE * TG_AMX_BYTES));
}

static void start_sums(amx *a, unsigned n_tiles) {
    tg_dot_nest *n = a->n;
    tg_llvm_if c;
    if (n->in_parts) {
        tg_llvm_if_open(n->e.l, &c, LLVMBuildNot(n->e.l->builder, a->first, ""));
        for (unsigned i = 0; i < n_tiles; i++) {
            load_tile(a, i, sums_of_tile(a, i), strip_line(a));
        }
        tg_llvm_if_else(n->e.l, &c);
    }
    for (unsigned i = 0; i < n_tiles; i++) {
        zero_tile(a, i);
    }
    if (n->in_parts) {
        tg_llvm_if_close(n->e.l, &c);
    }
}

/* Sums of SIDE tiles of columns by `height` tiles of rows. */
static void sum_block(amx *a, unsigned height) {
    tg_llvm *l = a->n->e.l;
    tg_llvm_loop loop;
    LLVMValueRef line = tg_llvm_i64(l, TG_AMX_BYTES);
    start_sums(a, height * SIDE);
    LLVMValueRef step = tg_llvm_loop_open(l, &loop, tg_llvm_i64(l, 0), a->steps, tg_llvm_i64(l, 1));
    for (unsigned i = 0; i < SIDE; i++) {
        load_tile(a, B + i, offset(a, a->column[i], step, TILE), line);
    }
    for (unsigned r = 0; r < height; r++) {
        load_tile(a, A + r, tg_dot_bytes_at(a->n, a->row[r], step, a->tile_step[r]), a->row_step[r]);
        for (unsigned i = 0; i < SIDE; i++) {
            multiply(a, r * SIDE + i, A + r, B + i);
        }
    }
    tg_llvm_loop_close(l, &loop);
    for (unsigned i = 0; i < height * SIDE; i++) {
        store_tile(a, i, sums_of_tile(a, i), strip_line(a));
    }
}

/* Of the block, from its sums. */
static void roots(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_if last, whole;
    LLVMValueRef in_parts = n->in_parts, edge = n->edge;
    n->in_parts = NULL;
    n->edge = a->sums;
    if (in_parts) {
        tg_llvm_if_open(l, &last, a->last);
    }
    tg_dot_decode_row(n, n->row, n->row_index[0]);
    LLVMValueRef rows = tg_llvm_min64(l, n->n_rows, tg_llvm_i64(l, SIDE * TG_AMX_ROWS)), width = tg_llvm_i64(l, SIDE * n->e.lanes);
    tg_llvm_if_open(l, &whole, LLVMBuildICmp(b, LLVMIntSGE, n->p.n_columns, width, ""));
    tg_dot_roots_of_block(n, rows, SIDE);
    tg_llvm_if_else(l, &whole);
    tg_dot_roots_of_lines(n, rows);
    tg_llvm_if_close(l, &whole);
    if (in_parts) {
        tg_llvm_if_close(l, &last);
    }
    n->in_parts = in_parts;
    n->edge = edge;
}

static void row_loop(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop loop;
    tg_llvm_if c;
    n->row = tg_llvm_loop_open(l, &loop, n->row_from, n->row_until, tg_llvm_i64(l, SIDE * TG_AMX_ROWS));
    n->n_rows = LLVMBuildSub(b, n->row_until, n->row, "");
    locate_rows(a);
    a->sums = n->edge;
    if (n->in_parts) {
        LLVMValueRef own = tg_dot_bytes_at(n, n->strip, LLVMBuildSub(b, n->row, n->row_from, ""), strip_line(a));
        a->sums = tg_dot_choose(n, n->in_parts, own, n->edge);
    }
    tg_llvm_if_open(l, &c, LLVMBuildICmp(b, LLVMIntSGT, n->n_rows, tg_llvm_i64(l, TG_AMX_ROWS), ""));
    sum_block(a, SIDE);
    tg_llvm_if_else(l, &c);
    sum_block(a, 1);
    tg_llvm_if_close(l, &c);
    roots(a);
    tg_llvm_loop_close(l, &loop);
}

/* ---- the loops ------------------------------------------------------------------------------------------------------------ */

static void column_loop(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop loop;
    LLVMValueRef width = tg_dot_panel_width(n), block = tg_llvm_i64(l, SIDE * n->e.lanes);
    n->p.column = tg_llvm_loop_open(l, &loop, n->group_from, n->group_until, block);
    n->p.n_columns = tg_llvm_min64(l, LLVMBuildSub(b, tg_dot_size_of(n, n->e.d->vector), n->p.column, ""), block);
    LLVMValueRef column = LLVMBuildSub(b, n->p.column, n->group_from, ""), panel = LLVMBuildUDiv(b, column, width, "");
    LLVMValueRef vector = LLVMBuildUDiv(b, LLVMBuildURem(b, column, width, ""), tg_llvm_i64(l, n->e.lanes), "");
    LLVMValueRef at = offset(a, tg_dot_bytes_at(n, n->panels, panel, n->panel_bytes), a->from, TG_AMX_BYTES);
    for (unsigned i = 0; i < SIDE; i++) {
        a->column[i] = tg_dot_bytes_at(n, at, LLVMBuildAdd(b, vector, tg_llvm_i64(l, i), ""), n->e.apart);
    }
    n->strip = n->in_parts ? tg_dot_bytes_at(n, n->strips, LLVMBuildUDiv(b, column, block, ""), n->strip_bytes) : NULL;
    row_loop(a);
    tg_llvm_loop_close(l, &loop);
}

static void part(amx *a) {
    plan_rows(a);
    pack_rows(a);
    column_loop(a);
}

static void part_loop(amx *a) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    LLVMValueRef zero = tg_llvm_i64(l, 0);
    a->from = zero;
    a->count = n->e.count[0];
    if (!n->in_parts) {
        part(a);
        return;
    }
    tg_llvm_loop loop; /* the roots run even if nothing is summed */
    a->from = tg_llvm_loop_open(l, &loop, zero, tg_llvm_max64(l, n->e.count[0], tg_llvm_i64(l, 1)), n->part[0]);
    LLVMValueRef left = LLVMBuildSub(b, n->e.count[0], a->from, "");
    a->count = tg_llvm_min64(l, n->part[0], left);
    a->first = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAdd(b, n->e.from[0], a->from, ""), zero, "");
    a->last = LLVMBuildICmp(b, LLVMIntSLE, left, n->part[0], "");
    part(a);
    tg_llvm_loop_close(l, &loop);
}

void tg_dot_amx_block(tg_dot_nest *n) {
    tg_llvm *l = n->e.l;
    amx *a = TG_NEW(n->e.x->arena, amx);
    a->n = n;
    configure(a, tg_llvm_min64(l, LLVMBuildSub(l->builder, n->row_until, n->row_from, ""), tg_llvm_i64(l, TG_AMX_ROWS)));
    part_loop(a);
    call(a, "llvm.x86.tilerelease", NULL, 0);
}

/* ---- few rows ------------------------------------------------------------------------------------------------------------ */

/* Columns [from, until) of the part of lines as panels in scratch, the last one perhaps not whole; more is requested. */
static void pack_slice(tg_dot_nest *n, LLVMValueRef from, LLVMValueRef until, LLVMValueRef to) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_if c;
    LLVMValueRef panel = LLVMBuildMul(b, e->apart, tg_llvm_i64(l, e->vecs), ""), width = tg_dot_panel_width(n);
    LLVMValueRef panels = LLVMBuildUDiv(b, LLVMBuildSub(b, until, from, ""), width, ""), whole = LLVMBuildAdd(b, from, LLVMBuildMul(b, panels, width, ""), "");
    tg_dot_panels p = {.to = to, .bytes = panel, .at = from, .limit = whole, .n = 1};
    tg_x86_dot_pack_groups(e, &n->narrow_columns, &p, tg_llvm_i64(l, SLICE), tg_llvm_i64(l, TG_DOT_STREAM_AHEAD));
    tg_llvm_if_open(l, &c, LLVMBuildICmp(b, LLVMIntSLT, whole, until, ""));
    p = (tg_dot_panels){.to = tg_dot_bytes_at(n, to, panels, panel), .bytes = panel, .at = whole, .limit = until, .n = 1};
    tg_x86_dot_pack_panels(e, &n->columns, &p);
    tg_llvm_if_close(l, &c);
}

/* A panel's products with the rows, a tile at a time, added to the sums of its strips. */
static void sum_panel(amx *a, LLVMValueRef strip, LLVMValueRef panel, LLVMValueRef rows, LLVMValueRef row_of_tiles) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    tg_llvm_loop tiles;
    LLVMValueRef t = tg_llvm_loop_open(l, &tiles, tg_llvm_i64(l, 0), tg_llvm_ceil_div(l, tg_dot_total_rows(n), tg_llvm_i64(l, TG_AMX_ROWS)), tg_llvm_i64(l, 1));
    a->row[0] = tg_dot_bytes_at(n, rows, t, row_of_tiles);
    strip = offset(a, strip, t, TG_AMX_ROWS * SIDE * TG_AMX_BYTES);
    for (unsigned v = 0; v < n->e.vecs; v += SIDE) {
        for (unsigned i = 0; i < SIDE; i++) {
            a->column[i] = tg_x86_dot_panel_vector(&n->e, panel, v + i);
        }
        a->sums = v ? tg_dot_bytes_at(n, strip, tg_llvm_i64(l, v / SIDE), n->strip_bytes) : strip;
        sum_block(a, 1);
    }
    tg_llvm_loop_close(l, &tiles);
}

/* Columns [from, until) of the lines that pass, with the tiles at `rows`. */
static void sum_slice(amx *a, LLVMValueRef from, LLVMValueRef until, LLVMValueRef scratch, LLVMValueRef rows, LLVMValueRef row_of_tiles) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    tg_llvm_loop panels;
    pack_slice(n, from, until, scratch);
    LLVMValueRef column = tg_llvm_loop_open(l, &panels, from, until, tg_dot_panel_width(n));
    LLVMValueRef strip = LLVMBuildUDiv(b, LLVMBuildSub(b, column, n->group_from, ""), tg_llvm_i64(l, SIDE * n->e.lanes), "");
    LLVMValueRef vector = LLVMBuildUDiv(b, LLVMBuildSub(b, column, from, ""), tg_llvm_i64(l, n->e.lanes), "");
    sum_panel(a, tg_dot_bytes_at(n, n->strips, strip, n->strip_bytes), tg_dot_bytes_at(n, scratch, vector, n->e.apart), rows, row_of_tiles);
    tg_llvm_loop_close(l, &panels);
}

/* All rows are packed, which costs nothing beside the columns. */
static LLVMValueRef pack_all_rows(amx *a, LLVMValueRef until) {
    tg_dot_nest *n = a->n;
    tg_llvm *l = n->e.l;
    LLVMBuilderRef b = l->builder;
    n->row_from = a->packed_from = a->from = tg_llvm_i64(l, 0);
    n->row_until = tg_dot_total_rows(n);
    a->bytes = LLVMBuildMul(b, until, tg_llvm_i64(l, tg_x86_dot_part_bytes(&n->e)), "");
    a->steps = LLVMBuildUDiv(b, a->bytes, tg_llvm_i64(l, TG_AMX_BYTES), "");
    pack_rows(a);
    return LLVMBuildMul(b, a->steps, tg_llvm_i64(l, TILE), "");
}

void tg_dot_amx_stream(tg_dot_nest *n, LLVMValueRef until) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    tg_dot_emission before = *e;
    amx *a = TG_NEW(e->x->arena, amx);
    a->n = n;
    tg_llvm_loop parts, slices;
    LLVMValueRef zero = tg_llvm_i64(l, 0), scratch = tg_x86_dot_reserve(e->x, &n->panel_memory, tg_llvm_i64(l, SLICE * TG_AMX_BYTES));
    LLVMValueRef row_of_tiles = pack_all_rows(a, until), part = tg_llvm_i64(l, (int64_t)GROUPS * e->d->group);
    a->steps = tg_llvm_i64(l, 1);
    a->row_step[0] = tg_llvm_i64(l, TG_AMX_BYTES);
    a->tile_step[0] = e->apart = tg_llvm_i64(l, TILE);
    e->count[0] = tg_llvm_i64(l, GROUPS);
    configure(a, tg_llvm_min64(l, n->row_until, tg_llvm_i64(l, TG_AMX_ROWS)));
    LLVMValueRef k = tg_llvm_loop_open(l, &parts, zero, until, part), step = LLVMBuildUDiv(b, k, part, "");
    e->from[0] = LLVMBuildUDiv(b, k, tg_llvm_i64(l, e->d->group), "");
    a->first = LLVMBuildICmp(b, LLVMIntEQ, k, zero, "");
    LLVMValueRef from = tg_llvm_loop_open(l, &slices, n->group_from, n->group_until, tg_llvm_i64(l, SLICE));
    LLVMValueRef end = tg_llvm_min64(l, n->group_until, LLVMBuildAdd(b, from, tg_llvm_i64(l, SLICE), ""));
    sum_slice(a, from, end, scratch, offset(a, a->packed, step, TILE), row_of_tiles);
    tg_llvm_loop_close(l, &slices);
    tg_llvm_loop_close(l, &parts);
    call(a, "llvm.x86.tilerelease", NULL, 0);
    *e = before;
}

/* ---- sizes -------------------------------------------------------------------------------------------------------------- */

/* Equal pieces of at most `most`, in multiples of `unit`. */
static LLVMValueRef pieces(tg_llvm *l, LLVMValueRef size, LLVMValueRef most, int64_t unit) {
    LLVMValueRef one = tg_llvm_i64(l, 1), each = tg_llvm_i64(l, unit);
    LLVMValueRef n = tg_llvm_max64(l, tg_llvm_ceil_div(l, size, tg_llvm_max64(l, most, one)), one);
    return LLVMBuildMul(l->builder, tg_llvm_max64(l, tg_llvm_ceil_div(l, tg_llvm_ceil_div(l, size, n), each), one), each, "");
}

/* Groups of a part: what a block of sums reads of both sides takes a small share of the second-level cache. Parts that fit the first level ran
 * at 1400 GFLOP/s instead of 1000, and lost as much to the sums between them: 740 in all at 1024^3 instead of 800. */
static void plan_parts(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    const tg_axis *k = e->d->over[0];
    int64_t most = e->x->machine->l2_bytes / SHARE / (2 * SIDE * TILE) * GROUPS, group = e->d->group, bound = e->x->ranges[k->rank].bound;
    if (k->scheduled) {
        n->part[0] = tg_llvm_i64(l, (k->block + group * GROUPS - 1) / (group * GROUPS) * GROUPS);
    } else if (bound <= 0 || bound > most * group || n->streams) {
        n->part[0] = pieces(l, tg_x86_dot_extent(e, 0), tg_llvm_i64(l, most), GROUPS);
    } else {
        return;
    }
    n->in_parts = LLVMBuildICmp(l->builder, LLVMIntSGT, tg_x86_dot_extent(e, 0), n->part[0], "");
    n->in_parts = n->streams ? LLVMBuildOr(l->builder, n->in_parts, n->streams, "") : n->in_parts;
}

/* The sums of a block of rows and a group of columns take half of the second-level cache if there are parts; else the group's panels do. */
void tg_dot_amx_sizes(tg_dot_nest *n) {
    tg_dot_emission *e = &n->e;
    tg_llvm *l = e->l;
    LLVMBuilderRef b = l->builder;
    const tg_machine *m = e->x->machine;
    n->block_memory = tg_x86_dot_scratch(e->x);
    if (n->compact) {
        return;
    }
    plan_parts(n);
    LLVMValueRef rows = tg_dot_total_rows(n), columns = tg_dot_size_of(n, e->d->vector), size = tg_llvm_i64(l, e->size);
    n->block = pieces(l, rows, tg_llvm_i64(l, MOST_ROWS), SIDE * TG_AMX_ROWS);
    LLVMValueRef length = LLVMBuildMul(b, tg_llvm_max64(l, tg_x86_dot_extent(e, 0), tg_llvm_i64(l, 1)), size, "");
    LLVMValueRef most = LLVMBuildUDiv(b, tg_llvm_i64(l, m->l2_bytes / 2), length, "");
    if (n->in_parts) {
        LLVMValueRef sums = LLVMBuildUDiv(b, tg_llvm_i64(l, m->l2_bytes / 2), LLVMBuildMul(b, n->block, size, ""), "");
        LLVMValueRef panels = LLVMBuildUDiv(b, tg_llvm_i64(l, m->l3_bytes / 8), length, "");
        most = tg_dot_choose(n, n->in_parts, tg_llvm_min64(l, sums, panels), most);
    }
    n->group = pieces(l, columns, most, e->vecs * e->lanes);
    if (n->in_parts) {
        n->strip_bytes = LLVMBuildMul(b, n->block, tg_llvm_i64(l, SIDE * TG_AMX_BYTES), "");
        LLVMValueRef strips = LLVMBuildUDiv(b, n->group, tg_llvm_i64(l, SIDE * e->lanes), "");
        strips = LLVMBuildAdd(b, strips, tg_llvm_i64(l, TG_DOT_STREAM_SLICE / (SIDE * e->lanes)), ""); /* slices that stream pass the last one */
        n->strip_memory = tg_x86_dot_scratch(e->x);
        n->strips = tg_x86_dot_reserve(e->x, &n->strip_memory, tg_dot_choose(n, n->in_parts, LLVMBuildMul(b, strips, n->strip_bytes, ""), tg_llvm_i64(l, 0)));
    }
}
