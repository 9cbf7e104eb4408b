/* Accumulators of reductions, scans and generic dots. They live in stack slots, which the compiler's first pass turns
 * into registers; that keeps loops of any depth simple. A root has one accumulator per component: one, two for complex
 * numbers and for argmin/argmax (value, index), n for a reduction by a function.
 *
 * Reductions of f16 and bf16 accumulate in f32 and round once.
 *
 * The greatest (least) of floats is NaN if one of them is. In lanes that is kept apart, as maxps itself loses NaN:
 *
 *     m = m > v ? m : v               one instruction; what it does with NaN does not matter
 *     flags |= v unordered with w     one test for the values of two vectors, where these end up in one result
 *     at the end: flags ? NaN : m
 *
 * Where it does not matter what it is then (`nnan`), the first is all. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

#include <math.h>

enum { MAX_PARTS = 16 };

struct tg_x86_acc {
    tg_x86_root *root;
    uint32_t n;
    unsigned lanes;
    tg_dtype dtype[MAX_PARTS]; /* of the slots */
    LLVMValueRef slot[MAX_PARTS];
    LLVMTypeRef type[MAX_PARTS];
    bool complex;
    bool of_twin; /* the first slot is another's, which steps and ends up right for both */
    bool flagged; /* slots: extreme of what is a number, flags of NaN */
    tg_x86_acc *owner; /* of the flags */
    struct { LLVMValueRef value, flags; LLVMBasicBlockRef block; } alone; /* the value tested last, if for itself; the flags before */
};

static tg_enum fn_of(const tg_op *op) {
    return op->opcode == TG_OP_DOT ? TG_FN_ADD : tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE);
}

static bool is_arg(tg_enum fn) {
    return fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX;
}

static bool by_function(const tg_op *op) {
    return op->opcode == TG_OP_REDUCE_FN || op->opcode == TG_OP_SCAN_FN;
}

static LLVMValueRef extreme(tg_x86 *x, tg_dtype t, bool greatest) {
    LLVMTypeRef type = tg_x86_reg_type(x, t);
    if (tg_dtype_is_float(t)) {
        return LLVMConstReal(type, greatest ? INFINITY : -INFINITY);
    }
    int bits = tg_dtype_bits(t);
    if (t == TG_BOOL) {
        return LLVMConstInt(type, greatest, 0);
    }
    if (tg_dtype_kind_of(t) == TG_KIND_UINT) {
        return LLVMConstInt(type, greatest ? ~0ULL : 0, 0);
    }
    uint64_t least = 1ULL << (bits - 1);
    return LLVMConstInt(type, greatest ? least - 1 : ~(least - 1), 1);
}

static LLVMValueRef identity(tg_x86 *x, tg_enum fn, tg_dtype t) {
    LLVMTypeRef type = tg_x86_reg_type(x, t);
    switch ((int)fn) {
    case TG_FN_MUL:
        return tg_dtype_is_float(t) || tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? LLVMConstReal(type, 1.0) : LLVMConstInt(type, 1, 0);
    case TG_FN_MIN:
    case TG_FN_ARGMIN:
        return extreme(x, t, true);
    case TG_FN_MAX:
    case TG_FN_ARGMAX:
        return extreme(x, t, false);
    case TG_FN_AND:
        return LLVMConstAllOnes(type);
    default:
        return LLVMConstNull(type);
    }
}

static void add_part(tg_x86 *x, tg_x86_acc *a, tg_dtype t, LLVMValueRef init) {
    if (a->n == MAX_PARTS) {
        tg_x86_refuse(x, a->root->op, "has too many components");
    }
    uint32_t i = a->n++;
    a->dtype[i] = t;
    a->type[i] = tg_llvm_wide(tg_x86_reg_type(x, t), a->lanes);
    a->slot[i] = tg_x86_alloca(x, a->type[i]);
    LLVMBuildStore(x->builder, tg_llvm_splat(x->l, init, a->lanes), a->slot[i]);
}

/* Do its points fit 32 bits? A vector of 64-bit places is two registers. */
static bool is_short(const tg_axis *a) {
    int64_t extent = a->extent;
    return (extent >= 0 || (a->binder && a->binder->n_operands > 0 && tg_value_const_int(tg_operand(a->binder, 0), &extent))) && extent <= INT32_MAX;
}

/* Where the extreme is. Points come in increasing order, so that only a better one replaces it; if all are as bad as can be, it is the
 * first one. */
