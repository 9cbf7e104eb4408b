/* Quotients and remainders of indices.
 *
 *   (d + 32) % 64, k / 32, k % 32      lanes that begin at a multiple of their number stay together: the remainder goes on by one from lane to
 *                                      lane, the quotient is one for all
 *   k / 4, (k + 1) % 4                 where the divisor divides the number of lanes, they are in runs: the quotient goes on by one from run to
 *                                      run, the remainder begins anew, a constant; near.c reads what such lanes name
 *   (x + 1) % N                        an index that wraps round leaves [0, N) by less than N: a comparison on each side does
 *   (x + 1) % N, clamp(x, a, b)        in the interior they do not leave [0, N) and [a, b] at all (interior.c) */
#include "dsl/ir/range.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

/* ---- lanes that stay together ------------------------------------------------------------------------------ */

void tg_x86_note_multiple(tg_x86 *x, LLVMValueRef index, LLVMValueRef from) {
    if (!LLVMIsConstant(index) && tg_x86_is_multiple(x, from, x->lanes)) {
        tg_map_set(x->multiples, index, (void *)(uintptr_t)x->lanes);
    }
}

bool tg_x86_is_multiple(const tg_x86 *x, LLVMValueRef v, unsigned of) {
    int64_t c;
    if (tg_llvm_is_const(v, &c)) {
        return c % of == 0;
    }
    if ((uintptr_t)tg_map_get(x->multiples, v) % of == 0 && tg_map_has(x->multiples, v)) {
        return true;
    }
    LLVMOpcode op = LLVMIsAInstruction(v) ? LLVMGetInstructionOpcode(v) : LLVMRet;
    if (op == LLVMAdd || op == LLVMSub) {
        return tg_x86_is_multiple(x, LLVMGetOperand(v, 0), of) && tg_x86_is_multiple(x, LLVMGetOperand(v, 1), of);
    }
    return op == LLVMMul && (tg_x86_is_multiple(x, LLVMGetOperand(v, 0), of) || tg_x86_is_multiple(x, LLVMGetOperand(v, 1), of));
}

/* Lanes that go on by one. */
static bool goes_on(const tg_x86_val *v) {
    int64_t step;
    return v->step && tg_llvm_is_const(v->step, &step) && step == 1;
}

static bool stay_together(const tg_x86 *x, const tg_x86_val *v, const tg_op *op) {
    int64_t by;
    return goes_on(v) && tg_value_const_int(tg_operand(op, 1), &by) && by > 0 && by % x->lanes == 0 && tg_x86_is_multiple(x, v->v, x->lanes);
}

/* A multiple of the number of lanes, and a constant. */
static bool find_rest(const tg_x86 *x, LLVMValueRef v, int64_t *rest) {
    int64_t c;
    *rest = 0;
    if (tg_x86_is_multiple(x, v, x->lanes) || tg_llvm_is_const(v, rest)) {
        return true;
    }
    LLVMOpcode op = LLVMIsAInstruction(v) ? LLVMGetInstructionOpcode(v) : LLVMRet;
    if (op != LLVMAdd && op != LLVMSub) {
        return false;
    }
    bool both = find_rest(x, LLVMGetOperand(v, 0), rest) && find_rest(x, LLVMGetOperand(v, 1), &c);
    return both && !(op == LLVMAdd ? __builtin_add_overflow(*rest, c, rest) : __builtin_sub_overflow(*rest, c, rest));
}

static bool are_runs(const tg_x86 *x, const tg_x86_val *v, const tg_op *op, int64_t *by, int64_t *rest) {
    enum { NEAR = 1 << 20 };
    bool runs = goes_on(v) && tg_value_const_int(tg_operand(op, 1), by) && *by > 0 && *by < x->lanes && x->lanes % *by == 0;
    return runs && find_rest(x, v->v, rest) && *rest > -NEAR && *rest < NEAR;
}

/* Of m + rest, m + rest + 1 …, m a multiple of the number of lanes. */
static LLVMValueRef in_runs(tg_x86 *x, LLVMValueRef first, int64_t by, int64_t rest, bool rem) {
    LLVMValueRef lane[64], d = tg_llvm_i64(x->l, by);
    for (unsigned i = 0; i < x->lanes; i++) {
        int64_t at = rest + i, mod = (at % by + by) % by;
        lane[i] = tg_llvm_i64(x->l, rem ? mod : (at - mod) / by);
    }
    LLVMValueRef lanes = LLVMConstVector(lane, x->lanes);
    if (rem) {
        return lanes;
    }
    LLVMValueRef m = LLVMBuildSub(x->builder, first, tg_llvm_i64(x->l, rest), "");
    return LLVMBuildAdd(x->builder, tg_llvm_splat(x->l, LLVMBuildExactSDiv(x->builder, m, d, ""), x->lanes), lanes, "");
}

