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

/* The lanes that are on, in their order, from the first on. */
static LLVMValueRef packed(tg_x86 *x, LLVMValueRef v, LLVMValueRef on) {
    LLVMTypeRef type = LLVMTypeOf(v);
    return tg_llvm_call(x->l, "llvm.experimental.vector.compress", &type, 1, (LLVMValueRef[]){v, on, LLVMConstNull(type)}, 3);
}

/* The same of elements in memory: shorter ones than 32 bits as such. */
static LLVMValueRef packed_elements(tg_x86 *x, const address *a, LLVMValueRef v, LLVMValueRef on) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef type = LLVMTypeOf(v), whole = LLVMVectorType(LLVMIntTypeInContext(x->l->context, 8 * a->align), x->lanes);
    if (a->align >= 4) {
        return packed(x, v, on);
    }
    LLVMValueRef wide = LLVMBuildZExt(b, LLVMBuildBitCast(b, v, whole, ""), LLVMVectorType(x->l->i32, x->lanes), "");
    return LLVMBuildBitCast(b, LLVMBuildTrunc(b, packed(x, wide, on), whole, ""), type, "");
}

/* Places of 32 bits, from what all lanes share on, or from the base: null. Null: they are not such. */
static LLVMValueRef short_places(const tg_x86 *x, const address *a, LLVMValueRef *shared) {
    LLVMValueRef at = a->offset.v;
    *shared = NULL;
    if (tg_llvm_is_vector(at) && LLVMIsAInstruction(at) && LLVMGetInstructionOpcode(at) == LLVMAdd) {
        *shared = tg_llvm_splatted(LLVMGetOperand(at, 0));
        at = *shared ? LLVMGetOperand(at, 1) : at;
    }
    bool extended = tg_llvm_is_vector(at) && LLVMIsASExtInst(at);
    LLVMValueRef places = extended ? LLVMGetOperand(at, 0) : NULL;
    return places && LLVMGetElementType(LLVMTypeOf(places)) == x->l->i32 ? places : NULL;
}

bool tg_x86_may_be_side_by_side(const tg_x86 *x, const address *a) {
    enum { REGISTER = 512, LEAST = 4 };
    bool plain = tg_dtype_kind_of(a->dtype) != TG_KIND_COMPLEX && tg_dtype_bits(a->dtype) >= 8;
    bool fits = x->lanes >= LEAST && x->lanes * (a->align > 4 ? a->align : 4) * 8 <= REGISTER;
    bool packs = x->machine->has_masks && !x->machine->splits; /* LLVM 22 has no other way for such vectors */
    bool masked = a->counted && a->mask && tg_llvm_is_vector(a->mask) && packs;
    LLVMValueRef shared;
    return masked && plain && fits && short_places(x, a, &shared);
}

static LLVMValueRef is_run_inside(tg_x86 *x, LLVMValueRef first, LLVMValueRef count, LLVMValueRef until) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef end = LLVMBuildAdd(b, first, LLVMBuildZExt(b, count, x->l->i64, ""), "");
    LLVMValueRef from_zero = LLVMBuildICmp(b, LLVMIntSGE, first, tg_llvm_i64(x->l, 0), "");
    return LLVMBuildAnd(b, from_zero, LLVMBuildICmp(b, LLVMIntSLE, end, until, ""), "");
}

/* Where elements that pass a test are kept in their order, the lanes that are on have places side by side: they are one store. Opens a branch for when
 * they have not, or some are outside. Zen 4, 65536 f32 of which half are kept: 49 -> 23 us. */
static void store_side_by_side(tg_x86 *x, const address *a, LLVMValueRef v, tg_llvm_if *otherwise) {
    LLVMBuilderRef b = x->builder;
    unsigned lanes = x->lanes;
    LLVMTypeRef bits = LLVMIntTypeInContext(x->l->context, lanes);
    LLVMValueRef on = tg_x86_lane_mask(x, a->mask), one = tg_llvm_i32(x->l, 1);
    LLVMValueRef count = LLVMBuildZExt(b, tg_llvm_call1(x->l, "llvm.ctpop", LLVMBuildBitCast(b, on, bits, "")), x->l->i32, "");
    LLVMValueRef below = LLVMBuildSub(b, LLVMBuildShl(b, one, count, ""), one, "");
    LLVMValueRef kept = LLVMBuildBitCast(b, LLVMBuildTrunc(b, below, bits, ""), LLVMTypeOf(on), "");
    LLVMValueRef shared, each = short_places(x, a, &shared);
    LLVMValueRef places = packed(x, each, on), first = LLVMBuildExtractElement(b, places, tg_llvm_i32(x->l, 0), "");
    LLVMValueRef ids = LLVMBuildTrunc(b, tg_llvm_lane_ids(x->l, lanes), LLVMTypeOf(places), "");
    LLVMValueRef run = LLVMBuildAdd(b, tg_llvm_splat(x->l, first, lanes), ids, "");
    LLVMValueRef apart = LLVMBuildAnd(b, kept, LLVMBuildICmp(b, LLVMIntNE, places, run, ""), "");
    LLVMValueRef together = LLVMBuildNot(b, tg_x86_any_lane(x, apart), "");
    first = LLVMBuildSExt(b, first, x->l->i64, "");
    first = shared ? LLVMBuildAdd(b, shared, first, "") : first;
    tg_llvm_if_open(x->l, otherwise, a->until ? LLVMBuildAnd(b, together, is_run_inside(x, first, count, a->until), "") : together);
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->base, first);
    tg_llvm_masked_store(x->l, packed_elements(x, a, v, on), p, a->align, kept);
    tg_llvm_if_else(x->l, otherwise);
}

/* Where lanes are not side by side: what only this needs is computed there. */
static address each_lane(tg_x86 *x, const address *a) {
    LLVMBuilderRef b = x->builder;
    address each = *a;
    if (a->until) {
        LLVMValueRef until = tg_llvm_splat(x->l, a->until, x->lanes), shared;
        each.offset.v = LLVMBuildSExt(b, short_places(x, a, &shared), LLVMTypeOf(a->offset.v), "");
        each.offset.v = shared ? LLVMBuildAdd(b, tg_llvm_splat(x->l, shared, x->lanes), each.offset.v, "") : each.offset.v;
        each.mask = tg_x86_and_masks(x, a->mask, LLVMBuildICmp(b, LLVMIntULT, each.offset.v, until, ""));
    }
    return each;
}

static void scatter(tg_x86 *x, const address *a, LLVMValueRef v) {
    LLVMValueRef pointers = tg_x86_lane_pointers(x, a);
    if (a->align < 4 || !x->machine->has_masks) { /* no such instruction, as for gathers */
        scatter_by_lanes(x, a, pointers, v);
    } else {
        tg_llvm_scatter(x->l, v, pointers, a->align, tg_x86_lane_mask(x, a->mask));
    }
}

void tg_x86_store_scatter(tg_x86 *x, const address *a, LLVMValueRef v) {
    tg_llvm_if otherwise;
    if (!tg_x86_may_be_side_by_side(x, a)) {
        scatter(x, a, v);
        return;
    }
    store_side_by_side(x, a, v, &otherwise);
    address each = each_lane(x, a);
    scatter(x, &each, v);
    tg_llvm_if_close(x->l, &otherwise);
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
