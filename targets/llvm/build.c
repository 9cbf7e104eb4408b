/* Small builders over LLVM-C: constants, vectors, memory operations, counted loops. Constants fold as they are built. */
#include "targets/llvm/llvm.h"

#include <string.h>

LLVMTypeRef tg_llvm_wide(LLVMTypeRef element, unsigned lanes) {
    return lanes > 1 ? LLVMVectorType(element, lanes) : element;
}

bool tg_llvm_is_vector(LLVMValueRef v) {
    return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
}

unsigned tg_llvm_lanes(LLVMValueRef v) {
    return tg_llvm_is_vector(v) ? LLVMGetVectorSize(LLVMTypeOf(v)) : 1;
}

LLVMTypeRef tg_llvm_like(LLVMTypeRef element, LLVMValueRef shape) {
    return tg_llvm_wide(element, tg_llvm_lanes(shape));
}

static LLVMValueRef splat_const(LLVMValueRef c, unsigned lanes) {
    LLVMValueRef all[64];
    for (unsigned i = 0; i < lanes; i++) {
        all[i] = c;
    }
    return LLVMConstVector(all, lanes);
}

LLVMValueRef tg_llvm_int(LLVMTypeRef type, int64_t v) {
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) {
        return splat_const(LLVMConstInt(LLVMGetElementType(type), (uint64_t)v, 1), LLVMGetVectorSize(type));
    }
    return LLVMConstInt(type, (uint64_t)v, 1);
}

LLVMValueRef tg_llvm_i64(tg_llvm *l, int64_t v) {
    return LLVMConstInt(l->i64, (uint64_t)v, 1);
}

LLVMValueRef tg_llvm_i32(tg_llvm *l, int64_t v) {
    return LLVMConstInt(l->i32, (uint64_t)v, 1);
}

LLVMValueRef tg_llvm_real(LLVMTypeRef type, double v) {
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) {
        return splat_const(LLVMConstReal(LLVMGetElementType(type), v), LLVMGetVectorSize(type));
    }
    return LLVMConstReal(type, v);
}

bool tg_llvm_is_const(LLVMValueRef v, int64_t *out) {
    if (!LLVMIsAConstantInt(v)) {
        return false;
    }
    *out = LLVMConstIntGetSExtValue(v);
    return true;
}

LLVMValueRef tg_llvm_splat(tg_llvm *l, LLVMValueRef v, unsigned lanes) {
    if (lanes <= 1 || tg_llvm_is_vector(v)) {
        return v;
    }
    if (LLVMIsConstant(v)) {
        return splat_const(v, lanes);
    }
    LLVMValueRef poison = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(v), lanes));
    LLVMValueRef first = LLVMBuildInsertElement(l->builder, poison, v, tg_llvm_i32(l, 0), "");
    return LLVMBuildShuffleVector(l->builder, first, poison, splat_const(tg_llvm_i32(l, 0), lanes), "");
}

LLVMValueRef tg_llvm_splatted(LLVMValueRef v) {
    int64_t place;
    LLVMValueRef first = LLVMIsAShuffleVectorInst(v) ? LLVMGetOperand(v, 0) : NULL;
    bool splat = first && LLVMIsAInsertElementInst(first) && tg_llvm_is_const(LLVMGetOperand(first, 2), &place) && place == 0;
    for (unsigned i = 0; splat && i < tg_llvm_lanes(v); i++) {
        splat = LLVMGetMaskValue(v, i) == 0;
    }
    return splat ? LLVMGetOperand(first, 1) : NULL;
}

LLVMValueRef tg_llvm_lane_ids(tg_llvm *l, unsigned lanes) {
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < lanes; i++) {
        ids[i] = tg_llvm_i64(l, i);
    }
    return lanes > 1 ? LLVMConstVector(ids, lanes) : ids[0];
}

enum { MOST_LANES = 128 };

LLVMValueRef tg_llvm_shuffle(tg_llvm *l, LLVMValueRef a, LLVMValueRef b, const unsigned *pick, unsigned n) {
    LLVMValueRef ids[MOST_LANES];
    for (unsigned i = 0; i < n; i++) {
        ids[i] = tg_llvm_i32(l, pick[i]);
    }
    return LLVMBuildShuffleVector(l->builder, a, b, LLVMConstVector(ids, n), "");
}