static void add_position(tg_x86 *x, tg_x86_acc *a) {
    const tg_axis *over = tg_op_attr(a->root->op, TG_ATTR_OVER)->axes[0];
    const tg_x86_range *r = &x->ranges[over->rank];
    tg_dtype t = is_short(over) ? TG_I32 : TG_I64;
    LLVMValueRef some = LLVMBuildICmp(x->builder, LLVMIntSGT, r->size, tg_llvm_i64(x->l, 0), "");
    LLVMValueRef first = LLVMBuildSelect(x->builder, some, r->first, tg_llvm_i64(x->l, -1), "");
    add_part(x, a, t, LLVMBuildTrunc(x->builder, first, tg_x86_reg_type(x, t), ""));
}

static tg_dtype widened(tg_dtype t) {
    return t == TG_F16 || t == TG_BF16 ? TG_F32 : t;
}

static bool needs_flags(const tg_x86_acc *a, tg_enum fn, tg_dtype t) {
    bool shown = !tg_op_flag(a->root->op, TG_ATTR_NNAN);
    return shown && a->root->kind == TG_X86_ROOT_REDUCE && a->lanes > 1 && tg_dtype_is_float(t) && (fn == TG_FN_MIN || fn == TG_FN_MAX);
}

tg_x86_acc *tg_x86_acc_open(tg_x86 *x, tg_x86_root *r, unsigned lanes, tg_x86_frame *f) {
    tg_op *op = r->op;
    tg_x86_acc *a = TG_NEW(x->arena, tg_x86_acc);
    a->root = r;
    a->owner = a;
    a->lanes = lanes;
    if (by_function(op)) {
        for (uint32_t i = 0; i < op->n_results; i++) {
            tg_value *id = tg_operand(op, i);
            add_part(x, a, tg_result(op, i)->type->dtype, tg_x86_eval(x, f, id).v);
        }
        return a;
    }
    tg_dtype t = op->opcode == TG_OP_DOT ? tg_result(op, 0)->type->dtype : tg_operand(op, 0)->type->dtype;
    tg_enum fn = fn_of(op);
    a->complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    tg_dtype real = tg_dtype_real(t);
    add_part(x, a, widened(real), identity(x, fn, real));
    if (a->complex) {
        add_part(x, a, real, LLVMConstNull(tg_x86_reg_type(x, real)));
    }
    if (is_arg(fn)) {
        add_position(x, a);
    }
    a->flagged = needs_flags(a, fn, t);
    if (a->flagged) {
        tg_dtype flag = t == TG_F64 ? TG_I64 : TG_I32;
        add_part(x, a, flag, LLVMConstNull(tg_x86_reg_type(x, flag)));
    }
    return a;
}

bool tg_x86_acc_has_extreme(const tg_op *place, const tg_op *extreme) {
    bool reduce = place->opcode == TG_OP_REDUCE && extreme->opcode == TG_OP_REDUCE && tg_operand(place, 0) == tg_operand(extreme, 0);
    const tg_attr *p = reduce ? tg_op_attr(place, TG_ATTR_OVER) : NULL, *e = reduce ? tg_op_attr(extreme, TG_ATTR_OVER) : NULL;
    tg_enum fn = reduce ? fn_of(extreme) : TG_ENUM_NONE;
    bool fits = (fn == TG_FN_MAX && fn_of(place) == TG_FN_ARGMAX) || (fn == TG_FN_MIN && fn_of(place) == TG_FN_ARGMIN);
    return fits && p->n_axes == 1 && e->n_axes == 1 && p->axes[0] == e->axes[0];
}

tg_x86_acc *tg_x86_acc_extreme(tg_x86 *x, tg_x86_root *r, const tg_x86_acc *place) {
    tg_x86_acc *a = TG_NEW(x->arena, tg_x86_acc);
    *a = (tg_x86_acc){.root = r, .lanes = place->lanes, .n = 1, .of_twin = true};
    a->owner = a;
    a->dtype[0] = place->dtype[0];
    a->type[0] = place->type[0];
    a->slot[0] = place->slot[0];
    return a;
}

void tg_x86_acc_share(tg_x86_acc *a, tg_x86_acc *with) {
    if (a->flagged) {
        a->owner = with;
        a->slot[1] = with->slot[1];
    }
}

/* ---- combining ---------------------------------------------------------------------------------------- */

static LLVMValueRef select(tg_x86 *x, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(x->builder, c, a, b, "");
}

