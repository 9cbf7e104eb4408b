/* Quotients of f32 by a divisor that all lanes share.
 *
 * A division of 16 lanes takes ten cycles on Intel's processors with AVX-512 and six on AMD's, a product half of one, or one. Before the loop r = 1 / s,
 * and for each vector
 *
 *   q = e · r,   d = e - q · s  (exact),   e / s = q + d · r  rounded once
 *
 * which is the correctly rounded quotient where nothing is near the ends of the range: P. Markstein, "Computation of elementary functions on
 * the IBM RISC System/6000 processor", 1990. Here 2^-24 <= |s| <= 2^24 and 2^-100 <= |e| <= 2^100, so that q is normal and d is at least
 * 2^-147. The 52 million pairs of mantissas whose quotient lies within 9 / 2s units of the middle between two numbers
 * were tried (the integer s has 24 bits; a part of them are tests/unit/x86/test_quotient.c); the errors of d and r do not reach further.
 *
 * If any lane is outside (zeros too), all are divided. A divisor outside has the lower limit infinity, which no lane reaches. */
#include "targets/x86/ops/ops.h"

#include <math.h>

enum { LANES = 16 };

static const double divisor_least = 0x1p-24, divisor_most = 0x1p24, least = 0x1p-100, most = 0x1p100;

/* What is computed once, where the divisor is. */
typedef struct shared {
    LLVMValueRef divisor, reciprocal, least;
} shared;

bool tg_x86_is_shared_quotient(const tg_x86 *x, const tg_op *op, const tg_axis *vector) {
    return op->opcode == TG_OP_DIV && x->machine->has_masks && tg_result(op, 0)->type->dtype == TG_F32 && vector &&
           tg_type_has_axis(tg_operand(op, 0)->type, vector) && !tg_type_has_axis(tg_operand(op, 1)->type, vector);
}

/* Where what is computed once for the divisor is kept: its frame, or of scalars, whose frame serves many nests, the outermost of this nest. */
static tg_x86_frame *frame_of_divisor(const tg_x86 *x, tg_x86_frame *f, const tg_value *divisor) {
    tg_x86_frame *at = tg_x86_frame_of_value(f, divisor);
    while (at == x->root && f != at && f->parent != at) {
        f = f->parent;
    }
    return at == x->root ? f : at;
}

static shared *shared_of(tg_x86 *x, tg_x86_frame *f, const tg_op *op) {
    tg_value *divisor = tg_operand(op, 1);
    tg_x86_frame *at = frame_of_divisor(x, f, divisor);
    shared *known = tg_map_get(at->memo, op);
    if (known || at == f) {
        return known;
    }
    LLVMBuilderRef b = x->builder;
    tg_x86_place *back = tg_x86_move_to(x, at->place);
    shared out = {.divisor = tg_x86_eval(x, at, divisor).v};
    if (tg_llvm_is_vector(out.divisor)) {
        tg_x86_move_to(x, back);
        return NULL;
    }
    LLVMTypeRef t = x->l->f32;
    LLVMValueRef size = tg_llvm_call1(x->l, "llvm.fabs", out.divisor);
    LLVMValueRef above = LLVMBuildFCmp(b, LLVMRealOGE, size, tg_llvm_real(t, divisor_least), "");
    LLVMValueRef below = LLVMBuildFCmp(b, LLVMRealOLE, size, tg_llvm_real(t, divisor_most), "");
    LLVMValueRef good = LLVMBuildAnd(b, above, below, "");
    out.least = LLVMBuildSelect(b, good, tg_llvm_real(t, least), tg_llvm_real(t, INFINITY), "");
    out.reciprocal = LLVMBuildFDiv(b, tg_llvm_real(t, 1.0), out.divisor, "");
    tg_x86_move_to(x, back);
    known = TG_COPY_ARRAY(x->arena, shared, &out, 1);
    tg_map_set(at->memo, op, known);
    return known;
}

static LLVMValueRef range(tg_x86 *x, LLVMValueRef a, LLVMValueRef c, unsigned which) {
    LLVMValueRef all = tg_llvm_int(LLVMInt16TypeInContext(x->l->context), -1);
    LLVMValueRef args[] = {a, c, tg_llvm_i32(x->l, which), LLVMGetPoison(LLVMTypeOf(a)), all, tg_llvm_i32(x->l, 4)};
    return tg_llvm_call(x->l, "llvm.x86.avx512.mask.range.ps.512", NULL, 0, args, 6);
}

