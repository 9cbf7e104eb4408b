/* Lanes that are two to four elements apart, as the columns of a convolution with strides are: whole vectors from the first lane's element to the
 * last one's, and a shuffle, instead of a gather. Step 2, 8 lanes:
 *
 *   elements   0 1 2 3 4 5 6 7   8 9 …         lane      0 1 2 3   4 5  6  7
 *   vector 0   [0 … 7]                         element   0 2 4 6   8 10 12 14
 *   vector 1         [7 … 14]                  of        0 0 0 0   1 1  1  1
 *
 * Nothing before or after these elements is read, so that it is right at the ends of a tensor. Under a mask the vectors are, too. They are stored as
 * the same vectors, under masks that leave out what is between. */
#include "targets/x86/memory/address.h"

enum { MOST_LANES = 64 };

/* Where vector k of `step` begins, counted from the first lane's element. */
static unsigned vector_start(unsigned lanes, unsigned step, unsigned k) {
    return k + 1 < step ? k * lanes : (lanes - 1) * step + 1 - lanes;
}

static unsigned vector_of(unsigned lanes, unsigned step, unsigned lane) {
    unsigned k = lane * step / lanes;
    return k < step ? k : step - 1;
}

/* The lanes of `mask` at the elements of vector k, the others off. */
static LLVMValueRef spread_mask(tg_x86 *x, LLVMValueRef mask, unsigned step, unsigned k) {
    unsigned pick[MOST_LANES], lanes = x->lanes, start = vector_start(lanes, step, k);
    for (unsigned e = 0; e < lanes; e++) {
        unsigned at = start + e, lane = at / step;
        bool is_lane = at % step == 0 && vector_of(lanes, step, lane) == k;
        pick[e] = is_lane ? lane : lanes;
    }
    return tg_llvm_shuffle(x->l, mask, LLVMConstNull(LLVMTypeOf(mask)), pick, lanes);
}

static LLVMValueRef load_part(tg_x86 *x, const tg_x86_address *a, unsigned step, unsigned k) {
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef at = LLVMBuildAdd(x->builder, a->offset.v, tg_llvm_i64(x->l, vector_start(x->lanes, step, k)), "");
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, at);
    return a->mask ? tg_llvm_masked_load(x->l, type, p, a->align, spread_mask(x, tg_x86_lane_mask(x, a->mask), step, k))
                   : tg_llvm_load(x->l, type, p, a->align);
}

LLVMValueRef tg_x86_load_strided(tg_x86 *x, const tg_x86_address *a) {
    int64_t c = 0;
    bool known = a->offset.step && !tg_llvm_is_vector(a->offset.v) && tg_llvm_is_const(a->offset.step, &c) && c >= 2 && c <= TG_X86_CLOSE_LANES;
    if (!known || x->lanes < TG_X86_CLOSE_LANES || (a->mask && (a->align < 4 || x->machine->vector_bits < 256))) {
        return NULL;
    }
    unsigned step = (unsigned)c, lanes = x->lanes, pick[MOST_LANES];
    LLVMValueRef v = load_part(x, a, step, 0);
    for (unsigned k = 1; k < step; k++) {
        unsigned start = vector_start(lanes, step, k);
        for (unsigned i = 0; i < lanes; i++) {
            unsigned own = vector_of(lanes, step, i);
            pick[i] = own == k ? lanes + i * step - start : k == 1 && own == 0 ? i * step : i;
        }
        v = tg_llvm_shuffle(x->l, v, load_part(x, a, step, k), pick, lanes);
    }
    return v;
}

/* Lanes of vector k of `step`: what it takes of `v`, and where it has nothing. */
static unsigned spread(unsigned lanes, unsigned step, unsigned k, unsigned *pick, LLVMValueRef *has, tg_x86 *x) {
    unsigned start = vector_start(lanes, step, k);
    for (unsigned e = 0; e < lanes; e++) {
        unsigned lane = (start + e) / step;
        bool is_lane = (start + e) % step == 0 && vector_of(lanes, step, lane) == k;
        pick[e] = is_lane ? lane : 0;
        has[e] = LLVMConstInt(x->l->i1, is_lane, 0);
    }
    return start;
}

bool tg_x86_store_strided(tg_x86 *x, const tg_x86_address *a, LLVMValueRef v) {
    int64_t c = 0;
    bool known = a->offset.step && !tg_llvm_is_vector(a->offset.v) && tg_llvm_is_const(a->offset.step, &c) && c >= 2 && c <= TG_X86_CLOSE_LANES;
    if (!known || !x->machine->has_masks || x->lanes < TG_X86_CLOSE_LANES) {
        return false;
    }
    for (unsigned k = 0, step = (unsigned)c; k < step; k++) {
        unsigned pick[MOST_LANES];
        LLVMValueRef has[MOST_LANES];
        unsigned start = spread(x->lanes, step, k, pick, has, x);
        LLVMValueRef mask = a->mask ? spread_mask(x, tg_x86_lane_mask(x, a->mask), step, k) : LLVMConstVector(has, x->lanes);
        LLVMValueRef at = LLVMBuildAdd(x->builder, a->offset.v, tg_llvm_i64(x->l, start), "");
        tg_llvm_masked_store(x->l, tg_llvm_shuffle(x->l, v, v, pick, x->lanes), tg_llvm_gep(x->l, a->element, a->base, at), a->align, mask);
    }
    return true;
}