/* Is (v, i) a better extreme than (w, k)? NaN beats all, ties go to the lesser index, index -1 is "none yet". */
static LLVMValueRef is_better(tg_x86 *x, tg_enum fn, tg_dtype t, LLVMValueRef v, LLVMValueRef i, LLVMValueRef w, LLVMValueRef k) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef wins = tg_x86_compare(x, fn == TG_FN_ARGMAX ? TG_GT : TG_LT, t, v, w);
    LLVMValueRef tie = tg_x86_compare(x, TG_EQ, t, v, w);
    if (tg_dtype_is_float(t)) {
        LLVMValueRef vn = LLVMBuildFCmp(b, LLVMRealUNO, v, v, ""), wn = LLVMBuildFCmp(b, LLVMRealUNO, w, w, "");
        wins = LLVMBuildOr(b, wins, LLVMBuildAnd(b, vn, LLVMBuildNot(b, wn, ""), ""), "");
        tie = LLVMBuildOr(b, tie, LLVMBuildAnd(b, vn, wn, ""), "");
    }
    wins = LLVMBuildOr(b, wins, LLVMBuildAnd(b, tie, LLVMBuildICmp(b, LLVMIntSLT, i, k, ""), ""), "");
    LLVMValueRef none = tg_llvm_int(LLVMTypeOf(i), -1);
    LLVMValueRef first = LLVMBuildICmp(b, LLVMIntEQ, k, none, "");
    return LLVMBuildAnd(b, LLVMBuildOr(b, first, wins, ""), LLVMBuildICmp(b, LLVMIntNE, i, none, ""), "");
}

static void combine_complex(tg_x86 *x, tg_enum fn, LLVMValueRef *acc, LLVMValueRef *v, LLVMValueRef *out) {
    LLVMBuilderRef b = x->builder;
    if (fn == TG_FN_ADD) {
        out[0] = LLVMBuildFAdd(b, acc[0], v[0], "");
        out[1] = LLVMBuildFAdd(b, acc[1], v[1], "");
        return;
    }
    LLVMValueRef rr = LLVMBuildFMul(b, acc[0], v[0], ""), ii = LLVMBuildFMul(b, acc[1], v[1], "");
    LLVMValueRef ri = LLVMBuildFMul(b, acc[0], v[1], ""), ir = LLVMBuildFMul(b, acc[1], v[0], "");
    out[0] = LLVMBuildFSub(b, rr, ii, "");
    out[1] = LLVMBuildFAdd(b, ri, ir, "");
}

static LLVMValueRef extreme_of(tg_x86 *x, tg_enum fn, LLVMValueRef a, LLVMValueRef b) {
    return select(x, LLVMBuildFCmp(x->builder, fn == TG_FN_MAX ? LLVMRealOGT : LLVMRealOLT, a, b, ""), a, b);
}

static void combine(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef *acc, LLVMValueRef *v, LLVMValueRef *out) {
    static const tg_opcode ops[] = {TG_OP_ADD, TG_OP_MUL, TG_OP_MIN, TG_OP_MAX, TG_OP_AND, TG_OP_OR, TG_OP_XOR};
    tg_op *op = a->root->op;
    if (by_function(op)) {
        tg_x86_val args[2 * MAX_PARTS], res[MAX_PARTS];
        for (uint32_t i = 0; i < a->n; i++) {
            args[i] = (tg_x86_val){acc[i], NULL, NULL};
            args[a->n + i] = (tg_x86_val){v[i], NULL, NULL};
        }
        tg_x86_inline_region(x, &op->regions[0], args, res, NULL);
        for (uint32_t i = 0; i < a->n; i++) {
            out[i] = res[i].v;
        }
        return;
    }
    tg_enum fn = fn_of(op);
    if (a->flagged) {
        out[0] = extreme_of(x, fn, acc[0], v[0]);
        out[1] = LLVMBuildOr(x->builder, acc[1], v[1], "");
    } else if (tg_op_flag(op, TG_ATTR_NNAN)) {
        out[0] = extreme_of(x, fn, acc[0], v[0]);
    } else if (is_arg(fn)) {
        LLVMValueRef better = is_better(x, fn, a->dtype[0], v[0], v[1], acc[0], acc[1]);
        out[0] = select(x, better, v[0], acc[0]);
        out[1] = select(x, better, v[1], acc[1]);
    } else if (a->complex) {
        combine_complex(x, fn, acc, v, out);
    } else {
        out[0] = tg_x86_binary(x, ops[fn - TG_FN_ADD], a->dtype[0], acc[0], v[0]);
    }
}

static void load_parts(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef *out) {
    for (uint32_t i = 0; i < a->n; i++) {
        out[i] = LLVMBuildLoad2(x->builder, a->type[i], a->slot[i], "");
    }
}

static void store_parts(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef *v, LLVMValueRef *old, LLVMValueRef mask) {
    for (uint32_t i = 0; i < a->n; i++) {
        LLVMValueRef r = tg_llvm_splat(x->l, v[i], a->lanes);
        r = mask ? select(x, tg_llvm_splat(x->l, mask, a->lanes), r, old[i]) : r;
        LLVMBuildStore(x->builder, r, a->slot[i]);
    }
}

/* ---- one point ------------------------------------------------------------------------------------------ */

