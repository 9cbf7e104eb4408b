/* Complex elements in memory.
 *
 *   planes   a buffer holds all real parts, then all imaginary ones: two ordinary accesses
 *   pairs    a tensor holds re, im, re, im …
 *              lanes along consecutive elements   2·W reals at once, parted by one shuffle for each part
 *              lanes over two axes                pieces of memory, parted by shuffles of two sources (runs.c)
 *              any other lanes                    one pair per lane, as one 64-bit (c32) or 128-bit (c64) access
 *
 * A strided access of pairs moves as many bytes per instruction as the machine has ports for without a transposition,
 * and it is what a matrix of transforms is turned over with. */
#include "targets/x86/memory/address.h"

static LLVMValueRef lane_list(tg_x86 *x, unsigned n, int first, int step) {
    LLVMValueRef ids[128];
    for (unsigned i = 0; i < n; i++) {
        ids[i] = tg_llvm_i32(x->l, first + step * (int)i);
    }
    return LLVMConstVector(ids, n);
}

/* Parts of `pairs`, 2·W reals; lanes in memory order, or reversed. */
static tg_x86_val parted(tg_x86 *x, LLVMValueRef pairs, bool reversed) {
    int n = (int)x->lanes, first = reversed ? 2 * (n - 1) : 0, step = reversed ? -2 : 2;
    LLVMValueRef none = LLVMGetPoison(LLVMTypeOf(pairs));
    tg_x86_val out = {NULL, NULL, NULL};
    out.v = LLVMBuildShuffleVector(x->builder, pairs, none, lane_list(x, x->lanes, first, step), "");
    out.im = LLVMBuildShuffleVector(x->builder, pairs, none, lane_list(x, x->lanes, first + 1, step), "");
    return out;
}

/* re0, im0, re1, im1 … in memory order */
static LLVMValueRef paired(tg_x86 *x, tg_x86_val v, bool reversed) {
    LLVMValueRef ids[128];
    unsigned n = x->lanes;
    for (unsigned i = 0; i < n; i++) {
        unsigned lane = reversed ? n - 1 - i : i;
        ids[2 * i] = tg_llvm_i32(x->l, lane);
        ids[2 * i + 1] = tg_llvm_i32(x->l, lane + n);
    }
    LLVMValueRef re = tg_llvm_splat(x->l, v.v, n), im = tg_llvm_splat(x->l, v.im, n);
    return LLVMBuildShuffleVector(x->builder, re, im, LLVMConstVector(ids, 2 * n), "");
}

static LLVMValueRef pair_mask(tg_x86 *x, LLVMValueRef mask, bool reversed) {
    LLVMValueRef m = tg_x86_lane_mask(x, mask);
    tg_x86_val both = {m, NULL, m};
    return paired(x, both, reversed);
}

/* Address of the real part of the element at `offset`. */
static LLVMValueRef pair_pointer(tg_x86 *x, const tg_x86_address *a, LLVMValueRef offset) {
    LLVMValueRef twice = LLVMBuildShl(x->builder, offset, tg_llvm_i64(x->l, 1), "");
    return tg_llvm_gep(x->l, a->element, a->base, twice);
}

/* First of W consecutive elements in memory. */
static LLVMValueRef lowest(tg_x86 *x, const tg_x86_address *a, int direction) {
    LLVMValueRef o = a->offset.v;
    o = direction < 0 ? LLVMBuildSub(x->builder, o, tg_llvm_i64(x->l, x->lanes - 1), "") : o;
    return pair_pointer(x, a, o);
}

static LLVMTypeRef pairs_type(tg_x86 *x, const tg_x86_address *a) {
    return LLVMVectorType(a->element, 2 * x->lanes);
}

/* Vectors of two 128-bit lanes have, on AVX2, no shuffle that crosses them and takes two sources: the blocks of 16 bytes are put
 * where the result wants them as they are read (0 2 | 1 3), and the rest stays within lanes. Where longer vectors exist this keeps them out of
 * code for these: an instruction of 512 bits in flight closes one of Intel's three ports to all others, and halves of vectors are stored two a cycle.
 * Machines of 256 bits store one a cycle, of whatever length, and Zen 3 blends on four ports but inserts on one. */
static bool by_blocks(const tg_x86 *x, const tg_x86_address *a, int direction) {
    return x->machine->vector_bits >= 256 && !a->mask && direction > 0 && x->lanes == (a->element == x->l->f32 ? 8u : 4u);
}