/* ---- indices that wrap round -------------------------------------------------------------------------------- */

static bool proves(tg_x86 *x, const tg_facts *facts, const tg_affine *a, int64_t scale, const tg_affine *b, int64_t plus) {
    tg_affine sum;
    tg_affine_init(&sum, x->arena, plus);
    return tg_affine_add(&sum, a, scale) && (!b || tg_affine_add(&sum, b, 1)) && tg_prove_nonneg(x->arena, facts, &sum);
}

/* -n <= v < 2 n, for n > 0. v % 0 is v, which the comparisons give as well. */
static bool wraps_once(tg_x86 *x, const tg_op *op) {
    tg_affine v, n, twice, positive;
    tg_facts facts = {.arena = x->arena};
    bool affine = tg_operand(op, 1)->type->n_axes == 0 && tg_affine_of(x->arena, tg_operand(op, 0), &v) &&
                  tg_affine_of(x->arena, tg_operand(op, 1), &n) && proves(x, NULL, &n, 1, NULL, 0);
    if (!affine) {
        return false;
    }
    tg_affine_copy(x->arena, &n, &positive);
    positive.constant--;
    tg_vec_push(x->arena, &facts.nonneg, positive);
    tg_affine_init(&twice, x->arena, 0);
    return tg_affine_add(&twice, &n, 2) && proves(x, &facts, &v, 1, &n, 0) && proves(x, &facts, &v, -1, &twice, -1);
}

static tg_x86_val wrapped(tg_x86 *x, tg_x86_val index, LLVMValueRef n) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef v = tg_x86_plain(x, index).v, zero = LLVMConstNull(LLVMTypeOf(v));
    n = tg_llvm_splat(x->l, n, tg_llvm_lanes(v));
    LLVMValueRef below = LLVMBuildICmp(b, LLVMIntSLT, v, zero, ""), above = LLVMBuildICmp(b, LLVMIntSGE, v, n, "");
    LLVMValueRef moved = LLVMBuildSelect(b, below, LLVMBuildAdd(b, v, n, ""), v, "");
    return (tg_x86_val){LLVMBuildSelect(b, above, LLVMBuildSub(b, v, n, ""), moved, ""), NULL, NULL};
}

bool tg_x86_eval_clamped(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out) {
    bool limits = op->opcode == TG_OP_MIN || op->opcode == TG_OP_MAX;
    const tg_x86_boxed *box = limits ? tg_x86_box_of(x, op, 0) : NULL;
    if (box) {
        *out = tg_x86_eval(x, f, box->free);
    }
    return box != NULL;
}

bool tg_x86_eval_quotient(tg_x86 *x, tg_x86_frame *f, tg_op *op, tg_x86_val *out) {
    bool rem = op->opcode == TG_OP_REM;
    if ((!rem && op->opcode != TG_OP_DIV) || tg_result(op, 0)->type->dtype != TG_I64 || tg_operand(op, 1)->type->n_axes > 0) {
        return false;
    }
    *out = tg_x86_eval(x, f, tg_operand(op, 0));
    if (rem && tg_x86_is_boxed(x, op, 0)) {
        return true;
    }
    LLVMValueRef by = tg_x86_eval(x, f, tg_operand(op, 1)).v;
    if (stay_together(x, out, op)) {
        LLVMValueRef c[] = {out->v, by};
        tg_x86_val first[] = {{c[0], NULL, NULL}, {c[1], NULL, NULL}};
        tg_dtype types[] = {TG_I64, TG_I64};
        LLVMValueRef step = rem ? out->step : NULL;
        *out = tg_x86_apply(x, op, TG_I64, types, first, 2);
        out->step = step;
        return true;
    }
    int64_t c, rest;
    if (are_runs(x, out, op, &c, &rest)) {
        *out = (tg_x86_val){in_runs(x, out->v, c, rest, rem), NULL, NULL};
        return true;
    }
    bool power = tg_value_const_int(tg_operand(op, 1), &c) && c > 0 && (c & (c - 1)) == 0;
    if (!rem || power || !wraps_once(x, op)) {
        return false;
    }
    *out = wrapped(x, *out, by);
    return true;
}