static LLVMValueRef run_of(tg_llvm *l, LLVMValueRef a, LLVMValueRef b, unsigned from, unsigned n) {
    unsigned pick[MOST_LANES];
    for (unsigned i = 0; i < n; i++) {
        pick[i] = from + i;
    }
    return tg_llvm_shuffle(l, a, b, pick, n);
}

LLVMValueRef tg_llvm_slice(tg_llvm *l, LLVMValueRef v, unsigned from, unsigned n) {
    return run_of(l, v, LLVMGetPoison(LLVMTypeOf(v)), from, n);
}

LLVMValueRef tg_llvm_beside(tg_llvm *l, LLVMValueRef *part, unsigned n) {
    for (; n > 1; n /= 2) {
        for (unsigned i = 0; i < n / 2; i++) {
            part[i] = run_of(l, part[2 * i], part[2 * i + 1], 0, 2 * tg_llvm_lanes(part[2 * i]));
        }
    }
    return part[0];
}

LLVMValueRef tg_llvm_gep(tg_llvm *l, LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index) {
    return LLVMBuildGEP2(l->builder, element, base, &index, 1, "");
}

LLVMValueRef tg_llvm_load(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align) {
    LLVMValueRef v = LLVMBuildLoad2(l->builder, type, at, "");
    LLVMSetAlignment(v, align);
    return v;
}

LLVMValueRef tg_llvm_store(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align) {
    LLVMValueRef s = LLVMBuildStore(l->builder, v, at);
    LLVMSetAlignment(s, align);
    return s;
}

LLVMValueRef tg_llvm_call(tg_llvm *l, const char *name, LLVMTypeRef *types, unsigned n_types, LLVMValueRef *args,
                          unsigned n_args) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef f = LLVMGetIntrinsicDeclaration(l->module, id, types, n_types);
    return LLVMBuildCall2(l->builder, LLVMGlobalGetValueType(f), f, args, n_args, "");
}

LLVMValueRef tg_llvm_call1(tg_llvm *l, const char *name, LLVMValueRef a) {
    LLVMTypeRef t = LLVMTypeOf(a);
    return tg_llvm_call(l, name, &t, 1, &a, 1);
}

LLVMValueRef tg_llvm_call2(tg_llvm *l, const char *name, LLVMValueRef a, LLVMValueRef b) {
    LLVMTypeRef t = LLVMTypeOf(a);
    return tg_llvm_call(l, name, &t, 1, (LLVMValueRef[]){a, b}, 2);
}

static void prefetch(tg_llvm *l, LLVMValueRef p, uint32_t write, uint32_t locality) {
    enum { DATA = 1 };
    LLVMValueRef args[] = {p, tg_llvm_i32(l, write), tg_llvm_i32(l, locality), tg_llvm_i32(l, DATA)};
    tg_llvm_call(l, "llvm.prefetch", &l->ptr, 1, args, 4);
}

void tg_llvm_prefetch(tg_llvm *l, LLVMValueRef p, uint32_t locality) {
    prefetch(l, p, 0, locality);
}

void tg_llvm_prefetch_written(tg_llvm *l, LLVMValueRef p) {
    prefetch(l, p, 1, 3);
}

LLVMValueRef tg_llvm_call3(tg_llvm *l, const char *name, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    LLVMTypeRef t = LLVMTypeOf(a);
    return tg_llvm_call(l, name, &t, 1, (LLVMValueRef[]){a, b, c}, 3);
}

/* LLVM 22 takes the alignment of masked accesses from an attribute of the pointer argument. */
static void set_align(tg_llvm *l, LLVMValueRef call, unsigned argument, unsigned align) {
    unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
    LLVMAddCallSiteAttribute(call, argument + 1, LLVMCreateEnumAttribute(l->context, kind, align));
}