/* Of the numbers among the registers of `v`: the least or the greatest magnitude in each lane; NaN if there are none. */
static LLVMValueRef extreme(tg_x86 *x, LLVMValueRef v, unsigned which) {
    LLVMValueRef first = tg_llvm_slice(x->l, v, 0, LANES), out = range(x, first, first, which);
    for (unsigned i = 1; i < tg_llvm_lanes(v) / LANES; i++) {
        LLVMValueRef part = tg_llvm_slice(x->l, v, i * LANES, LANES);
        out = range(x, i == 1 ? first : out, part, which);
    }
    return out;
}

/* Is a lane outside? NaN is not: its quotient is NaN either way. */
static LLVMValueRef any_outside(tg_x86 *x, LLVMValueRef e, LLVMValueRef lowest) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef low = extreme(x, e, TG_X86_RANGE_ABS_MIN), high = extreme(x, e, TG_X86_RANGE_ABS_MAX);
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealULT, low, tg_llvm_splat(x->l, lowest, LANES), "");
    LLVMValueRef large = LLVMBuildFCmp(b, LLVMRealUGT, high, tg_llvm_splat(x->l, tg_llvm_real(x->l->f32, most), LANES), "");
    LLVMTypeRef bits = LLVMIntTypeInContext(x->l->context, LANES);
    LLVMValueRef any = LLVMBuildBitCast(b, LLVMBuildOr(b, small, large, ""), bits, "");
    return LLVMBuildICmp(b, LLVMIntNE, any, LLVMConstNull(bits), "");
}

void tg_x86_branch_rarely(tg_x86 *x, LLVMValueRef test, LLVMBasicBlockRef rare, LLVMBasicBlockRef usual) {
    LLVMContextRef c = x->l->context;
    LLVMMetadataRef weights[] = {LLVMMDStringInContext2(c, "branch_weights", 14), LLVMValueAsMetadata(tg_llvm_i32(x->l, 1)),
                                 LLVMValueAsMetadata(tg_llvm_i32(x->l, 1000))};
    LLVMValueRef node = LLVMMetadataAsValue(c, LLVMMDNodeInContext2(c, weights, 3));
    LLVMSetMetadata(LLVMBuildCondBr(x->builder, test, rare, usual), LLVMGetMDKindIDInContext(c, "prof", 4), node);
}

static LLVMValueRef quotient(tg_x86 *x, LLVMValueRef e, const shared *s) {
    LLVMBuilderRef b = x->builder;
    unsigned lanes = tg_llvm_lanes(e);
    LLVMValueRef divisor = tg_llvm_splat(x->l, s->divisor, lanes), r = tg_llvm_splat(x->l, s->reciprocal, lanes);
    LLVMBasicBlockRef rare = tg_llvm_block(x->l), usual = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    tg_x86_branch_rarely(x, any_outside(x, e, s->least), rare, usual);
    LLVMPositionBuilderAtEnd(b, rare);
    LLVMValueRef divided = LLVMBuildFDiv(b, e, divisor, "");
    LLVMBuildBr(b, after);
    LLVMPositionBuilderAtEnd(b, usual);
    LLVMValueRef q = LLVMBuildFMul(b, e, r, ""), minus = LLVMBuildFNeg(b, q, "");
    LLVMTypeRef type = LLVMTypeOf(e);
    LLVMValueRef d = tg_llvm_call(x->l, "llvm.fma", &type, 1, (LLVMValueRef[]){minus, divisor, e}, 3);
    LLVMValueRef refined = tg_llvm_call(x->l, "llvm.fma", &type, 1, (LLVMValueRef[]){d, r, q}, 3);
    LLVMBuildBr(b, after);
    LLVMPositionBuilderAtEnd(b, after);
    LLVMValueRef out = LLVMBuildPhi(b, type, "");
    LLVMAddIncoming(out, (LLVMValueRef[]){divided, refined}, (LLVMBasicBlockRef[]){rare, usual}, 2);
    return out;
}

bool tg_x86_eval_shared_quotient(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out) {
    bool f32 = op->opcode == TG_OP_DIV && tg_result(op, 0)->type->dtype == TG_F32;
    if (!f32 || !x->machine->has_masks || x->lanes % LANES || x->eager) {
        return false;
    }
    tg_x86_val e = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 0)));
    const shared *s = tg_llvm_lanes(e.v) == x->lanes ? shared_of(x, f, op) : NULL;
    if (!s) {
        return false;
    }
    *out = (tg_x86_val){quotient(x, e.v, s), NULL, NULL};
    return true;
}