/* Where element i of 2·W reals is in two vectors that hold blocks 0 2 and 1 3. */
static unsigned block_place(const tg_x86 *x, unsigned i) {
    unsigned e = x->lanes / 2, block = i / e;
    return (block & 1) * x->lanes + (block >> 1) * e + i % e;
}

/* Blocks first and first + 2. */
static LLVMValueRef two_blocks(tg_x86 *x, const tg_x86_address *reals, int64_t first) {
    unsigned n = x->lanes, pick[64];
    int64_t e = n / 2;
    if (x->machine->vector_bits > 256) {
        return tg_x86_load_blocks(x, reals, (int64_t[]){first * e, (first + 2) * e}, 2);
    }
    LLVMValueRef v[2]; /* blocks first, first + 1; first + 1, first + 2 */
    for (unsigned i = 0; i < 2; i++) {
        LLVMValueRef at = LLVMBuildAdd(x->builder, reals->offset.v, tg_llvm_i64(x->l, (first + i) * e), "");
        v[i] = tg_llvm_load(x->l, LLVMVectorType(reals->element, n), tg_llvm_gep(x->l, reals->element, reals->base, at), reals->align);
    }
    for (unsigned i = 0; i < n; i++) {
        pick[i] = i < n / 2 ? i : n + i;
    }
    return tg_llvm_shuffle(x->l, v[0], v[1], pick, n);
}

static tg_x86_val load_run_by_blocks(tg_x86 *x, const tg_x86_address *a) {
    tg_x86_address reals = *a;
    reals.offset.v = LLVMBuildShl(x->builder, a->offset.v, tg_llvm_i64(x->l, 1), "");
    LLVMValueRef even = two_blocks(x, &reals, 0), odd = two_blocks(x, &reals, 1);
    LLVMValueRef re[64], im[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        re[i] = tg_llvm_i32(x->l, block_place(x, 2 * i));
        im[i] = tg_llvm_i32(x->l, block_place(x, 2 * i + 1));
    }
    tg_x86_val out = {LLVMBuildShuffleVector(x->builder, even, odd, LLVMConstVector(re, x->lanes), ""), NULL, NULL};
    out.im = LLVMBuildShuffleVector(x->builder, even, odd, LLVMConstVector(im, x->lanes), "");
    return out;
}

static void store_run_by_blocks(tg_x86 *x, const tg_x86_address *a, tg_x86_val v) {
    unsigned n = x->lanes, e = n / 2;
    LLVMValueRef base = pair_pointer(x, a, a->offset.v);
    LLVMValueRef re = tg_llvm_splat(x->l, v.v, n), im = tg_llvm_splat(x->l, v.im, n);
    for (unsigned half = 0; half < 2; half++) { /* blocks half and half + 2 */
        LLVMValueRef ids[64];
        for (unsigned i = 0; i < n; i++) {
            unsigned lane = i / e * e + half * e / 2 + i % e / 2;
            ids[i] = tg_llvm_i32(x->l, lane + (i % 2 ? n : 0));
        }
        LLVMValueRef both = LLVMBuildShuffleVector(x->builder, re, im, LLVMConstVector(ids, n), "");
        for (unsigned k = 0; k < 2; k++) {
            LLVMValueRef p = tg_llvm_gep(x->l, a->element, base, tg_llvm_i64(x->l, (half + 2 * k) * e));
            tg_llvm_store(x->l, tg_llvm_slice(x->l, both, k * e, e), p, a->align);
        }
    }
}

static tg_x86_val load_run(tg_x86 *x, const tg_x86_address *a, int direction) {
    if (by_blocks(x, a, direction)) {
        return load_run_by_blocks(x, a);
    }
    LLVMValueRef p = lowest(x, a, direction);
    LLVMValueRef v = a->mask ? tg_llvm_masked_load(x->l, pairs_type(x, a), p, a->align, pair_mask(x, a->mask, direction < 0))
                             : tg_llvm_load(x->l, pairs_type(x, a), p, a->align);
    return parted(x, v, direction < 0);
}

static void store_run(tg_x86 *x, const tg_x86_address *a, tg_x86_val v, int direction) {
    if (x->machine->vector_bits > 256 && by_blocks(x, a, direction)) {
        store_run_by_blocks(x, a, v);
        return;
    }
    LLVMValueRef p = lowest(x, a, direction), pairs = paired(x, v, direction < 0);
    if (a->mask) {
        tg_llvm_masked_store(x->l, pairs, p, a->align, pair_mask(x, a->mask, direction < 0));
    } else {
        tg_llvm_store(x->l, pairs, p, a->align);
    }
}

