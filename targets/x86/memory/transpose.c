/* Strided reads of a buffer as transposed blocks.
 *
 *   x[n = R p + r], lanes along p, is a column of a matrix of R columns. Its neighbours are wanted too, so 16 bytes of each
 *   row are read at once (E columns) and E × E blocks are transposed, without crossing 128-bit lanes:
 *
 *     row t of block j = 16 bytes at lane E j + t      vector t = its row t of block 0, 1, …
 *     column u         = element u of vectors 0 … E-1 in each 128-bit lane
 *
 * The vectors are remembered for the columns that follow. Up to E - 1 elements before the first and past the last one are read: buffers end
 * with room for that (tg_x86_buffer_create), and the scratch that holds them begins with some (entry.c). */
#include "targets/x86/memory/address.h"

enum { BLOCK_BYTES = 16, MAX_E = 4, MAX_PARTS = 8 };

/* An offset: what is added up, and the constant apart. */
typedef struct sum {
    LLVMValueRef part[MAX_PARTS];
    unsigned n;
    int64_t constant;
} sum;

struct tg_x86_columns {
    LLVMValueRef slot; /* of the buffer's pointer */
    sum from;          /* the offset of lane 0, of which the constant is `first` */
    int64_t plane, first, step, outer;
    LLVMBasicBlockRef block;
    LLVMValueRef column[MAX_E];
    tg_x86_columns *next;
};

/* Adds what v is the sum of; false: too much. */
static bool add_parts(LLVMValueRef v, sum *s) {
    int64_t c;
    if (tg_llvm_is_const(v, &c)) {
        s->constant += c;
        return true;
    }
    if (LLVMIsAInstruction(v) && LLVMGetInstructionOpcode(v) == LLVMAdd) {
        return add_parts(LLVMGetOperand(v, 0), s) && add_parts(LLVMGetOperand(v, 1), s);
    }
    bool fits = s->n < MAX_PARTS;
    if (fits) {
        s->part[s->n++] = v;
    }
    return fits;
}

/* The same instruction, or one that computes the same number from the same operands. */
static bool same_value(LLVMValueRef a, LLVMValueRef b) {
    if (a == b || !LLVMIsABinaryOperator(a) || !LLVMIsABinaryOperator(b)) {
        return a == b;
    }
    return LLVMGetInstructionOpcode(a) == LLVMGetInstructionOpcode(b) && same_value(LLVMGetOperand(a, 0), LLVMGetOperand(b, 0)) &&
           same_value(LLVMGetOperand(a, 1), LLVMGetOperand(b, 1));
}

static bool same_parts(const sum *a, const sum *b) {
    bool same = a->n == b->n;
    for (unsigned i = 0; i < a->n && same; i++) {
        same = same_value(a->part[i], b->part[i]);
    }
    return same;
}

LLVMValueRef tg_x86_load_blocks(tg_x86 *x, const tg_x86_address *a, const int64_t *offset, unsigned n) {
    LLVMValueRef part[64];
    unsigned e = (unsigned)BLOCK_BYTES / (a->element == x->l->f64 ? 8u : 4u);
    for (unsigned i = 0; i < n; i++) {
        LLVMValueRef at = LLVMBuildAdd(x->builder, a->offset.v, tg_llvm_i64(x->l, offset[i]), "");
        part[i] = tg_llvm_load(x->l, LLVMVectorType(a->element, e), tg_llvm_gep(x->l, a->element, a->base, at), a->align);
    }
    return tg_llvm_beside(x->l, part, n);
}

/* In every 128-bit lane: the elements of a and b that `pick` names, those of b from e on. */
static LLVMValueRef in_lanes(tg_x86 *x, LLVMValueRef a, LLVMValueRef b, unsigned e, const unsigned *pick) {
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        unsigned lane = i / e * e, k = pick[i % e]; /* k: of the pair of blocks */
        ids[i] = tg_llvm_i32(x->l, k < e ? lane + k : x->lanes + lane + k - e);
    }
    return LLVMBuildShuffleVector(x->builder, a, b, LLVMConstVector(ids, x->lanes), "");
}

