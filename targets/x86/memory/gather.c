/* Vectors that are not whole and consecutive in memory: from a place for each lane, and consecutive ones of which some are inside. */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"

typedef tg_x86_address address;

LLVMValueRef tg_x86_lane_pointers(tg_x86 *x, const address *a) {
    LLVMValueRef offsets = tg_x86_vector(x, a->offset);
    return LLVMBuildGEP2(x->builder, a->element, a->base, &offsets, 1, "");
}

/* One load per lane, from `sink` where the mask is off. */
static LLVMValueRef gather_by_lanes(tg_x86 *x, const address *a, LLVMValueRef pointers) {
    LLVMBuilderRef b = x->builder;
    if (a->mask) {
        LLVMValueRef sink = tg_llvm_splat(x->l, x->sink, x->lanes);
        pointers = LLVMBuildSelect(b, tg_x86_lane_mask(x, a->mask), pointers, sink, "");
    }
    LLVMValueRef v = LLVMGetPoison(LLVMVectorType(a->element, x->lanes));
    for (unsigned i = 0; i < x->lanes; i++) {
        LLVMValueRef n = tg_llvm_i32(x->l, i);
        LLVMValueRef one = tg_llvm_load(x->l, a->element, LLVMBuildExtractElement(b, pointers, n, ""), a->align);
        v = LLVMBuildInsertElement(b, v, one, n, "");
    }
    return v;
}

/* Without registers for masks LLVM makes a branch for each lane of what the machine has no instruction for: 32 bits are the least. */
bool tg_x86_has_such_masks(const tg_x86 *x, const address *a) {
    return x->machine->has_masks || a->align >= 4;
}

LLVMValueRef tg_x86_load_gather(tg_x86 *x, const address *a) {
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef pointers = tg_x86_lane_pointers(x, a);
    if (a->align < 4 || !x->machine->has_masks) { /* no such instruction, or one of which LLVM makes a branch for each lane */
        return gather_by_lanes(x, a, pointers);
    }
    return tg_llvm_gather(x->l, type, pointers, a->align, tg_x86_lane_mask(x, a->mask));
}

/* One store per lane, where the mask is off to a place of its own: a branch for each lane would be mispredicted. */
static void scatter_by_lanes(tg_x86 *x, const address *a, LLVMValueRef pointers, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    if (a->mask) {
        LLVMValueRef nowhere = tg_llvm_splat(x->l, tg_x86_alloca(x, a->element), x->lanes);
        pointers = LLVMBuildSelect(b, tg_x86_lane_mask(x, a->mask), pointers, nowhere, "");
    }
    for (unsigned i = 0; i < x->lanes; i++) {
        LLVMValueRef n = tg_llvm_i32(x->l, i);
        tg_llvm_store(x->l, LLVMBuildExtractElement(b, v, n, ""), LLVMBuildExtractElement(b, pointers, n, ""), a->align);
    }
}

void tg_x86_store_scatter(tg_x86 *x, const address *a, LLVMValueRef v) {
    LLVMValueRef pointers = tg_x86_lane_pointers(x, a);
    if (a->align < 4 || !x->machine->has_masks) { /* no such instruction, as for gathers */
        scatter_by_lanes(x, a, pointers, v);
    } else {
        tg_llvm_scatter(x->l, v, pointers, a->align, tg_x86_lane_mask(x, a->mask));
    }
}

/* Consecutive lanes, of which some are inside: what lies in the page of an element that exists may be read, and is 0 then. A vector that goes on in the
 * next page is read one lane at a time. */
LLVMValueRef tg_x86_load_in_page(tg_x86 *x, const address *a) {
    enum { PAGE = 4096 };
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef type = LLVMVectorType(a->element, x->lanes);
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, a->offset.v);
    int64_t bytes = x->lanes * (int64_t)a->align;
    LLVMValueRef at = LLVMBuildAnd(b, LLVMBuildPtrToInt(b, p, x->l->i64, ""), tg_llvm_i64(x->l, PAGE - 1), "");
    LLVMValueRef ends = LLVMBuildICmp(b, LLVMIntULE, at, tg_llvm_i64(x->l, PAGE - bytes), "");
    LLVMValueRef mask = tg_x86_lane_mask(x, a->mask), slot = tg_x86_alloca(x, type);
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, LLVMBuildAnd(b, ends, tg_x86_any_lane(x, mask), ""));
    LLVMBuildStore(b, LLVMBuildSelect(b, mask, tg_llvm_load(x->l, type, p, a->align), LLVMConstNull(type), ""), slot);
    tg_llvm_if_else(x->l, &c);
    LLVMBuildStore(b, gather_by_lanes(x, a, tg_x86_lane_pointers(x, a)), slot);
    tg_llvm_if_close(x->l, &c);
    return LLVMBuildLoad2(b, type, slot, "");
}