static LLVMValueRef wide_operand(tg_x86 *x, const tg_x86_acc *a, tg_x86_frame *f, tg_value *v) {
    tg_x86_val val = tg_x86_plain(x, tg_x86_eval(x, f, v));
    tg_dtype from = v->type->dtype;
    bool is_float = tg_dtype_is_float(from);
    LLVMValueRef w = is_float && a->dtype[0] != TG_F64 ? val.v : tg_x86_convert(x, val.v, from, a->dtype[0]);
    return tg_llvm_splat(x->l, w, a->lanes);
}

static LLVMValueRef multiply_add(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef p, LLVMValueRef q, LLVMValueRef sum) {
    LLVMBuilderRef b = x->builder;
    if (!tg_dtype_is_float(a->dtype[0])) {
        return LLVMBuildAdd(b, sum, LLVMBuildMul(b, p, q, ""), "");
    }
    return x->machine->has_fma ? tg_llvm_call3(x->l, "llvm.fma", p, q, sum)
                               : LLVMBuildFAdd(b, sum, LLVMBuildFMul(b, p, q, ""), "");
}

static void step_dot(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    tg_op *op = a->root->op;
    LLVMValueRef acc[MAX_PARTS], out[MAX_PARTS];
    load_parts(x, a, acc);
    if (a->complex) {
        tg_x86_val p = tg_x86_eval(x, f, tg_operand(op, 0)), q = tg_x86_eval(x, f, tg_operand(op, 1));
        LLVMValueRef pr = tg_llvm_splat(x->l, p.v, a->lanes), pi = tg_llvm_splat(x->l, p.im, a->lanes);
        LLVMValueRef qr = tg_llvm_splat(x->l, q.v, a->lanes), qi = tg_llvm_splat(x->l, q.im, a->lanes);
        out[0] = multiply_add(x, a, pr, qr, acc[0]);
        out[0] = multiply_add(x, a, LLVMBuildFNeg(x->builder, pi, ""), qi, out[0]);
        out[1] = multiply_add(x, a, pi, qr, multiply_add(x, a, pr, qi, acc[1]));
    } else {
        LLVMValueRef p = wide_operand(x, a, f, tg_operand(op, 0)), q = wide_operand(x, a, f, tg_operand(op, 1));
        out[0] = multiply_add(x, a, p, q, acc[0]);
    }
    store_parts(x, a, out, acc, f->mask);
}

static void operands_at(tg_x86 *x, const tg_x86_acc *a, tg_x86_frame *f, LLVMValueRef *v) {
    tg_op *op = a->root->op;
    if (by_function(op)) {
        for (uint32_t i = 0; i < a->n; i++) {
            v[i] = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, a->n + i))).v;
            v[i] = tg_llvm_splat(x->l, v[i], a->lanes);
        }
        return;
    }
    tg_x86_val val = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 0)));
    v[0] = tg_llvm_splat(x->l, val.v, a->lanes);
    if (a->complex) {
        v[1] = tg_llvm_splat(x->l, val.im, a->lanes);
    }
    if (is_arg(fn_of(op))) {
        tg_axis *over = tg_op_attr(op, TG_ATTR_OVER)->axes[0];
        LLVMValueRef place = tg_llvm_splat(x->l, tg_x86_plain(x, *tg_x86_frame_index(f, over)).v, a->lanes);
        v[1] = LLVMBuildTrunc(x->builder, place, a->type[1], "");
    }
}

static void put_results(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f, LLVMValueRef *parts) {
    tg_op *op = a->root->op;
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_value *r = tg_result(op, i);
        bool arg = is_arg(fn_of(op));
        LLVMTypeRef place = arg ? tg_llvm_like(tg_x86_reg_type(x, r->type->dtype), parts[1]) : NULL;
        tg_x86_val v = {arg ? LLVMBuildSExt(x->builder, parts[1], place, "") : parts[i], NULL, a->complex ? parts[1] : NULL};
        if (a->dtype[i] == TG_F32 && !arg) {
            v.v = tg_x86_round(x, v.v, r->type->dtype);
        }
        if (r->type->n_axes == 0) {
            tg_x86_set_scalar(x, r, v);
            continue;
        }
        tg_x86_memo(x, tg_x86_frame_of(f, r->type), r, v); /* for the roots that run after */
        if (!a->root->transient) {
            tg_x86_buffer_store(x, f, x->buffers[r->id], v);
        }
    }
}

/* 64-bit products are several instructions each without AVX-512, and one for a scalar. */
bool tg_x86_scans_lanes(const tg_x86 *x, const tg_op *op) {
    tg_dtype t = tg_operand(op, 0)->type->dtype;
    bool slow = fn_of(op) == TG_FN_MUL && !tg_dtype_is_float(t) && tg_dtype_bits(t) == 64 && !x->machine->has_masks;
    return op->opcode == TG_OP_SCAN && tg_dtype_kind_of(t) != TG_KIND_COMPLEX && !slow;
}