/* ---- one pair per lane ------------------------------------------------------------------------------------ */

static LLVMValueRef lane_pointer(tg_x86 *x, const tg_x86_address *a, unsigned lane) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef o = a->offset.v;
    if (tg_llvm_is_vector(o)) {
        o = LLVMBuildExtractElement(b, o, tg_llvm_i32(x->l, lane), "");
    } else if (lane) {
        o = LLVMBuildAdd(b, o, LLVMBuildMul(b, a->offset.step, tg_llvm_i64(x->l, lane), ""), "");
    }
    LLVMValueRef p = pair_pointer(x, a, o);
    if (a->mask) {
        LLVMValueRef on = LLVMBuildExtractElement(b, tg_x86_lane_mask(x, a->mask), tg_llvm_i32(x->l, lane), "");
        p = LLVMBuildSelect(b, on, p, x->sink, "");
    }
    return p;
}

/* c32: eight pairs, where no shuffle crosses 128-bit lanes: two of every half are put where the parts want them. */
static tg_x86_val load_eight_pairs(tg_x86 *x, const tg_x86_address *a) {
    LLVMValueRef half[2];
    unsigned re[8], im[8];
    for (unsigned h = 0; h < 2; h++) {
        LLVMValueRef v = LLVMGetPoison(LLVMVectorType(x->l->f64, 4));
        for (unsigned i = 0; i < 4; i++) {
            LLVMValueRef one = tg_llvm_load(x->l, x->l->f64, lane_pointer(x, a, i / 2 * 4 + 2 * h + i % 2), a->align);
            v = LLVMBuildInsertElement(x->builder, v, one, tg_llvm_i32(x->l, i), "");
        }
        half[h] = LLVMBuildBitCast(x->builder, v, LLVMVectorType(x->l->f32, 8), "");
    }
    for (unsigned i = 0; i < 8; i++) {
        re[i] = block_place(x, 2 * i);
        im[i] = block_place(x, 2 * i + 1);
    }
    return (tg_x86_val){tg_llvm_shuffle(x->l, half[0], half[1], re, 8), NULL, tg_llvm_shuffle(x->l, half[0], half[1], im, 8)};
}

/* c32: pairs are f64 lanes until they are parted. c64: parts are inserted one by one. */
static tg_x86_val load_pairs(tg_x86 *x, const tg_x86_address *a) {
    LLVMBuilderRef b = x->builder;
    if (a->element != x->l->f32) {
        LLVMTypeRef pair = LLVMVectorType(a->element, 2);
        tg_x86_val out = {LLVMGetPoison(LLVMVectorType(a->element, x->lanes)), NULL, NULL};
        out.im = out.v;
        for (unsigned i = 0; i < x->lanes; i++) {
            LLVMValueRef v = tg_llvm_load(x->l, pair, lane_pointer(x, a, i), a->align), n = tg_llvm_i32(x->l, i);
            out.v = LLVMBuildInsertElement(b, out.v, LLVMBuildExtractElement(b, v, tg_llvm_i32(x->l, 0), ""), n, "");
            out.im = LLVMBuildInsertElement(b, out.im, LLVMBuildExtractElement(b, v, tg_llvm_i32(x->l, 1), ""), n, "");
        }
        return out;
    }
    if (x->lanes == 8 && (x->machine->vector_bits == 256 || x->machine->halves)) {
        return load_eight_pairs(x, a);
    }
    LLVMValueRef v = LLVMGetPoison(LLVMVectorType(x->l->f64, x->lanes));
    for (unsigned i = 0; i < x->lanes; i++) {
        LLVMValueRef one = tg_llvm_load(x->l, x->l->f64, lane_pointer(x, a, i), a->align);
        v = LLVMBuildInsertElement(b, v, one, tg_llvm_i32(x->l, i), "");
    }
    return parted(x, LLVMBuildBitCast(b, v, pairs_type(x, a), ""), false);
}

