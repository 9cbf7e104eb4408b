/* Effects and random numbers. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

/* ---- assert and print ------------------------------------------------------------------------------------ */

static LLVMValueRef rt_field(tg_x86 *x, size_t offset) {
    return tg_llvm_load(x->l, x->l->ptr, tg_llvm_gep(x->l, x->l->i8, x->rt, tg_llvm_i64(x->l, (int64_t)offset)), 8);
}

static LLVMValueRef text_of(tg_x86 *x, const tg_op *op) {
    const char *format = tg_op_str(op, TG_ATTR_FORMAT);
    return LLVMBuildGlobalStringPtr(x->builder, format ? format : op->opcode == TG_OP_ASSERT ? "an assertion is false" : "", "");
}

static int print_kind(tg_dtype t) {
    tg_dtype_kind kind = tg_dtype_kind_of(t);
    return kind == TG_KIND_COMPLEX ? TG_PRINT_COMPLEX
           : kind == TG_KIND_FLOAT ? TG_PRINT_FLOAT
           : kind == TG_KIND_BOOL  ? TG_PRINT_BOOL
           : kind == TG_KIND_UINT  ? TG_PRINT_UNSIGNED
                                   : TG_PRINT_SIGNED;
}

static LLVMValueRef cell(tg_x86 *x, LLVMValueRef cells, LLVMValueRef i) {
    return tg_llvm_gep(x->l, x->l->i64, cells, i);
}

/* The value at this point, widened to 8 bytes; two cells for a complex one. */
static void put_point(tg_x86 *x, tg_x86_frame *f, tg_value *v, LLVMValueRef cells) {
    tg_dtype t = v->type->dtype, real = tg_dtype_real(t);
    int kind = print_kind(t);
    tg_x86_val p = tg_x86_plain(x, tg_x86_eval(x, f, v));
    bool is_float = kind == TG_PRINT_FLOAT || kind == TG_PRINT_COMPLEX;
    LLVMValueRef wide = is_float ? tg_x86_convert(x, p.v, real, TG_F64)
                                 : LLVMBuildIntCast2(x->builder, p.v, x->l->i64, kind == TG_PRINT_SIGNED, "");
    tg_llvm_store(x->l, wide, cells, 8);
    if (kind == TG_PRINT_COMPLEX) {
        tg_llvm_store(x->l, tg_x86_convert(x, p.im, real, TG_F64), cell(x, cells, tg_llvm_i64(x->l, 1)), 8);
    }
}

static void put_tile_field(tg_x86 *x, LLVMValueRef tile, size_t offset, LLVMValueRef v) {
    tg_llvm_store(x->l, v, cell(x, tile, tg_llvm_i64(x->l, (int64_t)offset / 8)), 8);
}

/* A tg_print_tile with the first points of `v`. */
static LLVMValueRef gather_tile(tg_x86 *x, tg_value *v) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef i64 = x->l->i64;
    LLVMValueRef tile = tg_x86_alloca(x, LLVMArrayType2(i64, sizeof(tg_print_tile) / 8)), count = tg_x86_alloca(x, i64);
    LLVMValueRef values = cell(x, tile, tg_llvm_i64(x->l, offsetof(tg_print_tile, values) / 8));
    put_tile_field(x, tile, offsetof(tg_print_tile, rank), tg_llvm_i64(x->l, v->type->n_axes));
    for (uint32_t i = 0; i < v->type->n_axes; i++) {
        const tg_x86_range *r = &x->ranges[v->type->axes[i]->rank];
        put_tile_field(x, tile, offsetof(tg_print_tile, first) + 8 * i, r->first);
        put_tile_field(x, tile, offsetof(tg_print_tile, size) + 8 * i, r->size);
    }
    LLVMBuildStore(b, tg_llvm_i64(x->l, 0), count);
    tg_x86_points l;
    tg_x86_points_open(x, &l, x->root, v->type->axes, v->type->n_axes, NULL);
    LLVMValueRef n = LLVMBuildLoad2(b, i64, count, "");
    tg_llvm_if some;
    tg_llvm_if_open(x->l, &some, LLVMBuildICmp(b, LLVMIntSLT, n, tg_llvm_i64(x->l, TG_PRINT_POINTS), ""));
    put_point(x, l.frame, v, cell(x, values, LLVMBuildShl(b, n, tg_llvm_i64(x->l, 1), "")));
    LLVMBuildStore(b, LLVMBuildAdd(b, n, tg_llvm_i64(x->l, 1), ""), count);
    tg_llvm_if_close(x->l, &some);
    tg_x86_points_close(x, &l);
    return tile;
}