/* Lanes `by` further up, those at the bottom from the top of `below`. */
static LLVMValueRef lanes_up(tg_x86 *x, LLVMValueRef v, LLVMValueRef below, unsigned by) {
    LLVMValueRef ids[64];
    unsigned lanes = tg_llvm_lanes(v);
    for (unsigned i = 0; i < lanes; i++) {
        ids[i] = tg_llvm_i32(x->l, lanes + i - by);
    }
    return LLVMBuildShuffleVector(x->builder, below, v, LLVMConstVector(ids, lanes), "");
}

/* What a vector of a scan gives in each lane, and what the next one begins with, in every lane. */
typedef struct scanned {
    LLVMValueRef out, next;
} scanned;

/* Sums of 1, 2, 4 … neighbours end in each lane, then what all lanes before this vector gave comes in front. Only that last step waits for
 * the vector before. */
static scanned scan_by_halves(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef before, LLVMValueRef v) {
    scanned s;
    LLVMValueRef none = tg_llvm_splat(x->l, identity(x, fn_of(a->root->op), a->dtype[0]), a->lanes);
    for (unsigned by = 1; by < a->lanes; by *= 2) {
        LLVMValueRef up = lanes_up(x, v, none, by);
        combine(x, a, &up, &v, &v);
    }
    combine(x, a, &before, &v, &s.out);
    LLVMValueRef last = LLVMBuildExtractElement(x->builder, v, tg_llvm_i32(x->l, a->lanes - 1), "");
    last = tg_llvm_splat(x->l, last, a->lanes);
    combine(x, a, &before, &last, &s.next);
    return s;
}

/* One lane after the other. */
static scanned scan_by_lanes(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef before, LLVMValueRef v) {
    scanned s = {LLVMGetPoison(LLVMTypeOf(v)), LLVMBuildExtractElement(x->builder, before, tg_llvm_i32(x->l, 0), "")};
    for (unsigned i = 0; i < a->lanes; i++) {
        LLVMValueRef n = tg_llvm_i32(x->l, i), one = LLVMBuildExtractElement(x->builder, v, n, "");
        combine(x, a, &s.next, &one, &s.next);
        s.out = LLVMBuildInsertElement(x->builder, s.out, s.next, n, "");
    }
    s.next = tg_llvm_splat(x->l, s.next, a->lanes);
    return s;
}

/* Is every product of lanes within the range of normal numbers, or 0? It is if each lane is, by the share of the exponents that it has. */
static LLVMValueRef is_far_from_ends(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    double most = ldexp(1, (a->dtype[0] == TG_F64 ? 1022 : 126) / (int)a->lanes);
    LLVMValueRef mag = tg_llvm_call1(x->l, "llvm.fabs", v);
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLE, mag, tg_llvm_real(LLVMTypeOf(v), most), "");
    LLVMValueRef large = LLVMBuildFCmp(b, LLVMRealOGE, mag, tg_llvm_real(LLVMTypeOf(v), 1 / most), "");
    LLVMValueRef zero = LLVMBuildFCmp(b, LLVMRealOEQ, mag, LLVMConstNull(LLVMTypeOf(v)), "");
    LLVMValueRef fine = LLVMBuildAnd(b, small, LLVMBuildOr(b, large, zero, ""), "");
    return tg_llvm_call1(x->l, "llvm.vector.reduce.and", fine);
}

static void keep(tg_x86 *x, const scanned *s, LLVMValueRef *slots) {
    LLVMBuildStore(x->builder, s->out, slots[0]);
    LLVMBuildStore(x->builder, s->next, slots[1]);
}

/* Regrouped products must not overflow where the order of the definition does not. */
static scanned scan_products(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef before, LLVMValueRef v) {
    LLVMTypeRef type = LLVMTypeOf(v);
    LLVMValueRef slots[] = {tg_x86_alloca(x, type), tg_x86_alloca(x, type)};
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, is_far_from_ends(x, a, v));
    scanned s = scan_by_halves(x, a, before, v);
    keep(x, &s, slots);
    tg_llvm_if_else(x->l, &c);
    s = scan_by_lanes(x, a, before, v);
    keep(x, &s, slots);
    tg_llvm_if_close(x->l, &c);
    return (scanned){LLVMBuildLoad2(x->builder, type, slots[0], ""), LLVMBuildLoad2(x->builder, type, slots[1], "")};
}