static void transpose(tg_x86 *x, LLVMValueRef *v, unsigned e) {
    static const unsigned low2[] = {0, 2}, high2[] = {1, 3};
    static const unsigned low4[] = {0, 4, 1, 5}, high4[] = {2, 6, 3, 7}, lower[] = {0, 1, 4, 5}, upper[] = {2, 3, 6, 7};
    if (e == 2) {
        LLVMValueRef lo = in_lanes(x, v[0], v[1], e, low2);
        v[1] = in_lanes(x, v[0], v[1], e, high2);
        v[0] = lo;
        return;
    }
    LLVMValueRef a = in_lanes(x, v[0], v[1], e, low4), b = in_lanes(x, v[2], v[3], e, low4);
    LLVMValueRef c = in_lanes(x, v[0], v[1], e, high4), d = in_lanes(x, v[2], v[3], e, high4);
    v[0] = in_lanes(x, a, b, e, lower);
    v[1] = in_lanes(x, a, b, e, upper);
    v[2] = in_lanes(x, c, d, e, lower);
    v[3] = in_lanes(x, c, d, e, upper);
}

/* Where the lanes are: lane i at (i / run) outer + (i % run) step from the first. */
typedef struct spacing {
    int64_t step, outer;
    unsigned run;
} spacing;

static tg_x86_columns *columns_at(tg_x86 *x, const tg_x86_address *a, const sum *from, spacing s, unsigned e) {
    int64_t first = from->constant / (int64_t)e * (int64_t)e, which = from->constant - first;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    for (tg_x86_columns *k = x->columns; k; k = k->next) {
        if (k->slot == a->slot && k->plane == a->plane && same_parts(&k->from, from) && k->first == first && k->step == s.step && k->outer == s.outer &&
            k->block == here) {
            return k;
        }
    }
    tg_x86_columns *k = TG_NEW(x->arena, tg_x86_columns);
    *k = (tg_x86_columns){a->slot, *from, a->plane, first, s.step, s.outer, here, {NULL}, x->columns};
    for (unsigned t = 0; t < e; t++) {
        int64_t at[64];
        unsigned blocks = x->lanes / e;
        for (unsigned j = 0; j < blocks; j++) {
            unsigned lane = e * j + t;
            at[j] = lane / s.run * s.outer + lane % s.run * s.step - which;
        }
        k->column[t] = tg_x86_load_blocks(x, a, at, blocks);
    }
    transpose(x, k->column, e);
    x->columns = k;
    return k;
}

/* Constant steps between lanes; the address is then that of the first lane. */
static bool spacing_of(tg_x86 *x, tg_x86_address *a, spacing *s) {
    tg_x86_runs r;
    *s = (spacing){.run = x->lanes};
    if (tg_x86_runs_of(x, a, &r)) {
        a->offset = (tg_x86_val){r.at, r.inner, NULL};
        s->run = x->run;
        if (!tg_llvm_is_const(r.outer, &s->outer)) {
            return false;
        }
    }
    return a->offset.step && !tg_llvm_is_vector(a->offset.v) && tg_llvm_is_const(a->offset.step, &s->step);
}

LLVMValueRef tg_x86_load_columns(tg_x86 *x, const tg_x86_address *given) {
    tg_x86_address a = *given;
    bool f32 = a.element == x->l->f32, f64 = a.element == x->l->f64;
    unsigned e = f32 ? 4 : 2;
    spacing s;
    sum from = {{NULL}, 0, 0};
    bool fits = a.slot && !a.mask && (f32 || f64) && x->lanes % e == 0 && spacing_of(x, &a, &s) && s.step > 0 && s.step % e == 0 && s.outer >= 0 &&
                add_parts(a.offset.v, &from) && from.constant >= 0;
    return fits ? columns_at(x, &a, &from, s, e)->column[from.constant % e] : NULL;
}