/* Calls print or fail_assert with the operands from `first` on, at this point or, without one, whole tiles. */
static void emit_text(tg_x86 *x, tg_op *op, tg_x86_frame *f, uint32_t first, size_t callback) {
    LLVMBuilderRef b = x->builder;
    uint32_t n = op->n_operands - first, used = 0;
    LLVMValueRef cells = tg_x86_alloca(x, LLVMArrayType2(x->l->i64, 2 * n + 1));
    LLVMValueRef *kinds = TG_NEW_ARRAY(x->arena, LLVMValueRef, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        tg_value *v = tg_operand(op, first + i);
        bool tile = !f && v->type->n_axes > 0;
        int kind = print_kind(v->type->dtype);
        LLVMValueRef to = cell(x, cells, tg_llvm_i64(x->l, used));
        if (tile) {
            tg_llvm_store(x->l, gather_tile(x, v), to, 8);
        } else {
            put_point(x, f ? f : x->root, v, to);
        }
        used += !tile && kind == TG_PRINT_COMPLEX ? 2 : 1;
        kinds[i] = tg_llvm_int(x->l->i8, tile ? kind | TG_PRINT_TILE : kind);
    }
    LLVMValueRef table = LLVMAddGlobal(x->l->module, LLVMArrayType2(x->l->i8, n), "kinds");
    LLVMSetInitializer(table, LLVMConstArray2(x->l->i8, kinds, n));
    LLVMSetLinkage(table, LLVMInternalLinkage);
    LLVMTypeRef params[] = {x->l->ptr, x->l->ptr, x->l->ptr, x->l->ptr, x->l->i32};
    LLVMValueRef args[] = {x->rt, text_of(x, op), cells, table, tg_llvm_i32(x->l, n)};
    LLVMBuildCall2(b, LLVMFunctionType(x->l->t_void, params, 5, 0), rt_field(x, callback), args, 5, "");
}

void tg_x86_emit_fail(tg_x86 *x, tg_op *op, tg_x86_frame *f) {
    emit_text(x, op, f, 1, offsetof(tg_rt, fail_assert));
}

void tg_x86_emit_print(tg_x86 *x, tg_op *op) {
    emit_text(x, op, NULL, 0, offsetof(tg_rt, print));
}

/* ---- philox ------------------------------------------------------------------------------------------------- */

static void wide_product(tg_x86 *x, LLVMValueRef a, uint32_t by, LLVMValueRef *high, LLVMValueRef *low) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef wide = tg_llvm_like(x->l->i64, a);
    LLVMValueRef p = LLVMBuildMul(b, LLVMBuildZExt(b, a, wide, ""), tg_llvm_int(wide, by), "");
    *low = LLVMBuildTrunc(b, p, LLVMTypeOf(a), "");
    *high = LLVMBuildTrunc(b, LLVMBuildLShr(b, p, tg_llvm_int(wide, 32), ""), LLVMTypeOf(a), "");
}

/* Philox-4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011, section 3.3. */
tg_x86_val tg_x86_philox(tg_x86 *x, tg_x86_frame *f, tg_op *op, uint32_t result) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef seed = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 0))).v;
    LLVMValueRef n = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 1))).v;
    LLVMTypeRef word = tg_llvm_like(x->l->i32, n);
    seed = tg_llvm_splat(x->l, seed, tg_llvm_lanes(n));
    LLVMValueRef half = tg_llvm_int(LLVMTypeOf(n), 32), c[4], key[2];
    c[0] = LLVMBuildTrunc(b, n, word, "");
    c[1] = LLVMBuildTrunc(b, LLVMBuildLShr(b, n, half, ""), word, "");
    c[2] = c[3] = LLVMConstNull(word);
    key[0] = LLVMBuildTrunc(b, seed, word, "");
    key[1] = LLVMBuildTrunc(b, LLVMBuildLShr(b, seed, half, ""), word, "");
    for (int round = 0; round < 10; round++) {
        LLVMValueRef h0, l0, h1, l1;
        wide_product(x, c[0], 0xD2511F53u, &h0, &l0);
        wide_product(x, c[2], 0xCD9E8D57u, &h1, &l1);
        c[0] = LLVMBuildXor(b, LLVMBuildXor(b, h1, c[1], ""), key[0], "");
        c[2] = LLVMBuildXor(b, LLVMBuildXor(b, h0, c[3], ""), key[1], "");
        c[1] = l1;
        c[3] = l0;
        key[0] = LLVMBuildAdd(b, key[0], tg_llvm_int(word, 0x9E3779B9), "");
        key[1] = LLVMBuildAdd(b, key[1], tg_llvm_int(word, 0xBB67AE85), "");
    }
    for (uint32_t i = 0; i < 4; i++) {
        tg_x86_val v = {c[i], NULL, NULL};
        tg_x86_memo(x, f, tg_result(op, i), v);
    }
    return (tg_x86_val){c[result], NULL, NULL};
}

void tg_x86_emit_special(tg_x86 *x, tg_op *op) {
    void *location = tg_x86_debug_enter(x, op);
    switch ((int)op->opcode) {
    case TG_OP_SORT:
        tg_x86_emit_sort(x, op);
        break;
    case TG_OP_TOPK:
        tg_x86_emit_topk(x, op);
        break;
    case TG_OP_HISTOGRAM:
        tg_x86_emit_histogram(x, op);
        break;
    case TG_OP_PRINT:
        tg_x86_emit_print(x, op);
        break;
    default:
        tg_x86_refuse(x, op, "has no lowering on this target");
    }
    tg_x86_debug_leave(x, location);
}