static void step_scan_lanes(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    LLVMValueRef before, v[MAX_PARTS];
    load_parts(x, a, &before);
    operands_at(x, a, f, v);
    bool products = fn_of(a->root->op) == TG_FN_MUL && tg_dtype_is_float(a->dtype[0]);
    scanned s = (products ? scan_products : scan_by_halves)(x, a, before, v[0]);
    store_parts(x, a, &s.next, &before, NULL);
    s.out = tg_op_flag(a->root->op, TG_ATTR_EXCLUSIVE) ? lanes_up(x, s.out, before, 1) : s.out;
    put_results(x, a, f, &s.out);
}

static void step_scan(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    const tg_x86_val *index = tg_x86_frame_index(f, tg_op_axis(a->root->op, TG_ATTR_AXIS));
    if (index->step) {
        step_scan_lanes(x, a, f);
        return;
    }
    bool exclusive = tg_op_flag(a->root->op, TG_ATTR_EXCLUSIVE);
    LLVMValueRef acc[MAX_PARTS], v[MAX_PARTS], out[MAX_PARTS];
    load_parts(x, a, acc);
    operands_at(x, a, f, v);
    combine(x, a, acc, v, out);
    store_parts(x, a, out, acc, NULL);
    put_results(x, a, f, exclusive ? acc : out);
}

static LLVMValueRef unordered(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef v, LLVMValueRef w, LLVMValueRef mask) {
    LLVMValueRef test = LLVMBuildFCmp(x->builder, LLVMRealUNO, v, w, "");
    test = mask ? LLVMBuildAnd(x->builder, test, mask, "") : test;
    return LLVMBuildSExt(x->builder, test, a->type[1], "");
}

/* Notes whether `v` is NaN. The test of the vector before is repeated for both; the one for it alone is dead then. */
static void flag(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef v, LLVMValueRef mask) {
    tg_x86_acc *owner = a->owner;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    bool paired = !mask && owner->alone.value && owner->alone.block == here;
    LLVMValueRef before = paired ? owner->alone.flags : LLVMBuildLoad2(x->builder, a->type[1], a->slot[1], "");
    LLVMValueRef other = paired ? owner->alone.value : v;
    LLVMBuildStore(x->builder, LLVMBuildOr(x->builder, before, unordered(x, a, v, other, mask), ""), a->slot[1]);
    owner->alone.value = paired || mask ? NULL : v;
    owner->alone.flags = before;
    owner->alone.block = here;
}

static void step_flagged(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    LLVMValueRef v[MAX_PARTS], mask = f->mask ? tg_llvm_splat(x->l, f->mask, a->lanes) : NULL;
    operands_at(x, a, f, v);
    LLVMValueRef old = LLVMBuildLoad2(x->builder, a->type[0], a->slot[0], "");
    LLVMValueRef next = extreme_of(x, fn_of(a->root->op), old, v[0]);
    LLVMBuildStore(x->builder, mask ? select(x, mask, next, old) : next, a->slot[0]);
    flag(x, a, v[0], mask);
}

/* Of a point after all those before: NaN stays, and replaces everything else. */
static void step_arg(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    LLVMValueRef acc[MAX_PARTS], v[MAX_PARTS], better;
    bool greatest = fn_of(a->root->op) == TG_FN_ARGMAX;
    operands_at(x, a, f, v);
    load_parts(x, a, acc);
    if (tg_dtype_is_float(a->dtype[0])) {
        better = LLVMBuildFCmp(x->builder, greatest ? LLVMRealUGT : LLVMRealULT, v[0], acc[0], "");
        better = LLVMBuildAnd(x->builder, better, LLVMBuildFCmp(x->builder, LLVMRealORD, acc[0], acc[0], ""), "");
    } else {
        better = tg_x86_compare(x, greatest ? TG_GT : TG_LT, a->dtype[0], v[0], acc[0]);
    }
    v[0] = select(x, better, v[0], acc[0]);
    v[1] = select(x, better, v[1], acc[1]);
    store_parts(x, a, v, acc, f->mask);
}

/* What a sum in lanes takes the squares of, or null: the product and its addition are one instruction then. Class R stays, which allows n - 1
 * roundings: of n points, a lane (of four or more) that has k > 1 rounds k - 1 sums, folding rounds two or more, and the definition's squares,
 * which it rounds and this does not, differ by one, together at most n - 1; a lane of one point has its rounded square. The sum of squares
 * overflows only where the definition does, which a sum of other products would not. */