static void store_pair(tg_x86 *x, const tg_x86_address *a, LLVMValueRef pairs, unsigned i) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one;
    if (a->element == x->l->f32) {
        one = LLVMBuildBitCast(b, pairs, LLVMVectorType(x->l->f64, x->lanes), "");
        one = LLVMBuildExtractElement(b, one, tg_llvm_i32(x->l, i), "");
    } else {
        one = LLVMBuildShuffleVector(b, pairs, LLVMGetPoison(LLVMTypeOf(pairs)), lane_list(x, 2, 2 * (int)i, 1), "");
    }
    tg_llvm_store(x->l, one, lane_pointer(x, a, i), a->align);
}

/* A lane that is off must not write anything: its store is jumped over. */
static void store_pairs(tg_x86 *x, const tg_x86_address *a, tg_x86_val v) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef pairs = paired(x, v, false);
    tg_x86_address open = *a;
    open.mask = NULL;
    for (unsigned i = 0; i < x->lanes; i++) {
        tg_llvm_if c;
        if (a->mask) {
            LLVMValueRef on = LLVMBuildExtractElement(b, tg_x86_lane_mask(x, a->mask), tg_llvm_i32(x->l, i), "");
            tg_llvm_if_open(x->l, &c, on);
        }
        store_pair(x, &open, pairs, i);
        if (a->mask) {
            tg_llvm_if_close(x->l, &c);
        }
    }
}

/* ---- any access --------------------------------------------------------------------------------------------- */

static bool is_uniform(const tg_x86_address *a) {
    return !a->offset.step && !tg_llvm_is_vector(a->offset.v);
}

/* The real or imaginary parts as elements of their own. */
static tg_x86_address part(tg_x86 *x, const tg_x86_address *a, bool im) {
    LLVMBuilderRef b = x->builder;
    tg_x86_address p = *a;
    if (a->plane) {
        p.base = im ? tg_llvm_gep(x->l, x->l->i8, a->base, tg_llvm_i64(x->l, a->plane)) : a->base;
        p.plane = im ? a->plane : 0;
        return p;
    }
    LLVMValueRef one = tg_llvm_int(LLVMTypeOf(a->offset.v), 1);
    p.offset.v = LLVMBuildShl(b, a->offset.v, one, "");
    p.offset.v = im ? LLVMBuildAdd(b, p.offset.v, one, "") : p.offset.v;
    p.offset.step = a->offset.step ? LLVMBuildShl(b, a->offset.step, tg_llvm_i64(x->l, 1), "") : NULL;
    return p;
}

/* Lanes over two axes that are consecutive all the same. */
static tg_x86_address evened(tg_x86 *x, const tg_x86_address *a) {
    tg_x86_runs r;
    tg_x86_address even = *a;
    return tg_x86_runs_of(x, a, &r) && tg_x86_is_even(x, &r, &even.offset) ? even : *a;
}

tg_x86_val tg_x86_load_complex(tg_x86 *x, const tg_x86_address *given) {
    tg_x86_address even = evened(x, given), *a = &even;
    tg_x86_val v;
    tg_x86_runs r;
    int direction = tg_x86_direction(a->offset);
    if (!a->plane && direction) {
        return load_run(x, a, direction);
    }
    if (!a->plane && !is_uniform(a)) {
        return tg_x86_runs_of(x, a, &r) && tg_x86_load_pair_runs(x, a, &r, &v) ? v : load_pairs(x, a);
    }
    tg_x86_address re = part(x, a, false), im = part(x, a, true);
    tg_x86_val out = {tg_x86_load_elements(x, &re), NULL, NULL};
    out.im = tg_x86_load_elements(x, &im);
    return out;
}

void tg_x86_store_complex(tg_x86 *x, const tg_x86_address *given, tg_x86_val v) {
    tg_x86_address even = evened(x, given), *a = &even;
    if (tg_x86_all_or_none(a)) {
        tg_llvm_if c;
        tg_x86_address open = tg_x86_open_all(x, a, &c);
        tg_x86_store_complex(x, &open, v);
        tg_llvm_if_close(x->l, &c);
        return;
    }
    int direction = tg_x86_direction(a->offset);
    if (!a->plane && direction) {
        store_run(x, a, v, direction);
    } else if (!a->plane && !is_uniform(a)) {
        tg_x86_runs r;
        if (!tg_x86_runs_of(x, a, &r) || !tg_x86_store_pair_runs(x, a, &r, v)) {
            store_pairs(x, a, v);
        }
    } else {
        tg_x86_address re = part(x, a, false), im = part(x, a, true);
        tg_x86_store_elements(x, &re, v.v);
        tg_x86_store_elements(x, &im, v.im);
    }
}
