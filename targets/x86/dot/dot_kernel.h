/* The register-blocked heart of `dot`: rows × vecs accumulators, all reduction loops around them.
 *
 *   broadcast side           vector side (unit stride over `lanes * vecs` columns)
 *     row 0  a ─ splat ─┐   ┌ v0 v1 … of this reduction step
 *     row 1  a ─ splat ─┼ × ┤
 *       …               │   │        acc[row][vec] = fma(splat(a[row]), v[vec], acc[row][vec])
 *     row R-1           ┘   └
 *
 * Both sides are read in place with run-time strides, so one piece of code serves packed panels, tensors and tiles in
 * scratch. The accumulators are phis through the whole loop nest: they never touch memory. Measured on AVX-512 with 6×4 vectors:
 * 96 % of FMA peak from L2, 89 % at 1024³ with everything packed; one register too many (7×4) halves it
 * (docs/tile-ir.md, x86 lowering). */
#ifndef TG_X86_DOT_KERNEL_H
#define TG_X86_DOT_KERNEL_H

#include "base/dtype.h"
#include "targets/llvm/llvm.h"

#define TG_DOT_MAX_ROWS 16
#define TG_DOT_MAX_VECS 4

/* What one reduction step does with a word of the row, the same in all lanes, and the words of a vector. */
typedef enum tg_dot_multiply {
    TG_DOT_PLAIN,             /* one element a word: fma, or multiply and add */
    TG_DOT_PAIRS,             /* two i16: vpmaddwd and an addition */
    TG_DOT_PAIRS_BF16,        /* two bf16: vdpbf16ps */
    TG_DOT_QUADS_UNSIGNED_ROW, /* four bytes, the vector's are signed: vpdpbusd */
    TG_DOT_QUADS_SIGNED_ROW
} tg_dot_multiply;

/* One reduction loop, outermost first. Steps in bytes. A count that is known and at most TG_DOT_SHORT is short. */
enum { TG_DOT_SHORT = 8 };
typedef struct tg_dot_loop {
    LLVMValueRef count;
    LLVMValueRef vector_step, row_step;
} tg_dot_loop;

typedef struct tg_dot_tile {
    LLVMTypeRef elem; /* float, double or i32: both sides and the accumulators */
    unsigned lanes, vecs, rows;
    LLVMValueRef vector_base; /* address of column 0 at the first reduction point */
    tg_dtype stored; /* of the vector side: narrower elements, which are converted as they are loaded and all exist; NONE: words as they are multiplied */
    LLVMValueRef row_at[TG_DOT_MAX_ROWS]; /* address of each row there */
    LLVMValueRef masks[TG_DOT_MAX_VECS]; /* lanes of each vector that exist; null: all */
    LLVMValueRef prefetch; /* how far ahead of the vector side, in bytes; null: nowhere */
    LLVMValueRef quiet; /* i1: nothing is requested after all; null: something is */
    LLVMValueRef request, request_step; /* of a single loop: what it requests instead, from where on and bytes a step, not 0; null: nothing else */
    bool request_one; /* one line a round, to the second level */
    LLVMValueRef copy; /* where each step leaves the line it reads of the vector side, one after the other; null: nowhere */
    bool unroll; /* a short innermost loop without a loop */
    unsigned steps; /* at a time in another innermost loop, if unrolled; a power of two */
    LLVMValueRef skip; /* i1: nothing is summed; null: it is */
    tg_dot_multiply multiply;
    const tg_dot_loop *loops;
    unsigned n_loops;
    /* in: initial values; out: results. acc[row * vecs + vec] */
    LLVMValueRef acc[TG_DOT_MAX_ROWS * TG_DOT_MAX_VECS];
} tg_dot_tile;

/* Emits at the builder's position and leaves it after the loops. Any count may be 0 at run time: then acc is the initial value. */
void tg_x86_emit_dot_tile(tg_llvm *l, tg_dot_tile *tile);

/* Bytes of a column's word on the vector side: `stored` as above, `word` bytes where that is NONE. */
unsigned tg_x86_dot_column_bytes(tg_dot_multiply multiply, tg_dtype stored, unsigned word);

/* Largest rows × vecs that stays in registers: accumulators + one vector per column group + one broadcast. */
void tg_x86_dot_tile_shape(int vector_regs, unsigned *rows, unsigned *vecs);

/* c + a · b on vectors of `elem`: fused for floats. */
LLVMValueRef tg_x86_dot_multiply_add(tg_llvm *l, LLVMTypeRef elem, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);

/* sum + the products of groups, all vectors of words. */
LLVMValueRef tg_x86_dot_multiply_groups(tg_llvm *l, tg_dot_multiply multiply, LLVMValueRef row, LLVMValueRef columns, LLVMValueRef sum);

#endif