static tg_value *squared_in_lanes(tg_x86 *x, const tg_x86_acc *a, const tg_x86_frame *f) {
    const tg_op *op = a->root->op;
    bool sums = op->opcode == TG_OP_REDUCE && fn_of(op) == TG_FN_ADD && a->lanes >= 4 && x->machine->has_fma && !x->options->baseline;
    const tg_value *v = sums ? tg_operand(op, 0) : NULL;
    bool squares = v && (v->type->dtype == TG_F32 || v->type->dtype == TG_F64) && v->def && v->def->opcode == TG_OP_MUL &&
                   tg_operand(v->def, 0) == tg_operand(v->def, 1) && x->modes[v->id] == TG_X86_INLINE;
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    bool in_lanes = false;
    for (uint32_t i = 0; squares && i < over->n_axes; i++) {
        const tg_x86_val *index = tg_x86_frame_index(f, over->axes[i]);
        in_lanes |= index && index->step;
    }
    return in_lanes ? tg_operand(v->def, 0) : NULL;
}

static void step_squares(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f, tg_value *of) {
    LLVMValueRef acc, out, v = tg_llvm_splat(x->l, tg_x86_plain(x, tg_x86_eval(x, f, of)).v, a->lanes);
    load_parts(x, a, &acc);
    out = multiply_add(x, a, v, v, acc);
    store_parts(x, a, &out, &acc, f->mask);
}

bool tg_x86_acc_narrows(const tg_x86_root *r) {
    bool sum = r->kind == TG_X86_ROOT_REDUCE && r->op->opcode == TG_OP_REDUCE && fn_of(r->op) == TG_FN_ADD;
    return sum && tg_dtype_kind_of(tg_operand(r->op, 0)->type->dtype) != TG_KIND_COMPLEX;
}

/* Halves of a value that is several registers onto each other until it is as long as the accumulator. */
static LLVMValueRef narrowed(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef v) {
    for (unsigned half = tg_llvm_lanes(v) / 2; half >= a->lanes; half /= 2) {
        LLVMValueRef low = tg_llvm_slice(x->l, v, 0, half), high = tg_llvm_slice(x->l, v, half, half);
        combine(x, a, &low, &high, &v);
    }
    return v;
}

void tg_x86_acc_step(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    tg_op *op = a->root->op;
    if (a->of_twin) {
        return;
    }
    if (a->root->kind == TG_X86_ROOT_SCAN) {
        step_scan(x, a, f);
        return;
    }
    if (op->opcode == TG_OP_DOT) {
        step_dot(x, a, f);
        return;
    }
    if (a->flagged) {
        step_flagged(x, a, f);
        return;
    }
    if (op->opcode == TG_OP_REDUCE && is_arg(fn_of(op))) {
        step_arg(x, a, f);
        return;
    }
    tg_value *of = a->lanes == x->lanes ? squared_in_lanes(x, a, f) : NULL;
    if (of) {
        step_squares(x, a, f, of);
        return;
    }
    LLVMValueRef acc[MAX_PARTS], v[MAX_PARTS], out[MAX_PARTS];
    operands_at(x, a, f, v);
    v[0] = narrowed(x, a, v[0]);
    load_parts(x, a, acc);
    combine(x, a, acc, v, out);
    store_parts(x, a, out, acc, f->mask);
}

void tg_x86_acc_merge(tg_x86 *x, tg_x86_acc *into, tg_x86_acc *from) {
    LLVMValueRef p[MAX_PARTS], q[MAX_PARTS], out[MAX_PARTS];
    load_parts(x, into, p);
    load_parts(x, from, q);
    combine(x, into, p, q, out);
    store_parts(x, into, out, p, NULL);
}

/* The best of all lanes, and the least of the positions of those that are as good: a test of all lanes at once instead of one, with ties, at each
 * level of a tree. If there are NaNs, they are the best. */
static void fold_position(tg_x86 *x, const tg_x86_acc *a, LLVMValueRef *v) {
    LLVMBuilderRef b = x->builder;
    bool is_float = tg_dtype_is_float(a->dtype[0]);
    LLVMValueRef best = v[0], nan = is_float ? LLVMBuildFCmp(b, LLVMRealUNO, v[0], v[0], "") : NULL;
    for (unsigned half = a->lanes / 2; half > 0; half /= 2) {
        LLVMValueRef low = tg_llvm_slice(x->l, best, 0, half), high = tg_llvm_slice(x->l, best, half, half);
        best = select(x, tg_x86_compare(x, fn_of(a->root->op) == TG_FN_ARGMAX ? TG_GT : TG_LT, a->dtype[0], low, high), low, high);
    }
    best = LLVMBuildExtractElement(b, best, tg_llvm_i32(x->l, 0), "");
    LLVMValueRef good = tg_x86_compare(x, TG_EQ, a->dtype[0], v[0], tg_llvm_splat(x->l, best, a->lanes));
    if (nan) {
        LLVMValueRef any = tg_llvm_call1(x->l, "llvm.vector.reduce.or", nan);
        good = select(x, any, nan, good);
        best = select(x, any, tg_llvm_real(LLVMTypeOf(best), NAN), best);
    }
    LLVMValueRef at = select(x, good, v[1], tg_llvm_int(LLVMTypeOf(v[1]), a->dtype[1] == TG_I32 ? INT32_MAX : INT64_MAX));
    v[0] = best;
    v[1] = tg_llvm_call1(x->l, "llvm.vector.reduce.smin", at);
}