/* The number of lanes if a mask is known to be that of the first ones; -1 if not. */
static int known_lanes(LLVMValueRef mask) {
    unsigned all = LLVMGetVectorSize(LLVMTypeOf(mask)), n = 0;
    bool ended = false;
    for (unsigned i = 0; i < all; i++) {
        LLVMValueRef e = LLVMIsAConstant(mask) ? LLVMGetAggregateElement(mask, i) : NULL;
        if (!e || !LLVMIsAConstantInt(e) || (ended && LLVMConstIntGetZExtValue(e))) {
            return -1;
        }
        ended = LLVMConstIntGetZExtValue(e) == 0;
        n += !ended;
    }
    return (int)n;
}

static unsigned bits_of(LLVMTypeRef element) {
    LLVMTypeKind kind = LLVMGetTypeKind(element);
    return kind == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(element) : kind == LLVMDoubleTypeKind ? 64 : kind == LLVMFloatTypeKind ? 32 : 16;
}

static bool is_power_of_two(int n) {
    return n > 0 && (n & (n - 1)) == 0;
}

/* The first `n` lanes of v; in wider vectors what follows them is zero. */
static LLVMValueRef resized(tg_llvm *l, LLVMValueRef v, unsigned n) {
    unsigned have = LLVMGetVectorSize(LLVMTypeOf(v));
    LLVMValueRef lanes[64];
    for (unsigned i = 0; i < n; i++) {
        lanes[i] = tg_llvm_i32(l, i < have ? i : have);
    }
    return LLVMBuildShuffleVector(l->builder, v, LLVMConstNull(LLVMTypeOf(v)), LLVMConstVector(lanes, n), "");
}

/* Known lanes are a shorter vector: masked accesses cost more, and stores of AVX2 much more. */
LLVMValueRef tg_llvm_masked_load(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align, LLVMValueRef mask) {
    int n = known_lanes(mask);
    if (is_power_of_two(n)) {
        LLVMTypeRef few = LLVMVectorType(LLVMGetElementType(type), (unsigned)n);
        return resized(l, tg_llvm_load(l, few, at, align), LLVMGetVectorSize(type));
    }
    LLVMValueRef args[] = {at, mask, LLVMConstNull(type)};
    LLVMValueRef v = tg_llvm_call(l, "llvm.masked.load", (LLVMTypeRef[]){type, l->ptr}, 2, args, 3);
    set_align(l, v, 0, align);
    return v;
}

void tg_llvm_masked_store(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align, LLVMValueRef mask) {
    enum { CHEAP_MASKS = 512 }; /* bits of a vector */
    LLVMTypeRef type = LLVMTypeOf(v), types[] = {type, l->ptr};
    int n = known_lanes(mask);
    bool wide = LLVMGetVectorSize(type) * bits_of(LLVMGetElementType(type)) >= CHEAP_MASKS;
    if (n == 0) {
        return;
    }
    if (is_power_of_two(n) || (n > 0 && !wide)) {
        tg_llvm_store(l, resized(l, v, (unsigned)n), at, align);
        return;
    }
    set_align(l, tg_llvm_call(l, "llvm.masked.store", types, 2, (LLVMValueRef[]){v, at, mask}, 3), 1, align);
}

LLVMValueRef tg_llvm_gather(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align, LLVMValueRef mask) {
    LLVMTypeRef types[] = {type, LLVMTypeOf(at)};
    LLVMValueRef v = tg_llvm_call(l, "llvm.masked.gather", types, 2, (LLVMValueRef[]){at, mask, LLVMConstNull(type)}, 3);
    set_align(l, v, 0, align);
    return v;
}

void tg_llvm_scatter(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align, LLVMValueRef mask) {
    LLVMTypeRef types[] = {LLVMTypeOf(v), LLVMTypeOf(at)};
    set_align(l, tg_llvm_call(l, "llvm.masked.scatter", types, 2, (LLVMValueRef[]){v, at, mask}, 3), 1, align);
}

void tg_llvm_take_back(LLVMValueRef v) {
    if (LLVMIsAInstruction(v) && !LLVMGetFirstUse(v)) {
        LLVMInstructionEraseFromParent(v);
    }
}

