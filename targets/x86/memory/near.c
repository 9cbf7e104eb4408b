/* Lanes at constant distances from one place, all within a vector: k / 4 * 4 + c, the channel c of the group of each lane (wrap.c). One load and a
 * shuffle instead of a gather. 16 lanes, c = 0:
 *
 *   lane      0 1 2 3  4 5 6 7  8 9 10 11  12 13 14 15
 *   element   0 0 0 0  4 4 4 4  8 8  8  8  12 12 12 12      loaded: elements 0, 4, 8, 12, the others off
 *
 * Only elements that lanes name are read, so that it is right at the end of a tensor. Under a mask of all lanes or none, zeros are read instead. */
#include "targets/x86/memory/address.h"

enum { MOST_LANES = 64 };

/* An offset as a sum: one number for all lanes, and a constant for each. */
typedef struct spread {
    LLVMValueRef at; /* null: 0 */
    int64_t lane[MOST_LANES];
} spread;

static bool of_constant(const tg_x86 *x, LLVMValueRef v, spread *s) {
    bool all = true;
    s->at = NULL;
    for (unsigned i = 0; i < x->lanes && all; i++) {
        LLVMValueRef e = LLVMGetAggregateElement(v, i);
        all = e && tg_llvm_is_const(e, &s->lane[i]);
    }
    return all;
}

static LLVMValueRef sum_of(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    return a && b ? LLVMBuildAdd(x->builder, a, b, "") : a ? a : b;
}

static bool spread_of(tg_x86 *x, LLVMValueRef v, spread *s);

static bool of_sum(tg_x86 *x, LLVMValueRef v, spread *s) {
    spread b;
    bool both = spread_of(x, LLVMGetOperand(v, 0), s) && spread_of(x, LLVMGetOperand(v, 1), &b);
    for (unsigned i = 0; i < x->lanes && both; i++) {
        both = !__builtin_add_overflow(s->lane[i], b.lane[i], &s->lane[i]);
    }
    s->at = both ? sum_of(x, s->at, b.at) : NULL;
    return both;
}

/* By a constant that all lanes share. */
static bool of_product(tg_x86 *x, LLVMValueRef v, spread *s) {
    LLVMValueRef by = LLVMGetOperand(v, 1);
    LLVMValueRef one = LLVMIsAConstant(by) ? LLVMGetAggregateElement(by, 0) : NULL;
    int64_t c;
    bool fits = one && by == tg_llvm_splat(x->l, one, x->lanes) && tg_llvm_is_const(one, &c) && spread_of(x, LLVMGetOperand(v, 0), s);
    for (unsigned i = 0; i < x->lanes && fits; i++) {
        fits = !__builtin_mul_overflow(s->lane[i], c, &s->lane[i]);
    }
    s->at = fits && s->at ? LLVMBuildMul(x->builder, s->at, one, "") : NULL;
    return fits;
}

static bool spread_of(tg_x86 *x, LLVMValueRef v, spread *s) {
    if (LLVMIsAConstant(v)) {
        return of_constant(x, v, s);
    }
    *s = (spread){.at = tg_llvm_splatted(v)};
    LLVMOpcode op = LLVMIsABinaryOperator(v) ? LLVMGetInstructionOpcode(v) : LLVMRet;
    return s->at || (op == LLVMAdd && of_sum(x, v, s)) || (op == LLVMMul && of_product(x, v, s));
}

/* Distances from the least of them; false if they do not fit a vector. */
static bool are_near(const tg_x86 *x, spread *s, int64_t *least) {
    int64_t most = s->lane[0];
    *least = s->lane[0];
    for (unsigned i = 1; i < x->lanes; i++) {
        *least = s->lane[i] < *least ? s->lane[i] : *least;
        most = s->lane[i] > most ? s->lane[i] : most;
    }
    int64_t span;
    bool near = !__builtin_sub_overflow(most, *least, &span) && span < x->lanes;
    for (unsigned i = 0; i < x->lanes && near; i++) {
        s->lane[i] -= *least;
    }
    return near;
}

LLVMValueRef tg_x86_load_near(tg_x86 *x, const tg_x86_address *a) {
    spread s;
    int64_t least;
    bool fits = (!a->mask || tg_x86_all_or_none(a)) && tg_llvm_is_vector(a->offset.v) && x->lanes <= MOST_LANES;
    fits = fits && tg_x86_has_such_masks(x, a) && x->machine->vector_bits >= 256;
    if (!fits || !spread_of(x, a->offset.v, &s) || !are_near(x, &s, &least)) {
        return NULL;
    }
    unsigned pick[MOST_LANES];
    LLVMValueRef on[MOST_LANES], off = LLVMConstInt(x->l->i1, 0, 0);
    for (unsigned i = 0; i < x->lanes; i++) {
        on[i] = off;
    }
    for (unsigned i = 0; i < x->lanes; i++) {
        pick[i] = (unsigned)s.lane[i];
        on[pick[i]] = LLVMConstInt(x->l->i1, 1, 0);
    }
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, sum_of(x, s.at, tg_llvm_i64(x->l, least)));
    p = a->mask ? LLVMBuildSelect(x->builder, a->mask, p, x->sink, "") : p;
    LLVMValueRef v = tg_llvm_masked_load(x->l, type, p, a->align, LLVMConstVector(on, x->lanes));
    return tg_llvm_shuffle(x->l, v, LLVMGetPoison(type), pick, x->lanes);
}