bool tg_x86_acc_regroups(const tg_op *op) {
    tg_enum fn = fn_of(op);
    bool plain = op->opcode == TG_OP_REDUCE && tg_dtype_kind_of(tg_operand(op, 0)->type->dtype) != TG_KIND_COMPLEX;
    return plain && (fn == TG_FN_ADD || fn == TG_FN_MIN || fn == TG_FN_MAX);
}

static bool is_position(const tg_x86_acc *a) {
    return a->root->kind == TG_X86_ROOT_REDUCE && !by_function(a->root->op) && is_arg(fn_of(a->root->op));
}

static void replace_slots(tg_x86 *x, tg_x86_acc *a, LLVMValueRef *v, unsigned lanes) {
    a->lanes = lanes;
    for (uint32_t i = 0; i < a->n; i++) {
        a->type[i] = tg_llvm_wide(tg_x86_reg_type(x, a->dtype[i]), lanes);
        a->slot[i] = tg_x86_alloca(x, a->type[i]);
        LLVMBuildStore(x->builder, v[i], a->slot[i]);
    }
}

bool tg_x86_acc_join(tg_x86 *x, tg_x86_acc **accs, uint32_t n) {
    enum { MOST_LANES = 64, MOST = 16 };
    tg_x86_acc *a = accs[0];
    LLVMValueRef v[MAX_PARTS], part[MAX_PARTS][MOST];
    if (!is_position(a) || n > MOST || a->lanes < 2 || a->lanes * n > MOST_LANES) {
        return false;
    }
    for (uint32_t u = 0; u < n; u++) {
        load_parts(x, accs[u], v);
        for (uint32_t i = 0; i < a->n; i++) {
            part[i][u] = v[i];
        }
    }
    for (uint32_t i = 0; i < a->n; i++) {
        v[i] = tg_llvm_beside(x->l, part[i], n);
    }
    replace_slots(x, a, v, a->lanes * n);
    return true;
}

/* Halves onto each other until so many lanes are left: a fixed tree. */
void tg_x86_acc_fold(tg_x86 *x, tg_x86_acc *a, unsigned lanes) {
    LLVMValueRef v[MAX_PARTS], low[MAX_PARTS], high[MAX_PARTS];
    load_parts(x, a, v);
    bool position = lanes == 1 && a->lanes > 1 && is_position(a);
    if (position) {
        fold_position(x, a, v);
    }
    for (unsigned half = a->lanes / 2; half >= lanes && half > 0 && !position; half /= 2) {
        for (uint32_t i = 0; i < a->n; i++) {
            low[i] = half > 1 ? tg_llvm_slice(x->l, v[i], 0, half) : LLVMBuildExtractElement(x->builder, v[i], tg_llvm_i32(x->l, 0), "");
            high[i] = half > 1 ? tg_llvm_slice(x->l, v[i], half, half) : LLVMBuildExtractElement(x->builder, v[i], tg_llvm_i32(x->l, 1), "");
        }
        combine(x, a, low, high, v);
    }
    replace_slots(x, a, v, lanes);
}

void tg_x86_acc_close(tg_x86 *x, tg_x86_acc *a, tg_x86_frame *f) {
    if (a->root->kind == TG_X86_ROOT_SCAN) {
        return;
    }
    tg_op *op = a->root->op;
    LLVMValueRef v[MAX_PARTS];
    load_parts(x, a, v);
    if (op->opcode == TG_OP_DOT && op->n_operands > 2) {
        tg_x86_val plus = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 2)));
        tg_dtype t = a->dtype[0];
        unsigned lanes = tg_llvm_lanes(v[0]);
        LLVMValueRef re = tg_llvm_splat(x->l, plus.v, lanes);
        v[0] = tg_x86_binary(x, TG_OP_ADD, t, re, v[0]);
        if (a->complex) {
            v[1] = tg_x86_binary(x, TG_OP_ADD, t, tg_llvm_splat(x->l, plus.im, lanes), v[1]);
        }
    }
    if (a->flagged) {
        LLVMValueRef number = LLVMBuildICmp(x->builder, LLVMIntEQ, v[1], LLVMConstNull(LLVMTypeOf(v[1])), "");
        v[0] = select(x, number, v[0], tg_llvm_real(LLVMTypeOf(v[0]), NAN));
    }
    put_results(x, a, f, v);
}