static LLVMValueRef pick(tg_llvm *l, LLVMIntPredicate pred, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(l->builder, LLVMBuildICmp(l->builder, pred, a, b, ""), a, b, "");
}

LLVMValueRef tg_llvm_min64(tg_llvm *l, LLVMValueRef a, LLVMValueRef b) {
    return pick(l, LLVMIntSLT, a, b);
}

LLVMValueRef tg_llvm_max64(tg_llvm *l, LLVMValueRef a, LLVMValueRef b) {
    return pick(l, LLVMIntSGT, a, b);
}

LLVMValueRef tg_llvm_ceil_div(tg_llvm *l, LLVMValueRef a, LLVMValueRef b) {
    LLVMValueRef one = LLVMConstInt(LLVMTypeOf(b), 1, 0);
    LLVMValueRef up = LLVMBuildAdd(l->builder, a, LLVMBuildSub(l->builder, b, one, ""), "");
    return LLVMBuildUDiv(l->builder, up, b, "");
}

LLVMBasicBlockRef tg_llvm_block(tg_llvm *l) {
    LLVMValueRef f = LLVMGetBasicBlockParent(LLVMGetInsertBlock(l->builder));
    return LLVMAppendBasicBlockInContext(l->context, f, "");
}

LLVMValueRef tg_llvm_loop_open(tg_llvm *l, tg_llvm_loop *loop, LLVMValueRef from, LLVMValueRef until,
                               LLVMValueRef step) {
    loop->before = LLVMGetInsertBlock(l->builder);
    loop->body = tg_llvm_block(l);
    loop->from = from;
    loop->until = until;
    loop->step = step;
    loop->may_wrap = false;
    LLVMPositionBuilderAtEnd(l->builder, loop->body);
    loop->index = LLVMBuildPhi(l->builder, l->i64, "");
    return loop->index;
}


void tg_llvm_loop_close(tg_llvm *l, tg_llvm_loop *loop) {
    LLVMBasicBlockRef last = LLVMGetInsertBlock(l->builder);
    LLVMBasicBlockRef after = tg_llvm_block(l);
    LLVMValueRef next = LLVMBuildNSWAdd(l->builder, loop->index, loop->step, "");
    LLVMValueRef more = loop->may_wrap ? LLVMBuildICmp(l->builder, LLVMIntSLT, loop->step, LLVMBuildSub(l->builder, loop->until, loop->index, ""), "")
                                       : LLVMBuildICmp(l->builder, LLVMIntSLT, next, loop->until, "");
    LLVMBuildCondBr(l->builder, more, loop->body, after);
    LLVMPositionBuilderAtEnd(l->builder, loop->before);
    LLVMValueRef any = LLVMBuildICmp(l->builder, LLVMIntSLT, loop->from, loop->until, "");
    LLVMBuildCondBr(l->builder, any, loop->body, after);
    LLVMAddIncoming(loop->index, (LLVMValueRef[]){loop->from, next}, (LLVMBasicBlockRef[]){loop->before, last}, 2);
    LLVMPositionBuilderAtEnd(l->builder, after);
}

void tg_llvm_if_open(tg_llvm *l, tg_llvm_if *c, LLVMValueRef test) {
    LLVMBasicBlockRef yes = tg_llvm_block(l);
    c->no = tg_llvm_block(l);
    c->after = NULL;
    c->has_else = false;
    LLVMBuildCondBr(l->builder, test, yes, c->no);
    LLVMPositionBuilderAtEnd(l->builder, yes);
}

void tg_llvm_if_else(tg_llvm *l, tg_llvm_if *c) {
    c->after = tg_llvm_block(l);
    c->has_else = true;
    LLVMBuildBr(l->builder, c->after);
    LLVMPositionBuilderAtEnd(l->builder, c->no);
}

void tg_llvm_if_close(tg_llvm *l, tg_llvm_if *c) {
    LLVMBasicBlockRef to = c->has_else ? c->after : c->no;
    LLVMBuildBr(l->builder, to);
    LLVMPositionBuilderAtEnd(l->builder, to);
}
